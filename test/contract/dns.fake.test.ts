import { describe, expect, test } from "vitest";
import type { DnsRecord, DnsServer, DnsUpdate } from "../../src/model/dns.ts";
import type { DnsClient } from "../../src/model/ports.ts";
import { systemClock } from "../../src/store/clock.ts";
import { createFakeDnsClient } from "../fake/dns-client.ts";
import { FakeDns } from "../fake/dns.ts";
import type { FakeDnsWay } from "../fake/dns.ts";
import { VirtualClock } from "../support/clock.ts";
import { dnsContract } from "./dns.contract.ts";
import { relaxed } from "./support/commands.ts";
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

describe("the world behind the servers in memory", () => {
  const second: DnsServer = { name: "ns2", address: "192.0.2.54", port: 53 };
  const key = makeDnsKey("drover");
  const record = (text: string): DnsRecord => ({ name: `x.${ZONE}`, ttl: 5, type: "TXT", texts: [text] });
  const add = (text: string): DnsUpdate => {
    const deletion = { kind: "delete-set", name: `x.${ZONE}`, type: "TXT" } as const;
    return { zone: ZONE, prerequisites: [], changes: [deletion, { kind: "add", record: record(text) }] };
  };
  const world = (): { clock: VirtualClock; fake: FakeDns; it: DnsClient } => {
    const clock = new VirtualClock();
    const fake = new FakeDns(clock);
    fake.addZone({ zone: ZONE, primary: server, secondaries: [second], grants: [{ key, types: null }] });
    return { clock, fake, it: createFakeDnsClient(fake, clock) };
  };

  test("a secondary is behind by its lag, and never goes back", async () => {
    const { clock, fake, it } = world();
    fake.server(second).lag = 300;
    await it.update(server, add("one"), key, relaxed());
    expect(fake.records(ZONE)).toEqual([record("one")]);
    expect(fake.records(ZONE, second)).toEqual([]);
    await clock.drive(clock.sleep(299, new AbortController().signal));
    expect(fake.records(ZONE, second)).toEqual([]);
    await clock.drive(clock.sleep(1, new AbortController().signal));
    expect(fake.records(ZONE, second)).toEqual([record("one")]);
    fake.server(second).lag = Infinity;
    await it.update(server, add("two"), key, relaxed());
    expect(fake.records(ZONE, second)).toEqual([record("one")]);
    expect(fake.serial(ZONE, second)).toBeLessThan(fake.serial(ZONE));
    fake.server(second).lag = 0;
    expect(fake.records(ZONE, second)).toEqual([record("two")]);
  });

  test("what others write by hand is there, and every answer and every update is noted with its time", async () => {
    const { clock, fake, it } = world();
    fake.put(ZONE, record("by hand"));
    const question = { name: `x.${ZONE}`, type: "TXT" } as const;
    await it.query(second, [question], relaxed());
    await clock.drive(clock.sleep(50, new AbortController().signal));
    await it.update(server, add("one"), key, relaxed());
    fake.take(ZONE, `x.${ZONE}`);
    fake.server(server).instead = "SERVFAIL";
    await it.query(server, [question], relaxed());
    expect(fake.answers).toMatchObject([
      { at: 1_000_000, server: "ns2", question, reply: { answers: [record("by hand")] } },
      { at: 1_000_050, server: "ns1", question, reply: { rcode: "SERVFAIL", authoritative: false } },
    ]);
    expect(fake.updates).toMatchObject([{ at: 1_000_050, server: "ns1", rcode: "NOERROR" }]);
  });

  test("a silent server costs the whole deadline, by the clock of the world", async () => {
    const { clock, fake, it } = world();
    fake.server(second).way = "silent";
    const queried = await clock.drive(it.query(second, [{ name: ZONE, type: "SOA" }], relaxed({ deadline: 7000 })));
    expect(queried).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
    expect(clock.now()).toBe(1_007_000);
  });

  test("an update is lost before it is done, or after", async () => {
    const { clock, fake, it } = world();
    for (const fate of ["lose-before", "lose-after"] as const) {
      fake.intercept = () => fate;
      const updated = await clock.drive(it.update(server, add(fate), key, relaxed({ deadline: 100 })));
      expect(updated).toMatchObject({ kind: "unknown", failure: { code: "dns-lost" } });
    }
    expect(fake.records(ZONE)).toEqual([record("lose-after")]);
  });
});
