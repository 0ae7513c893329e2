import { dnsContract } from "./dns.contract.ts";
import { realSubject } from "./support/dns-subject.ts";
import { startKnot } from "./support/knot.ts";

dnsContract("the DNS client to a real Knot", () =>
  realSubject(() => startKnot(), {
    mostRecords: null,
    ontoAlias: "ignored",
    order: "as written",
    denied: "dns-key",
    wholeNames: "refused",
    badSignature: "told",
    strangeZone: "dns-key",
    tellsTime: true,
  }),
);
