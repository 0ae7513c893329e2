import type { DnsServer } from "../../src/model/dns.ts";
import { systemClock } from "../../src/store/clock.ts";
import { createFakeDnsClient } from "../fake/dns-client.ts";
import { FakeDns } from "../fake/dns.ts";
import type { FakeDnsWay } from "../fake/dns.ts";
import { dnsContract } from "./dns.contract.ts";
import type { DnsTrouble } from "./support/dns-proxy.ts";
import { makeDnsKey, ZONE } from "./support/dns-server.ts";

const server: DnsServer = { name: "ns1", address: "192.0.2.53", port: 53 };

/** Trouble of servers; what is not in here is done to replies on their way. */
const WAYS: Readonly<Partial<Record<DnsTrouble, FakeDnsWay>>> = {
  nobody: "refused",
  mute: "mute",
  "hangs-up": "hangs-up",
  "loses-replies": "lossy",
  "changes-ids": "babbles",
  "talks-rubbish": "babbles",
};

dnsContract("the DNS client to servers in memory", () => {
  const fake = new FakeDns(systemClock);
  const [key, denied] = [makeDnsKey("drover"), makeDnsKey("denied")];
  fake.addZone({
    zone: ZONE,
    primary: server,
    grants: [
      { key, types: ["SRV", "A", "AAAA", "TXT"] },
      { key: denied, types: [] },
    ],
  });
  fake.put(ZONE, { name: `alias.${ZONE}`, ttl: 60, type: "CNAME", target: `target.${ZONE}` });
  fake.put(ZONE, { name: `target.${ZONE}`, ttl: 60, type: "A", address: "192.0.2.1" });
  return Promise.resolve({
    server,
    zone: ZONE,
    key,
    denied,
    traits: {
      mostRecords: 100,
      ontoAlias: "ignored",
      order: "as written",
      denied: "dns-refused",
      wholeNames: "go",
      badSignature: "told",
      strangeZone: "dns-refused",
      tellsTime: true,
    },
    client: (clock = systemClock) => createFakeDnsClient(fake, clock),
    async troubled(trouble, work) {
      const there = fake.server(server);
      there.way = WAYS[trouble] ?? "open";
      fake.intercept = () => (WAYS[trouble] === undefined ? "forge" : "pass");
      return work(server).finally(() => {
        there.way = "open";
        fake.intercept = () => "pass";
      });
    },
    stop: () => Promise.resolve(),
  });
});
