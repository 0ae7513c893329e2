import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { dnsGcCommand } from "../../../src/commands/dns-gc.ts";
import { planCommand } from "../../../src/commands/plan.ts";
import type { DnsRecord } from "../../../src/model/dns.ts";
import { failure } from "../../../src/model/errors.ts";
import { fakeApps } from "../../fake/release.ts";
import type { FakeWorld } from "../../support/fake-world.ts";
import { NS1, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

const gc =
  (allowEmpty = false, forget?: string) =>
  (context: Context): Promise<number> =>
    dnsGcCommand(context, { allowEmpty, forget });

function srv(app: string, target: string): DnsRecord {
  const name = `_${app}._tcp.${ZONE}`;
  return { name, ttl: 10, type: "SRV", priority: 0, weight: 1, port: 1, target: `${target}.${ZONE}` };
}

function owner(name: string, sets: readonly string[] = [], fleet = "test"): DnsRecord {
  const texts = ["heritage=drover", `owner=${fleet}`, "rev=3", "epoch=1", "run=r", ...sets.map((set) => `set=${set}`)];
  return { name: `_drover.${name}.${ZONE}`, ttl: 10, type: "TXT", texts };
}

/** A fleet with an app `old` in its zone and its ledger, which no file knows. */
async function withOld(...more: readonly DnsRecord[]): Promise<FakeWorld> {
  const world = await published();
  world.dns.put(ZONE, ...more);
  remember(world, { zone: ZONE, kind: "app", name: "old" }, { zone: ZONE, kind: "host", name: "gone" });
  return world;
}

function remember(world: FakeWorld, ...entries: NonNullable<FakeWorld["store"]["services"]>["entries"]): void {
  world.store.services = { entries: [...(world.store.services?.entries ?? []), ...entries] };
}

function names(world: FakeWorld): readonly string[] {
  return (world.store.services?.entries ?? []).map(({ kind, name }) => `${kind} ${name}`).toSorted();
}

const HOSTS = ["app shop", "host app1", "host app2", "host app3"];
const OLD = [srv("old", "gone"), owner("_old._tcp", ["_old._tcp"])];
const GONE: readonly DnsRecord[] = [{ name: `gone.${ZONE}`, ttl: 60, type: "A", address: "10.9.9.9" }, owner("gone")];

describe("dns gc", () => {
  test("finds nothing to do where all is wanted, and forgets names of which nothing is there", async () => {
    const world = await withOld();
    const before = world.dns.records(ZONE);
    expect(await say(world, gc())).toMatchObject({
      code: 0,
      text: expect.stringMatching(/^no difference\n/) as string,
    });
    expect([names(world), world.dns.records(ZONE)]).toEqual([HOSTS, before]);
  });

  test("does not leave clients with nobody unless that is allowed", async () => {
    const world = await withOld(...OLD, ...GONE);
    const before = world.dns.records(ZONE);
    const { code, text } = await say(world, gc());
    expect([code, world.dns.records(ZONE)]).toEqual([1, before]);
    expect(text).toContain("old: clients are still told of gone, and would be told of nobody [dns-empty]");
    expect(text).toContain("drover dns gc --allow-empty");
  });

  test("takes out apps, waits until nobody remembers them, then hosts; the rest stays", async () => {
    const world = await withOld(...OLD, ...GONE);
    const { code, text } = await say(world, gc(true));
    expect(code).toBe(0);
    const lines = text.split("\n");
    const at = (what: string): number => lines.findIndex((line) => line.includes(what));
    expect(at("take old out of DNS")).toBeGreaterThan(0);
    expect(at("nobody remembers old (10 s)")).toBeGreaterThan(at("take old out of DNS"));
    expect(at("take gone out of DNS")).toBeGreaterThan(at("nobody remembers old"));
    expect(world.dns.records(ZONE).filter(({ name }) => name.includes("old") || name.includes("gone"))).toEqual([]);
    expect([names(world), world.told(), world.misled]).toEqual([HOSTS, ["app1", "app2", "app3"], []]);
  });

  test("an owner record that is left alone needs nobody's leave", async () => {
    const world = await withOld(owner("_old._tcp"), ...GONE);
    expect((await say(world, gc())).code).toBe(0);
    expect(names(world)).toEqual(HOSTS);
  });

  test("another fleet's records stay, whoever once wrote there", async () => {
    const world = await withOld(srv("old", "gone"), owner("_old._tcp", ["_old._tcp"], "other"));
    const before = world.dns.records(ZONE);
    expect((await say(world, gc(true))).code).toBe(0);
    expect(world.dns.records(ZONE)).toEqual(before);
    expect(names(world)).toEqual(HOSTS);
  });

  test("an app that a host still has, an open rollout or a silent host may want is left, and told", async () => {
    const deployed = await withOld(...OLD);
    const apps = fakeApps(deployed.fleet.host("app1"));
    const shop = apps.get("shop");
    if (shop !== undefined) apps.set("old", shop);
    expect(await say(deployed, gc(true))).toMatchObject({
      code: 0,
      text: expect.stringContaining("old: stays, it is still deployed on app1 → drover apply --allow-empty") as string,
    });
    const open = await withOld(...OLD, ...GONE);
    open.store.open.set("old", "run-7-old");
    const { text } = await say(open, gc(true));
    expect(text).toContain("old: stays, its rollout run-7-old is open");
    expect(text).toContain("gone: its addresses stay, old in DNS still refers to them");
    const silent = await withOld(...OLD);
    silent.fleet.host("app3").way = { kind: "refused", failure: failure("host-timeout", "app3: no answer") };
    expect((await say(silent, gc(true))).text).toContain("whether app3 still runs it is unknown");
    for (const world of [deployed, open, silent]) expect(names(world)).toContain("app old");
  });

  test("what may be left in other zones is told, and kept in mind until somebody says otherwise", async () => {
    const world = await published();
    remember(world, { zone: "old.zone", kind: "app", name: "shop" }, { zone: "old.zone", kind: "host", name: "app1" });
    const { code, text } = await say(world, gc());
    expect(code).toBe(0);
    expect(text).toContain("note: old.zone: may still hold what drover wrote there for app shop, host app1");
    expect(text).toContain("drover dns gc --forget old.zone");
    expect(world.store.services?.entries.filter(({ zone }) => zone === "old.zone")).toHaveLength(2);
    const forgetting = await say(world, gc(false, "old.zone"));
    expect(forgetting.text.split("\n").slice(0, 2)).toEqual([
      "note: old.zone: app shop, host app1 there are remembered no more",
      "no difference",
    ]);
    expect((await say(world, gc(false, "old.zone"))).text).toContain("old.zone: drover remembers nothing there");
    expect(names(world)).toEqual(HOSTS);
    expect((await say(world, gc(false, ZONE))).code).toBe(64);
  });

  test("a former zone is forgotten, too, where the files name no zone at all any more: under the lease, and nothing else", async () => {
    const world = await published();
    const drover = world.files.texts.get("drover.yaml") ?? "";
    world.files.texts.set("drover.yaml", drover.slice(0, drover.indexOf("dns:")));
    const planned = await say(world, (context) => planCommand(context, { allowEmpty: false }));
    expect(planned.text).toContain(`then: drover dns gc --forget ${ZONE}`);
    const without = await say(world, gc());
    expect([without.code, without.text]).toEqual([
      64,
      expect.stringContaining("drover dns gc --forget ZONE") as string,
    ]);
    world.dns.server(NS1).way = "refused";
    const before = world.dns.records(ZONE);
    const { code, text } = await say(world, gc(false, ZONE));
    expect([code, text.split("\n").slice(0, 2)]).toEqual([
      0,
      [`note: ${ZONE}: ${HOSTS.join(", ")} there are remembered no more`, "no difference"],
    ]);
    expect([names(world), world.dns.records(ZONE)]).toEqual([[], before]);
    world.fleet.host("dns1").way = { kind: "refused", failure: failure("host-timeout", "dns1: no answer") };
    expect((await say(world, gc(false, ZONE))).code).toBe(1);
  });
});
