import { dnsContract } from "./dns.contract.ts";
import { realSubject } from "./support/dns-subject.ts";
import { startPdns } from "./support/pdns.ts";

dnsContract("the DNS client to a real PowerDNS", () =>
  realSubject(startPdns, {
    mostRecords: null,
    ontoAlias: "refused",
    order: "deletes first",
    denied: "dns-refused",
    wholeNames: "go",
    badSignature: "refused",
    strangeZone: "dns-refused",
    tellsTime: false,
  }),
);
