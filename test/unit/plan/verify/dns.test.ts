import { describe, expect, test } from "vitest";
import { failure } from "../../../../src/model/errors.ts";
import { known, unknown } from "../../../../src/model/known.ts";
import { secondsAhead } from "../../../../src/plan/clock.ts";
import { elsewhere } from "../../../../src/plan/dns-gc.ts";
import { namesLeft, namesWith } from "../../../../src/plan/services-ledger.ts";
import { toldAddresses, toldRecord } from "../../../../src/plan/verify/dns-answers.ts";
import type { NamedServer } from "../../../../src/plan/verify/name-servers.ts";
import { nameServerChecks } from "../../../../src/plan/verify/name-servers.ts";
import { noAddresses } from "../../../../src/discovery/facts.ts";
import type { SrvRecord } from "../../../../src/discovery/normalize.ts";

const RECORD: SrvRecord = {
  name: "_shop._tcp.svc.test",
  ttl: 15,
  type: "SRV",
  priority: 0,
  weight: 1,
  port: 80,
  target: "a.svc.test",
};
const ENDPOINT = { set: "_shop._tcp", priority: 0, weight: 1, port: 80 };

describe("what a server says of an instance", () => {
  test.for<[string, readonly SrvRecord[], string, string]>([
    ["as the files say", [RECORD], "same", ""],
    ["nothing", [], "missing", ""],
    ["another port", [{ ...RECORD, port: 81 }], "differs", "port 81, not 80"],
    [
      "all otherwise",
      [{ ...RECORD, priority: 1, weight: 2, ttl: 9 }],
      "differs",
      "priority 1, not 0; weight 2, not 1; TTL 9 s, not 15 s",
    ],
    ["twice", [RECORD, { ...RECORD, port: 81 }], "differs", "2 records"],
  ])("%s", ([, records, kind, says]) => {
    const told = toldRecord("ns1", { wanted: ENDPOINT, ttl: 15 }, { records, alias: null });
    expect(told).toEqual({ server: "ns1", kind, says });
  });

  test("one that no file wants is there, an alias differs, silence is unknown", () => {
    const goal = { wanted: null, ttl: 15 };
    expect(toldRecord("ns1", goal, { records: [RECORD], alias: null }).kind).toBe("there");
    expect(toldRecord("ns1", goal, { records: [], alias: "x.y" })).toMatchObject({ kind: "differs" });
    expect(toldRecord("ns1", goal, null).kind).toBe("unknown");
  });
});

test("a host's addresses are the same in any order and any way of writing them", () => {
  const found = (addresses: readonly string[], ttl = 60) => ({
    ...noAddresses("a"),
    addresses,
    records: addresses.map((address) => ({ name: "a.svc.test", ttl, type: "A" as const, address })),
  });
  const goal = { wanted: { host: "a", addresses: ["10.0.0.1", "fd00::10"] }, ttl: 60 };
  const kindOf = (addresses: readonly string[], ttl?: number) =>
    toldAddresses("ns1", goal, { found: found(addresses, ttl) });
  expect(kindOf(["fd00:0:0::0010", "10.0.0.1"]).kind).toBe("same");
  expect(kindOf(["10.0.0.1"]).says).toBe("10.0.0.1, not 10.0.0.1, fd00::10");
  expect(kindOf(["10.0.0.1", "fd00::10"], 5).says).toBe("TTL 5 s, not 60 s");
  expect(toldAddresses("ns1", goal, { found: null }).kind).toBe("missing");
  expect(toldAddresses("ns1", goal, null).kind).toBe("unknown");
});

describe("the zone's name servers", () => {
  const server = { role: "secondary", serial: 1, behind: 0, otherwise: [], setUp: true, why: null, port: 53 } as const;
  const account = {
    zone: "svc.test",
    servers: [
      { ...server, server: "dns1", address: "10.0.0.1" },
      { ...server, server: "dns2", address: "fd00::2" },
    ],
  };
  const messages = (named: readonly NamedServer[]): readonly string[] =>
    nameServerChecks(account, known(named)).flatMap((each) => (each.kind === "passed" ? [] : [each.message]));

  test("are exactly those that drover knows, by any of their addresses", () => {
    const dns1 = { name: "dns1.svc.test", addresses: ["fd00::1", "10.0.0.1"] };
    expect(messages([dns1, { name: "dns2.svc.test", addresses: ["fd00:0::2"] }])).toEqual([]);
    expect(messages([dns1])).toEqual(["no NS record names dns2: clients that follow them do not ask it"]);
    expect(messages([dns1, { name: "ns.provider.example", addresses: null }])).toEqual([
      "clients may ask ns.provider.example; whether that is one of dns.servers cannot be told here",
    ]);
  });

  test("are unknown where nobody tells", () => {
    const why = failure("dns-answer", "dns1 names no name server");
    expect(nameServerChecks(account, unknown(why))).toMatchObject([{ kind: "unknown", message: why.message }]);
  });
});

test.for([
  [100, 0],
  [105, 0],
  [99, -1],
  [40, -60],
  [111, 5],
] as const)("a clock that says %i between second 100 and 106 is %i s ahead", ([theirs, ahead]) => {
  expect(secondsAhead(theirs, { from: 100_400, to: 105_300 })).toBe(ahead);
});

test("the ledger gains names once, loses those of its zone alone, and tells of other zones", () => {
  const shop = { kind: "app", app: "shop" } as const;
  const before = { entries: [{ zone: "old.test", kind: "host", name: "a" } as const] };
  const both = namesWith(namesWith(before, "svc.test", [shop]), "svc.test", [shop, { kind: "host", host: "a" }]);
  expect(both.entries.map(({ zone, name }) => `${zone} ${name}`)).toEqual([
    "old.test a",
    "svc.test shop",
    "svc.test a",
  ]);
  expect(namesLeft(both, "svc.test", ({ kind }) => kind === "app").entries.map(({ name }) => name)).toEqual([
    "a",
    "shop",
  ]);
  expect(elsewhere(both, "svc.test")).toHaveLength(1);
  expect(elsewhere(both, "svc.test")[0]).toContain("old.test: may still hold what drover wrote there for host a");
});
