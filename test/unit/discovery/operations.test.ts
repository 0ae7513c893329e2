import { describe, expect, test } from "vitest";
import type { DiscoveryAction } from "../../../src/model/discovery.ts";
import type { ZoneWorld } from "../../support/discovery-zone.ts";
import {
  DNS1,
  DNS2,
  DNS3,
  ZONE,
  ZONE_REF,
  carryOut,
  hostsIn,
  linesOf,
  ownerSays,
  publish,
  shopOn,
  srv,
  txt,
  withdraw,
  zoneWorld,
} from "../../support/discovery-zone.ts";

const DONE = { kind: "done", note: "" };

function failing(code: string, says: string): unknown {
  return { kind: "failed", failure: expect.objectContaining({ code, message: expect.stringContaining(says) }) };
}

/** A world in which shop is published on these hosts. */
function published(...hosts: readonly string[]): ZoneWorld {
  const world = zoneWorld();
  expect(carryOut(world, publish(hosts.map((host) => shopOn(host))))).toEqual(DONE);
  return world;
}

/** A zone ref in which silent secondaries are passed over. */
function skipping(action: DiscoveryAction): DiscoveryAction {
  return { ...action, zone: { ...ZONE_REF, servers: { ...ZONE_REF.servers, onSilent: "skip" } } };
}

describe("dns.publish", () => {
  test("claims the app and writes all of its sets in one message", () => {
    const world = published("app1");
    expect(linesOf(world)).toEqual([
      "_drover._shop._tcp 15 TXT owner=acme rev=1 epoch=7 run=r1 set=_metrics._tcp.shop set=_shop._tcp",
      "_metrics._tcp.shop 15 SRV 0 1 9100 app1",
      "_shop._tcp 15 SRV 0 1 8080 app1",
    ]);
    expect(world.dns.updates).toHaveLength(1);
  });

  test("leaves the app's other hosts as they are", () => {
    const world = published("app1", "app2");
    carryOut(world, publish([shopOn("app2", 5), shopOn("app3")]));
    expect(linesOf(world).filter((line) => line.startsWith("_shop._tcp"))).toEqual([
      "_shop._tcp 15 SRV 0 1 8080 app1",
      "_shop._tcp 15 SRV 0 1 8080 app3",
      "_shop._tcp 15 SRV 0 5 8080 app2",
    ]);
    expect(ownerSays(world, "rev")).toBe("2");
  });

  test("with only, puts away whatever else is in the sets, and a set that is no port's any more", () => {
    const world = published("app1", "app2");
    world.dns.put(ZONE, srv("_shop._tcp", "elsewhere.example.com"));
    const own = { host: "app1", endpoints: shopOn("app1").endpoints.filter(({ set }) => set === "_shop._tcp") };
    expect(carryOut(world, publish([own], true))).toEqual(DONE);
    expect(linesOf(world)).toEqual([
      "_drover._shop._tcp 15 TXT owner=acme rev=2 epoch=7 run=r1 set=_shop._tcp",
      "_shop._tcp 15 SRV 0 1 8080 app1",
    ]);
  });

  test("of what is there already writes nothing, and changes a TTL that differs", () => {
    const world = published("app1");
    carryOut(world, publish([shopOn("app1")]));
    expect(world.dns.updates).toHaveLength(1);
    carryOut(world, publish([shopOn("app1")], false, 30));
    expect(linesOf(world).map((line) => line.split(" ")[1])).toEqual(["30", "30", "30"]);
  });

  test("never empties an app's sets", () => {
    const world = published("app1");
    expect(carryOut(world, publish([], true))).toEqual(failing("dns-empty", "nobody would be left in DNS for shop"));
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app1"]);
  });

  test("of more than 100 hosts is refused before anything is sent", () => {
    const world = zoneWorld();
    const hosts = Array.from({ length: 101 }, (_, index) => shopOn(`app${String(index)}`));
    expect(carryOut(world, publish(hosts))).toEqual(
      failing("dns-too-large", "_metrics._tcp.shop.svc.test would have 101 records"),
    );
    expect(world.dns.updates).toEqual([]);
  });

  test("of more ports and hosts than a message has room for is refused before anything is sent", () => {
    const world = zoneWorld();
    const host = (index: number): string => `${"a".repeat(50)}.${"b".repeat(50)}.${"c".repeat(50)}.h${String(index)}`;
    const ports = ["p1", "p2", "p3"].map((name) => ({ set: `_${name}._tcp.shop`, priority: 0, weight: 1, port: 80 }));
    const hosts = Array.from({ length: 100 }, (_, index) => ({ host: host(index), endpoints: ports }));
    expect(carryOut(world, publish(hosts))).toEqual(failing("dns-too-large", "bytes, more than DNS has room for"));
    expect(carryOut(world, publish(hosts.slice(0, 60)))).toEqual(DONE);
  });

  test("of a host whose name is none is refused before anything is sent", () => {
    const world = zoneWorld();
    expect(carryOut(world, publish([shopOn("a..b")]))).toEqual(failing("files-invalid", "is no label"));
    expect(world.dns.updates).toEqual([]);
  });
});

describe("what is another's", () => {
  test.for([
    [
      "records without an owner record",
      [srv("_shop._tcp", "x.example.com")],
      "dns-foreign",
      "_shop._tcp has records in DNS that drover did not write",
    ],
    [
      "another fleet's",
      [txt("_drover._shop._tcp", "heritage=drover", "owner=other", "rev=1", "epoch=1", "run=x")],
      "dns-foreign",
      "shop in DNS belongs to the fleet other",
    ],
    [
      "an owner record of something else",
      [txt("_drover._shop._tcp", "v=spf1")],
      "dns-foreign",
      "none that drover understands",
    ],
    [
      "two owner records",
      [
        txt("_drover._shop._tcp", "heritage=drover", "owner=acme", "rev=1", "epoch=1", "run=x"),
        txt("_drover._shop._tcp", "more"),
      ],
      "dns-foreign",
      "none that drover understands",
    ],
    [
      "an alias in place of the set",
      [{ name: `_shop._tcp.${ZONE}`, ttl: 9, type: "CNAME", target: `x.${ZONE}` } as const],
      "dns-conflict",
      "_shop._tcp is a CNAME, for x.svc.test",
    ],
  ] as const)("%s: nothing is written beside or over it", ([, records, code, says]) => {
    const world = zoneWorld();
    world.dns.put(ZONE, ...records);
    const before = linesOf(world);
    expect(carryOut(world, publish([shopOn("app1")]))).toEqual(failing(code, says));
    expect(linesOf(world)).toEqual(before);
    expect(world.dns.updates).toEqual([]);
  });

  test("a set that a new port would need, also where the app is ours", () => {
    const world = zoneWorld();
    const own = { host: "app1", endpoints: shopOn("app1").endpoints.filter(({ set }) => set === "_shop._tcp") };
    carryOut(world, publish([own]));
    world.dns.put(ZONE, srv("_metrics._tcp.shop", "x.example.com"));
    expect(carryOut(world, publish([shopOn("app1")]))).toEqual(
      failing("dns-foreign", "_metrics._tcp.shop has records"),
    );
  });

  test.for([
    ["records", srv("_shop._tcp", "x.example.com"), "dns-foreign"],
    [
      "an alias",
      { name: `_shop._tcp.${ZONE}`, ttl: 9, type: "CNAME", target: "x.example.com" } as const,
      "dns-conflict",
    ],
  ] as const)("%s that appear between the look and the message: they stay", ([, record, code]) => {
    const world = zoneWorld();
    world.dns.intercept = () => {
      world.dns.put(ZONE, record);
      return "pass";
    };
    expect(carryOut(world, publish([shopOn("app1")]))).toEqual(failing(code, "_shop._tcp "));
    expect(linesOf(world)).toHaveLength(1);
  });

  test("a newer run's: an old one gives up", () => {
    const world = published("app1");
    const outcome = carryOut(world, publish([shopOn("app2")]), { run: "old", epoch: 6 });
    expect(outcome).toEqual(failing("stale-epoch", "changed by a newer run (r1)"));
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app1"]);
  });
});

describe("dns.withdraw", () => {
  test("takes hosts out of all of the app's sets, and whoever is no host of the zone stays", () => {
    const world = published("app1", "app2");
    world.dns.put(ZONE, srv("_shop._tcp", "elsewhere.example.com"));
    expect(carryOut(world, withdraw(["app1"]))).toEqual(DONE);
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app2", "elsewhere.example.com"]);
    expect(hostsIn(world, "_metrics._tcp.shop")).toEqual(["app2"]);
  });

  test("refuses to leave fewer than it has to", () => {
    const world = published("app1", "app2");
    expect(carryOut(world, withdraw(["app1"], 2))).toEqual(
      failing("dns-empty", "without app1 there would be 1 host in DNS for shop, and 2 have to stay"),
    );
    expect(carryOut(world, withdraw(["app1", "app2"], 0))).toEqual(DONE);
    expect(linesOf(world)).toEqual(["_drover._shop._tcp 15 TXT owner=acme rev=2 epoch=7 run=r1"]);
  });

  test("of who is not there is done, however few there are", () => {
    const world = published("app1");
    expect(carryOut(world, withdraw(["app9"], 5))).toEqual(DONE);
    expect(carryOut(zoneWorld(), withdraw(["app1"], 5))).toEqual(DONE);
  });

  test("says so where another's records name the host, and minds no others", () => {
    const world = zoneWorld();
    world.dns.put(ZONE, srv("_shop._tcp", `app1.${ZONE}`));
    expect(carryOut(world, withdraw(["app2"], 0))).toEqual(DONE);
    expect(carryOut(world, withdraw(["app1"], 0))).toEqual(failing("dns-foreign", "_shop._tcp has records"));
  });
});

describe("the other servers", () => {
  test("are waited for until they say the same", () => {
    const world = zoneWorld(4000);
    carryOut(world, publish([shopOn("app1"), shopOn("app2")]));
    expect(carryOut(world, withdraw(["app1"]))).toEqual(DONE);
    for (const server of [DNS2, DNS3]) expect(linesOf(world, server)).toEqual(linesOf(world));
  });

  test("one that stays behind is named with its serial", () => {
    const world = published("app1", "app2");
    world.dns.server(DNS3).lag = Infinity;
    expect(carryOut(world, withdraw(["app1"]))).toEqual(
      failing("dns-lag", "dns3 still says something else than dns1: it has serial 2 of svc.test, dns1 3"),
    );
  });

  test("one that does not answer stops a withdrawal before anything is sent", () => {
    const world = published("app1", "app2");
    world.dns.server(DNS2).way = "refused";
    expect(carryOut(world, withdraw(["app1"]))).toEqual(failing("dns-unreachable", "dns2 does not answer"));
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app1", "app2"]);
    expect(world.dns.updates).toHaveLength(1);
  });

  test("one that does not answer is named and passed over where the fleet says so", () => {
    const world = published("app1", "app2");
    world.dns.server(DNS2).way = "refused";
    expect(carryOut(world, skipping(withdraw(["app1"])))).toEqual({
      kind: "done",
      note: "passed over: dns2 does not answer",
    });
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app2"]);
  });

  test("one that answers what is old is never passed over", () => {
    const world = published("app1", "app2");
    world.dns.server(DNS2).lag = Infinity;
    expect(carryOut(world, skipping(withdraw(["app1"])))).toEqual(failing("dns-lag", "dns2 still says something else"));
  });

  test("one that does not speak for the zone is no agreement", () => {
    const world = published("app1", "app2");
    world.dns.server(DNS2).instead = "SERVFAIL";
    expect(carryOut(world, publish([shopOn("app3")]))).toEqual(
      failing("dns-lag", "dns2 does not answer for the zone svc.test: it answers SERVFAIL"),
    );
  });
});

describe("the primary", () => {
  test.for([
    ["lose-before", "lose-before"],
    ["lose-after", "lose-after"],
    ["hang-up", "hang-up"],
  ] as const)("whose reply gets lost (%s) is read again, and that decides", ([fate]) => {
    const world = published("app1");
    let lose = true;
    world.dns.intercept = () => {
      const now = lose ? fate : "pass";
      lose = false;
      return now;
    };
    expect(carryOut(world, publish([shopOn("app2")]))).toMatchObject({ kind: "done" });
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app1", "app2"]);
    expect(ownerSays(world, "rev")).toBe("2");
  });

  test("whose replies all get lost is given up", () => {
    const world = published("app1");
    world.dns.intercept = () => "lose-before";
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual(failing("dns-lost", "the reply got lost"));
    expect(hostsIn(world, "_shop._tcp")).toEqual(["app1"]);
  });

  test("whose reply is forged has still made the change, and that is said", () => {
    const world = published("app1");
    world.dns.intercept = () => "forge";
    const note = "dns1: a reply that is not its; it had been made";
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual({ kind: "done", note });
  });

  test("whose reply is forged, and that made no change, is not asked again", () => {
    const world = published("app1");
    let asked = 0;
    world.dns.intercept = () => {
      asked += 1;
      return "forge";
    };
    world.dns.update = () => "NOERROR";
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual(failing("dns-forged", "a reply that is not its"));
    expect(asked).toBe(1);
  });

  test("that says yes and does nothing is found out", () => {
    const world = published("app1");
    const real = world.dns.update.bind(world.dns);
    world.dns.update = (server, update, key) => real(server, { ...update, changes: [] }, key);
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual(
      failing("dns-answer", "dns1 said yes to a change of svc.test and did not make it"),
    );
  });

  test("that refuses what it has just told is found out", () => {
    const world = published("app1");
    world.dns.update = () => "NXRRSET";
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual(
      failing("dns-conflict", "is not as it has just told (NXRRSET)"),
    );
  });

  test.for([
    ["refused", null, "dns-unreachable", "dns1 does not answer"],
    ["open", "REFUSED", "dns-refused", "dns1 does not answer for the zone svc.test: it answers REFUSED"],
    ["open", "SERVFAIL", "dns-answer", "it answers SERVFAIL"],
  ] as const)("that is %s %s is never taken for an empty zone", ([way, instead, code, says]) => {
    const world = published("app1");
    world.dns.server(DNS1).way = way;
    world.dns.server(DNS1).instead = instead;
    expect(carryOut(world, publish([shopOn("app2")]))).toEqual(failing(code, says));
  });

  test("that answers from a cache does not speak for the zone", () => {
    const world = published("app1");
    world.dns.reword = (_server, _question, reply) => ({ ...reply, authoritative: false });
    expect(carryOut(world, withdraw(["app1"], 0))).toEqual(failing("dns-answer", "(no AA flag)"));
  });
});

describe("dns.addresses", () => {
  const addresses = (...hosts: readonly (readonly [string, ...string[]])[]): DiscoveryAction => ({
    kind: "dns.addresses",
    zone: ZONE_REF,
    hosts: hosts.map(([host, ...rest]) => ({ host, addresses: rest })),
    ttl: 60,
  });

  test("writes a message per host that differs, and no other address stays", () => {
    const world = zoneWorld(1000);
    expect(carryOut(world, addresses(["app1", "10.0.0.11", "fd00::11"], ["app2", "10.0.0.12"]))).toEqual(DONE);
    expect(carryOut(world, addresses(["app1", "fd00::11"], ["app2", "10.0.0.12"]))).toEqual(DONE);
    expect(world.dns.updates).toHaveLength(3);
    expect(linesOf(world, DNS3)).toEqual([
      "_drover.app1 60 TXT owner=acme rev=2 epoch=7 run=r1",
      "_drover.app2 60 TXT owner=acme rev=1 epoch=7 run=r1",
      "app1 60 AAAA fd00::11",
      "app2 60 A 10.0.0.12",
    ]);
  });

  test.for([
    [
      "an address",
      { name: `app2.${ZONE}`, ttl: 9, type: "A", address: "10.9.9.9" } as const,
      "dns-foreign",
      "app2 has addresses in DNS that drover did not write",
    ],
    [
      "an alias",
      { name: `app2.${ZONE}`, ttl: 9, type: "CNAME", target: "x.example.com" } as const,
      "dns-conflict",
      "app2 is a CNAME, for x.example.com",
    ],
  ] as const)("finds %s of another's before the first host is changed", ([, record, code, says]) => {
    const world = zoneWorld();
    world.dns.put(ZONE, record);
    expect(carryOut(world, addresses(["app1", "10.0.0.11"], ["app2", "10.0.0.12"]))).toEqual(failing(code, says));
    expect(world.dns.updates).toEqual([]);
  });
});

describe("dns.forget", () => {
  const forget = (subject: { kind: "app"; app: string } | { kind: "host"; host: string }): DiscoveryAction => ({
    kind: "dns.forget",
    zone: ZONE_REF,
    subject,
    remembered: 0,
  });

  test("takes away all that is ours of an app, and nothing else", () => {
    const world = published("app1");
    world.dns.put(ZONE, srv("_other._tcp.shop", "x.example.com"), txt("_shop._tcp", "a note of somebody's"));
    expect(carryOut(world, forget({ kind: "app", app: "shop" }))).toEqual(DONE);
    expect(linesOf(world)).toEqual([
      "_other._tcp.shop 15 SRV 0 1 8080 x.example.com",
      "_shop._tcp 15 TXT a note of somebody's",
    ]);
    expect(carryOut(world, forget({ kind: "app", app: "shop" }))).toEqual(DONE);
  });

  test("takes away a host's addresses", () => {
    const world = zoneWorld();
    carryOut(world, {
      kind: "dns.addresses",
      zone: ZONE_REF,
      hosts: [{ host: "app1", addresses: ["10.0.0.11"] }],
      ttl: 60,
    });
    expect(carryOut(world, forget({ kind: "host", host: "app1" }))).toEqual(DONE);
    expect(linesOf(world)).toEqual([]);
  });

  test("leaves what is another's, and says so", () => {
    const world = zoneWorld();
    world.dns.put(
      ZONE,
      txt("_drover._shop._tcp", "heritage=drover", "owner=other"),
      srv("_shop._tcp", "x.example.com"),
    );
    const before = linesOf(world);
    expect(carryOut(world, forget({ kind: "app", app: "shop" }))).toEqual({
      kind: "done",
      note: "shop is another's in DNS, and stays",
    });
    expect(linesOf(world)).toEqual(before);
  });
});

describe("dns.adopt", () => {
  const adopt = (from: string | null): Extract<DiscoveryAction, { kind: "dns.adopt" }> => ({
    kind: "dns.adopt",
    zone: ZONE_REF,
    subject: { kind: "app", app: "shop" },
    sets: ["_shop._tcp", "_metrics._tcp.shop"],
    from,
  });

  test("writes the owner record, and the records stay as they are", () => {
    const world = zoneWorld();
    world.dns.put(ZONE, srv("_shop._tcp", `app1.${ZONE}`), srv("_shop._tcp", "x.example.com"));
    expect(carryOut(world, adopt(null))).toEqual(DONE);
    expect(linesOf(world)).toEqual([
      "_drover._shop._tcp 15 TXT owner=acme rev=1 epoch=7 run=r1 set=_shop._tcp",
      "_shop._tcp 15 SRV 0 1 8080 app1",
      "_shop._tcp 15 SRV 0 1 8080 x.example.com",
    ]);
    expect(carryOut(world, adopt(null))).toEqual(DONE);
    expect(world.dns.updates).toHaveLength(1);
  });

  test("takes over from a fleet that is named, and from no other", () => {
    const world = zoneWorld();
    carryOut(world, { ...publish([shopOn("app1")]), zone: { ...ZONE_REF, owner: "other" } });
    expect(carryOut(world, adopt(null))).toEqual(failing("dns-foreign", "belongs to the fleet other"));
    expect(carryOut(world, adopt("third"))).toEqual(failing("dns-foreign", "belongs to the fleet other, not to third"));
    expect(carryOut(world, adopt("other"))).toEqual(DONE);
    expect(ownerSays(world, "owner")).toBe("acme");
  });

  test("of what changes meanwhile begins again", () => {
    const world = zoneWorld();
    world.dns.put(ZONE, srv("_shop._tcp", `app1.${ZONE}`));
    let first = true;
    world.dns.intercept = () => {
      if (first) world.dns.put(ZONE, srv("_shop._tcp", `app2.${ZONE}`));
      first = false;
      return "pass";
    };
    expect(carryOut(world, adopt(null))).toEqual(DONE);
    expect(world.dns.updates.map(({ rcode }) => rcode)).toEqual(["NXRRSET", "NOERROR"]);
  });

  test("of nothing, and of an alias, is refused", () => {
    const world = zoneWorld();
    expect(carryOut(world, adopt(null))).toEqual(
      failing("dns-conflict", "there is nothing of shop in DNS to take over"),
    );
    world.dns.put(ZONE, { name: `_shop._tcp.${ZONE}`, ttl: 9, type: "CNAME", target: "x.example.com" });
    expect(carryOut(world, adopt(null))).toEqual(failing("dns-conflict", "_shop._tcp is a CNAME"));
  });

  test("takes over a host's addresses", () => {
    const world = zoneWorld();
    world.dns.put(ZONE, { name: `app1.${ZONE}`, ttl: 60, type: "A", address: "10.0.0.11" });
    const action: DiscoveryAction = { ...adopt(null), subject: { kind: "host", host: "app1" }, sets: [] };
    expect(carryOut(world, action)).toEqual(DONE);
    expect(linesOf(world)).toEqual(["_drover.app1 60 TXT owner=acme rev=1 epoch=7 run=r1", "app1 60 A 10.0.0.11"]);
  });
});
