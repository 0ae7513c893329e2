import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import { known, unknown } from "../../../src/model/known.ts";
import { diffAddresses, diffService, lagOf } from "../../../src/discovery/diff.ts";
import type { AppRecords } from "../../../src/discovery/facts.ts";
import { noAddresses } from "../../../src/discovery/facts.ts";
import type { ZoneWorld } from "../../support/discovery-zone.ts";
import { DNS1, DNS2, DNS3, ZONE, carryOut, publish, shopOn, srv, txt } from "../../support/discovery-zone.ts";
import { factsOf, zoneOf } from "./models.ts";

function published(...hosts: readonly string[]): ZoneWorld {
  const world = zoneOf();
  carryOut(world, publish(hosts.map((host) => shopOn(host))));
  return world;
}

function shopIn(world: ZoneWorld): AppRecords | undefined {
  return factsOf(world).apps.get("shop");
}

describe("an app's records", () => {
  test("are as they should be, whatever the order", () => {
    const found = shopIn(published("app2", "app1"));
    expect(diffService([shopOn("app1"), shopOn("app2")], 15, found)).toEqual({ kind: "same" });
    expect(diffService([], 15, null)).toEqual({ kind: "same" });
  });

  test("lack hosts, have others, and have some otherwise", () => {
    const diff = diffService(
      [shopOn("app1"), shopOn("app2", 7), shopOn("app4")],
      15,
      shopIn(published("app1", "app2", "app3")),
    );
    expect(diff).toMatchObject({
      kind: "differs",
      missing: [{ host: "app4" }],
      changed: [shopOn("app2", 7)],
      extra: [shopOn("app3")],
      ttl: false,
      foreign: null,
    });
    expect(diff.kind === "differs" ? diff.reasons : []).toEqual([
      "app4 is not in DNS",
      "app2 is in DNS with another port or weight",
      "app3 is in DNS and should not be",
    ]);
  });

  test("are not there at all", () => {
    expect(diffService([shopOn("app1"), shopOn("app2")], 15, undefined)).toMatchObject({
      reasons: ["app1, app2 are not in DNS"],
      missing: [{ host: "app1" }, { host: "app2" }],
    });
  });

  test("name a stranger, and have another TTL", () => {
    const world = published("app1");
    world.dns.put(ZONE, { ...srv("_shop._tcp", "x.example.com"), ttl: 99 });
    expect(diffService([shopOn("app1")], 15, shopIn(world))).toMatchObject({
      odd: [{ target: "x.example.com" }],
      ttl: true,
      reasons: ["x.example.com is in DNS and is no host of the zone", "the records in DNS have another TTL than 15 s"],
    });
  });

  test("are another's", () => {
    const world = zoneOf(srv("_shop._tcp", `app1.${ZONE}`));
    const own = { host: "app1", endpoints: shopOn("app1").endpoints.filter(({ set }) => set === "_shop._tcp") };
    expect(diffService([own], 15, shopIn(world))).toMatchObject({ kind: "differs", foreign: { code: "dns-foreign" } });
  });
});

describe("a host's addresses", () => {
  const records = (...addresses: readonly string[]): Parameters<typeof diffAddresses>[2] => ({
    ...noAddresses("app1"),
    owner: { kind: "ours", record: { owner: "acme", revision: 1, epoch: 1, run: "r", sets: [] }, seen: [] },
    ttl: 60,
    addresses,
    records: addresses.map((address) => ({ name: `app1.${ZONE}`, ttl: 60, type: "AAAA", address })),
  });

  test("are the same in another spelling and order", () => {
    const wanted = { host: "app1", addresses: ["fd00::1", "10.0.0.1"] };
    expect(diffAddresses(wanted, 60, records("10.0.0.1", "FD00:0:0::0001"))).toEqual({ kind: "same" });
  });

  test("are missing, are others, have another TTL", () => {
    const wanted = { host: "app1", addresses: ["fd00::1"] };
    expect(diffAddresses(wanted, 60, undefined)).toMatchObject({ reasons: ["app1: its addresses are not in DNS"] });
    expect(diffAddresses(wanted, 30, records("fd00::2"))).toMatchObject({
      foreign: null,
      reasons: ["app1: in DNS with fd00::2, not fd00::1", "app1: its addresses in DNS have another TTL than 30 s"],
    });
  });

  test("are another's", () => {
    const found = { ...noAddresses("app1"), addresses: ["fd00::1"] };
    expect(diffAddresses({ host: "app1", addresses: ["fd00::1"] }, 60, found)).toMatchObject({
      foreign: { code: "dns-foreign", message: "app1 has addresses in DNS that drover did not write" },
    });
  });
});

test("secondaries lag behind the primary, say something else, or nothing", () => {
  const world = published("app1");
  world.dns.server(DNS2).lag = Infinity;
  factsOf(world, DNS2);
  world.dns.put(ZONE, srv("_shop._tcp", `app2.${ZONE}`), txt("a", "b"));
  const why = failure("dns-unreachable", "gone");
  const view = {
    primary: { server: DNS1, facts: known(factsOf(world)) },
    secondaries: [
      { server: DNS2, facts: known(factsOf(world, DNS2)) },
      { server: DNS3, facts: unknown(why) },
      { server: DNS1, facts: known(factsOf(world)) },
    ],
  };
  expect(lagOf(view).map(({ unknown: reason, behind, reasons }) => ({ reason, behind, reasons }))).toEqual([
    { reason: null, behind: 1, reasons: ["it tells something else of shop"] },
    { reason: why, behind: 0, reasons: [] },
    { reason: null, behind: 0, reasons: [] },
  ]);
});

test("a secondary whose serial is newer than its primary's is said to be ahead: no change arrives there", () => {
  const zone = factsOf(published("app1"));
  const view = {
    primary: { server: DNS1, facts: known({ ...zone, serial: 2 ** 32 - 1 }) },
    secondaries: [{ server: DNS2, facts: known({ ...zone, serial: 2 }) }],
  };
  expect(lagOf(view).map(({ behind, reasons }) => ({ behind, reasons }))).toEqual([
    { behind: 0, reasons: [expect.stringContaining("3 ahead of the primary's")] },
  ]);
});
