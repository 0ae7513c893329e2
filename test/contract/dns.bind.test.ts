import { dnsContract } from "./dns.contract.ts";
import { startBind } from "./support/bind.ts";
import { realSubject } from "./support/dns-subject.ts";

dnsContract("the DNS client to a real BIND", () =>
  realSubject(() => startBind(), {
    mostRecords: 100,
    ontoAlias: "ignored",
    order: "as written",
    denied: "dns-refused",
    wholeNames: "go",
    badSignature: "told",
    strangeZone: "dns-refused",
    tellsTime: true,
  }),
);
