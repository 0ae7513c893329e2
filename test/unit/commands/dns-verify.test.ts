import { describe, expect, test } from "vitest";
import { applyCommand } from "../../../src/commands/apply.ts";
import { dnsGcCommand } from "../../../src/commands/dns-gc.ts";
import { dnsVerifyCommand } from "../../../src/commands/dns-verify.ts";
import { drainCommand } from "../../../src/commands/drain.ts";
import type { DnsRecord } from "../../../src/model/dns.ts";
import { failure } from "../../../src/model/errors.ts";
import type { DnsVerification } from "../../../src/plan/verify/dns-findings.ts";
import type { FakeWorld } from "../../support/fake-world.ts";
import { NS1, NS2, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

const SHOP = `_shop._tcp.${ZONE}`;

function srv(target: string, over: Partial<Extract<DnsRecord, { type: "SRV" }>> = {}): DnsRecord {
  return { name: SHOP, ttl: 10, type: "SRV", priority: 0, weight: 1, port: 8080, target, ...over };
}

/** Exit code, and each finding as `code subject`. */
async function findings(world: FakeWorld): Promise<readonly [number | null, ...string[]]> {
  const { code, text } = await say(world, dnsVerifyCommand, { output: "json" });
  const verification = JSON.parse(text.split("\n").at(-1) ?? "") as DnsVerification;
  if (!("findings" in verification)) throw new Error(text);
  return [code, ...verification.findings.map((each) => `${each.code} ${each.subject}`)];
}

/** A fleet whose zone names its servers, so that there is nothing to note. */
async function quiet(settings = ""): Promise<FakeWorld> {
  const world = await published(settings);
  for (const [index, { address }] of [NS1, NS2].entries())
    world.dns.put(ZONE, { name: `ns${String(index + 1)}.${ZONE}`, ttl: 60, type: "A", address });
  return world;
}

/** An app's file, of an app that nobody talks to. */
function withoutPort(file: string): string {
  return file.replace(" --port {{port}}", "").replaceAll(/^(?:port|health|routes):.*\n/gm, "");
}

describe("dns verify", () => {
  test("finds nothing after an apply, and says how much it looked at", async () => {
    const { code, text } = await say(await quiet(), dnsVerifyCommand);
    expect([code, text]).toEqual([0, `verified: ${ZONE}: 22 checks on 2 servers`]);
  });

  test("notes servers that clients may ask and drover does not watch, and is content", async () => {
    const world = await published();
    const { code, text } = await say(world, dnsVerifyCommand);
    expect(code).toBe(0);
    expect(text.split("\n")).toEqual([
      `note: ${ZONE}: clients may ask ns1.${ZONE}, which is none of dns.servers: drover does not wait for it [name-servers]`,
      `note: ${ZONE}: clients may ask ns2.${ZONE}, which is none of dns.servers: drover does not wait for it [name-servers]`,
      `note: ${ZONE}: no NS record names ${NS1.name}: clients that follow them do not ask it [name-servers]`,
      `note: ${ZONE}: no NS record names ${NS2.name}: clients that follow them do not ask it [name-servers]`,
      `verified, 4 notes: ${ZONE}: 25 checks on 2 servers`,
    ]);
  });

  test("a drained host is out of the records, and that is right; one that is in is not", async () => {
    const world = await quiet();
    await say(world, (context) => drainCommand(context, "app2", { reason: "new disk", allowEmpty: false }));
    expect(await findings(world)).toEqual([0]);
    world.dns.put(ZONE, srv(`app2.${ZONE}`));
    expect(await findings(world)).toEqual([2, `extra ${SHOP}`]);
  });

  test("what an open rollout has taken out is its own business", async () => {
    const world = await quiet();
    world.store.open.set("shop", "run-9-shop");
    world.dns.take(ZONE, SHOP, "SRV");
    expect(await findings(world)).toEqual([0]);
  });

  test.for<[string, (world: FakeWorld) => void, readonly string[]]>([
    ["another weight", (w) => w.dns.put(ZONE, srv(`app1.${ZONE}`, { weight: 3 })), ["differs"]],
    ["a stranger", (w) => w.dns.put(ZONE, srv(`gone.${ZONE}`)), ["extra"]],
    ["an empty set", (w) => w.dns.take(ZONE, SHOP, "SRV"), ["missing", "missing", "missing"]],
    ["another TTL", (w) => w.dns.put(ZONE, srv(`app1.${ZONE}`, { ttl: 60 })), ["differs", "differs", "differs"]],
  ])("finds %s", async ([, damage, codes]) => {
    const world = await quiet();
    damage(world);
    expect(await findings(world)).toEqual([2, ...codes.map((code) => `${code} ${SHOP}`)]);
  });

  test("finds a target without an address, and one that is an alias", async () => {
    const world = await quiet();
    world.dns.take(ZONE, `app1.${ZONE}`);
    expect(await findings(world)).toEqual([2, `target ${SHOP}`, `address app1.${ZONE}`]);
    world.dns.put(ZONE, { name: `app1.${ZONE}`, ttl: 60, type: "CNAME", target: "x.y" });
    expect(await findings(world)).toEqual([2, "foreign app1", `target ${SHOP}`]);
  });

  test("finds a server that tells otherwise, and one that is silent", async () => {
    const world = await quiet();
    world.dns.server(NS2).lag = Infinity;
    world.dns.put(ZONE, { name: `new.${ZONE}`, ttl: 60, type: "A", address: "10.9.9.9" });
    expect(await findings(world)).toEqual([2, `lag ${NS2.name}`]);
    world.dns.server(NS2).way = "refused";
    expect(await findings(world)).toEqual([1, `unanswered ${NS2.name}`]);
    world.dns.server(NS2).way = "open";
    world.dns.server(NS2).instead = "SERVFAIL";
    expect(await findings(world)).toEqual([1, `unanswered ${NS2.name}`]);
  });

  test("is not sure of anything without the primary, or without the state host", async () => {
    const world = await quiet();
    world.fleet.host("dns1").way = { kind: "refused", failure: failure("host-timeout", "dns1: no answer") };
    expect(await findings(world)).toEqual([1, "unanswered state host"]);
    world.dns.server(NS1).way = "refused";
    expect((await findings(world)).slice(0, 2)).toEqual([1, `unanswered ${NS1.name}`]);
  });

  test("finds another's records, once, and does not ask for an apply that would refuse", async () => {
    const world = await quiet();
    world.dns.take(ZONE, `_drover.${SHOP}`);
    world.dns.put(ZONE, srv(`gone.${ZONE}`));
    expect(await findings(world)).toEqual([2, "foreign shop"]);
  });

  test("finds what is left over: an app no file publishes, and a host that nothing refers to", async () => {
    const world = await quiet();
    world.files.texts.set(
      "apps/shop.yaml",
      (world.files.texts.get("apps/shop.yaml") ?? "").replace("role=app", "role=lb"),
    );
    world.files.texts.set("apps/pay.yaml", (world.files.texts.get("apps/shop.yaml") ?? "").replace("shop", "pay"));
    world.files.texts.delete("apps/shop.yaml");
    expect(await findings(world)).toEqual([
      2,
      `missing _pay._tcp.${ZONE}`,
      `missing _pay._tcp.${ZONE}`,
      "left-over shop",
      `address lb1.${ZONE}`,
      `address lb2.${ZONE}`,
      "left-over app1",
      "left-over app2",
      "left-over app3",
    ]);
  });

  test("what is left over is told with the command that takes it out", async () => {
    const deleted = await quiet();
    const file = deleted.files.texts.get("apps/shop.yaml") ?? "";
    deleted.files.texts.delete("apps/shop.yaml");
    deleted.files.texts.set("apps/job.yaml", withoutPort(file.replaceAll("shop", "job")));
    const { text } = await say(deleted, dnsVerifyCommand);
    expect(text).toContain(
      "shop: drover wrote it into the zone, and no file wants it any more [left-over] → drover apply --allow-empty",
    );
    expect(text).toContain(
      "app1: drover wrote its addresses, and nothing but shop refers to them any more [left-over] → they go with shop",
    );
    expect((await say(deleted, (context) => applyCommand(context, { allowEmpty: true }))).code).toBe(0);
    expect(await findings(deleted)).toEqual([0]);
    const away = await quiet();
    away.store.services = {
      entries: [
        ...(away.store.services?.entries ?? []),
        { zone: ZONE, kind: "app", name: "old" },
        { zone: ZONE, kind: "host", name: "gone" },
      ],
    };
    const texts = ["heritage=drover", "owner=test", "rev=1", "epoch=1", "run=r"];
    away.dns.put(ZONE, srv(`gone.${ZONE}`, { name: `_old._tcp.${ZONE}` }));
    away.dns.put(ZONE, { name: `_drover._old._tcp.${ZONE}`, ttl: 10, type: "TXT", texts: [...texts, "set=_old._tcp"] });
    const said = await say(away, dnsVerifyCommand);
    expect(said.text).toContain("→ drover dns gc --allow-empty (gone: not in the inventory)");
    expect((await say(away, (context) => dnsGcCommand(context, { allowEmpty: true, forget: undefined }))).code).toBe(0);
    expect(await findings(away)).toEqual([0]);
    away.dns.put(ZONE, { name: `_drover.gone.${ZONE}`, ttl: 10, type: "TXT", texts });
    away.store.services = {
      entries: [...(away.store.services?.entries ?? []), { zone: ZONE, kind: "host", name: "gone" }],
    };
    expect((await say(away, dnsVerifyCommand)).text).toContain(
      "nothing refers to them any more [left-over] → drover apply\n",
    );
    expect((await say(away, (context) => applyCommand(context, { allowEmpty: false }))).code).toBe(0);
    expect(await findings(away)).toEqual([0]);
  });

  test("an app that goes on without a port leaves with what is told", async () => {
    const world = await quiet();
    world.files.texts.set("apps/shop.yaml", withoutPort(world.files.texts.get("apps/shop.yaml") ?? ""));
    const told = await say(world, dnsVerifyCommand);
    expect(told.text).toContain("[left-over] → drover apply --allow-empty");
    expect((await say(world, (context) => applyCommand(context, { allowEmpty: true }))).code).toBe(0);
    expect(await findings(world)).toEqual([0]);
  });

  test("finds a zone whose clients remember for long that a name is not there; notes an unusual TTL", async () => {
    const world = await quiet();
    world.dns.addZone({ zone: ZONE, primary: NS1, secondaries: [NS2], grants: [], negativeTtl: 900 });
    expect((await findings(world)).slice(0, 2)).toEqual([2, `negative-ttl ${ZONE}`]);
    const long = await quiet();
    long.files.texts.set("drover.yaml", (long.files.texts.get("drover.yaml") ?? "").replace("ttl: 10s", "ttl: 5m"));
    expect((await findings(long)).slice(1, 2)).toEqual([`ttl ${ZONE}`]);
  });
});
