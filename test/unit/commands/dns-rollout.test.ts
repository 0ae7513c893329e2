import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { applyCommand } from "../../../src/commands/apply.ts";
import { drainCommand } from "../../../src/commands/drain.ts";
import { rolloutAbortCommand } from "../../../src/commands/rollout-abort.ts";
import { rolloutStartCommand } from "../../../src/commands/rollout-start.ts";
import { undrainCommand } from "../../../src/commands/undrain.ts";
import { apply, FakeWorld, NS1, NS2, Process, ZONE } from "../../support/fake-world.ts";

const TIMES = "minHealthyTime: 8s, healthyDeadline: 30s, drainTimeout: 5s";
const ALL = ["app1", "app2", "app3"];

const start =
  (release: string) =>
  (context: Context): Promise<number> =>
    rolloutStartCommand(context, "shop", { release, allowEmpty: false });
const abort = (context: Context): Promise<number> => rolloutAbortCommand(context, "shop");
const drain = (host: string) => (context: Context) =>
  drainCommand(context, host, { reason: "a test", allowEmpty: false });
const undrain = (host: string) => (context: Context) => undrainCommand(context, host);

/** A fleet that runs shop 1.0 everywhere, and tells of it. */
async function deployed(rollout = TIMES, settings = ""): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", rollout);
  world.publish(settings);
  const first = new Process();
  const code = await world.run(apply, first);
  expect([code, first.lines.at(-1)]).toEqual([0, "3 updated, 0 unchanged, 0 failed, 0 unreachable, 0 not reached"]);
  return world;
}

async function said(
  world: FakeWorld,
  command: (context: Context) => Promise<number>,
): Promise<[number | null, string]> {
  const process = new Process();
  return [await world.run(command, process), process.lines.join("\n")];
}

describe("an app that is published", () => {
  test("is told of by every server after its first deployment, and applying again finds no difference", async () => {
    const world = await deployed();
    expect([world.told(NS1), world.told(NS2)]).toEqual([ALL, ALL]);
    expect(await said(world, apply)).toEqual([0, expect.stringContaining("no difference")]);
    expect(world.misled).toEqual([]);
  });

  test("leaves DNS before it is drained, is forgotten before it stops, and is back before the next one leaves", async () => {
    const world = await deployed();
    const [code, text] = await said(world, start("2.0"));
    expect(code).toBe(0);
    for (const host of ALL) {
      const own = text.split("\n").filter((line) => line.startsWith(host));
      const at = (what: string): number => own.findIndex((line) => line.includes(what));
      const order = [
        "withdraw shop",
        "nobody remembers",
        "drain shop",
        "switch shop",
        "let lb",
        "publish shop",
        "watch",
      ];
      expect(order.map(at)).toEqual(order.map(at).toSorted((left, right) => left - right));
      expect(order.map(at)).not.toContain(-1);
    }
    expect([world.told(NS1), world.told(NS2), world.misled, world.fewest]).toEqual([ALL, ALL, [], 2]);
    expect(world.lost()).toBe(0);
  });

  test("comes back with its old release when the new one is broken", async () => {
    const world = await deployed();
    expect(await world.run(start("2.0-broken"))).toBe(3);
    expect([world.told(), world.misled, world.fewest]).toEqual([ALL, [], 2]);
    expect(await world.run(abort)).toBe(6);
    expect([world.told(), world.misled]).toEqual([ALL, []]);
  });

  test("is not drained while a server of the zone is silent", async () => {
    for (const server of [NS1, NS2]) {
      const world = await deployed();
      world.dns.server(server).way = "refused";
      const servers = world.servers();
      const [code, text] = await said(world, start("2.0"));
      expect([code, world.servers(), world.releases()["app1"]]).toEqual([1, servers, "1.0"]);
      expect(text).toContain(server.name);
      expect(text).toContain("nothing was changed");
      world.dns.server(server).way = "open";
      expect(await world.run(start("2.0"))).toBe(0);
    }
  });

  test("passes over a silent secondary, by name, where the fleet says so; never a silent primary", async () => {
    const world = await deployed(TIMES, ", onSilent: skip");
    world.dns.server(NS2).way = "refused";
    const [code, text] = await said(world, start("2.0"));
    // Done, and not 0: what that server tells is not known.
    expect([code, world.told(NS1), world.misled, world.releases()["app3"]]).toEqual([1, ALL, [], "2.0"]);
    expect(text).toContain(`passed over: ${NS2.name}`);
    world.dns.server(NS2).way = "open";
    world.dns.server(NS1).way = "refused";
    expect((await said(world, start("3.0")))[0]).toBe(1);
  });

  test("a server that goes silent half way stops the rollout, with everybody else told of", async () => {
    const world = await deployed();
    world.fleet.intercept = (host, { command }) => {
      if (host.name === "app2" && command.name === "release.probe") world.dns.server(NS1).way = "refused";
      return "pass";
    };
    const [code, text] = await said(world, start("2.0"));
    expect(code).toBe(4);
    expect(text).toContain(NS1.name);
    expect([world.releases(), world.lost(), world.misled]).toEqual([{ app1: "2.0", app2: "1.0", app3: "1.0" }, 0, []]);
    world.fleet.intercept = () => "pass";
    world.dns.server(NS1).way = "open";
    expect(world.told()).toEqual(["app1", "app3"]);
    // Owed by the open rollout: nobody else puts it back.
    expect((await said(world, apply))[0]).toBe(3);
    expect(world.told()).toEqual(["app1", "app3"]);
    expect(await world.run(abort)).toBe(6);
    expect([world.told(), world.misled, world.releases()["app1"]]).toEqual([ALL, [], "1.0"]);
  });

  test("a secondary that lags is waited for before the instance is drained", async () => {
    const world = await deployed();
    world.dns.server(NS2).lag = 4000;
    expect(await world.run(start("2.0"))).toBe(0);
    expect([world.told(NS2), world.misled, world.fewest]).toEqual([ALL, [], 2]);
  });
});

function retime(world: FakeWorld, from: string, to: string): void {
  const drover = world.files.texts.get("drover.yaml") ?? "";
  world.files.texts.set("drover.yaml", drover.replace(`ttl: ${from}`, `ttl: ${to}`));
}

describe("a TTL that becomes shorter", () => {
  test("is told of at once, and counts when nobody remembers the longer one", async () => {
    const world = await deployed();
    retime(world, "10s", "60s");
    expect(await world.run(apply)).toBe(0);
    retime(world, "60s", "10s");
    const began = world.clock.now();
    const [code, text] = await said(world, apply);
    expect([code, text]).toEqual([0, expect.stringContaining("with its former TTL (60 s)")]);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(60_000);
    expect(await said(world, apply)).toEqual([0, expect.stringContaining("no difference")]);
  });

  test("costs nothing where it becomes longer", async () => {
    const world = await deployed();
    retime(world, "10s", "60s");
    const [code, text] = await said(world, apply);
    expect([code, text]).toEqual([0, expect.not.stringContaining("former TTL")]);
  });
});

describe("drain and undrain", () => {
  test("take a host out of DNS first and bring it back last, and no apply in between lets it in", async () => {
    const world = await deployed();
    expect(await world.run(drain("app2"))).toBe(0);
    expect([world.told(NS1), world.told(NS2)]).toEqual([
      ["app1", "app3"],
      ["app1", "app3"],
    ]);
    expect(await world.run(apply)).toBe(0);
    expect(world.told()).toEqual(["app1", "app3"]);
    expect(await world.run(undrain("app2"))).toBe(0);
    expect([world.told(), world.misled]).toEqual([ALL, []]);
  });

  test("a rollout on a drained host keeps it out", async () => {
    const world = await deployed(`${TIMES}, minAvailable: 1`);
    await world.run(drain("app2"));
    expect(await said(world, start("2.0"))).toEqual([0, expect.stringContaining("3 updated")]);
    expect([world.told(), world.releases()["app2"]]).toEqual([["app1", "app3"], "2.0"]);
  });
});

describe("what stands in the zone already", () => {
  const foreign = {
    name: `_shop._tcp.${ZONE}`,
    ttl: 30,
    type: "SRV",
    priority: 1,
    weight: 2,
    port: 3,
    target: "x.y",
  } as const;

  test("another's records are refused before anything is changed, and stay", async () => {
    const world = new FakeWorld("1.0", TIMES);
    world.publish();
    world.dns.put(ZONE, foreign);
    const [code, text] = await said(world, apply);
    expect(code).toBe(1);
    expect(text).toContain("drover dns adopt shop");
    expect(world.dns.records(ZONE)).toEqual([foreign]);
    expect(world.releases()["app1"]).toBeNull();
  });

  test("a record changed by hand in our set is put right", async () => {
    const world = await deployed();
    world.dns.put(ZONE, { ...foreign, ttl: 10 });
    expect(await world.run(apply)).toBe(0);
    expect([world.told(), world.misled]).toEqual([ALL, []]);
  });

  test("records that somebody took away are published again once their instances are seen healthy", async () => {
    const world = await deployed();
    world.dns.take(ZONE, `_shop._tcp.${ZONE}`, "SRV");
    const [code, text] = await said(world, apply);
    expect([code, world.told()]).toEqual([0, ALL]);
    expect(text).toContain("probe shop on app1");
  });
});

describe("an app that others have run so far", () => {
  const name = `_shop._tcp.${ZONE}`;
  const byHand = { name, ttl: 300, type: "SRV", priority: 0, weight: 1, port: 80 } as const;
  const owner = `_drover._shop._tcp.${ZONE}`;
  const adopted = ["heritage=drover", "owner=test", "rev=1", "epoch=0", "run=adopt", "set=_shop._tcp"];

  test("goes on to be told of where it is, until drover's instances are in", async () => {
    const world = new FakeWorld("1.0", TIMES);
    world.publish();
    world.dns.put(ZONE, { ...byHand, target: `oldbox.${ZONE}` });
    world.dns.put(ZONE, { name: owner, ttl: 300, type: "TXT", texts: adopted });
    const seen: (readonly string[])[] = [];
    world.fleet.intercept = () => {
      seen.push(world.told());
      return "pass";
    };
    const [code, text] = await said(world, apply);
    expect([code, text.split("\n").at(-1)]).toEqual([0, expect.stringContaining("3 updated")]);
    expect([world.told(), world.misled]).toEqual([ALL, []]);
    expect(seen.filter((hosts) => !hosts.includes("oldbox"))).toEqual([]);
    expect(text.indexOf("publish shop on app1")).toBeLessThan(text.indexOf("withdraw shop on oldbox"));
  });

  test("on the same hosts has a gap, which has to be allowed", async () => {
    const world = new FakeWorld("1.0", TIMES);
    world.publish();
    world.dns.put(ZONE, { ...byHand, target: `app1.${ZONE}` });
    world.dns.put(ZONE, { name: owner, ttl: 300, type: "TXT", texts: adopted });
    expect((await said(world, apply))[0]).toBe(1);
    expect(world.told()).toEqual(["app1"]);
  });
});

describe("the last instance", () => {
  const SINGLE = `${TIMES}, minAvailable: 0, serial: 3`;

  test("stays in DNS unless somebody allows otherwise", async () => {
    const world = await deployed(SINGLE);
    const [code, text] = await said(world, start("2.0"));
    expect([code, world.told(), world.releases()["app1"]]).toEqual([1, ALL, "1.0"]);
    expect(text).toContain("--allow-empty");
    const allowed = (context: Context): Promise<number> =>
      rolloutStartCommand(context, "shop", { release: "2.0", allowEmpty: true });
    expect(await world.run(allowed)).toBe(0);
    expect([world.told(), world.misled, world.fewest]).toEqual([ALL, [], 0]);
  });

  test("an app whose file is deleted leaves DNS only when that is allowed", async () => {
    const world = await deployed();
    world.files.texts.delete("apps/shop.yaml");
    world.files.texts.set("apps/.keep", "");
    expect((await said(world, apply))[0]).toBe(1);
    expect(world.told()).toEqual(ALL);
  });

  test("nor does one that loses its port; then nothing of it is left in the zone", async () => {
    const world = await deployed(`${TIMES}, minAvailable: 0`);
    const file = world.files.texts.get("apps/shop.yaml") ?? "";
    const worker = file.replace(/^(?:port|health|routes): .*\n/gm, "").replace(" --port {{port}}", "");
    world.files.texts.set("apps/shop.yaml", worker);
    const [code, text] = await said(world, apply);
    expect([code, world.told()]).toEqual([1, ALL]);
    expect(text).toContain("dns-empty");
    expect(await said(world, (context) => applyCommand(context, { allowEmpty: true }))).toEqual([
      0,
      expect.any(String),
    ]);
    expect(world.dns.records(ZONE).filter(({ name }) => name.includes("_shop"))).toEqual([]);
    expect(world.misled).toEqual([]);
  });
});

describe("a drain where records are another's", () => {
  test("goes on, leaves them as they are, and says that they still name the host; undrain likewise", async () => {
    const world = await deployed();
    const owner = `_drover._shop._tcp.${ZONE}`;
    world.dns.take(ZONE, owner, "TXT");
    world.dns.put(ZONE, { name: owner, ttl: 10, type: "TXT", texts: ["heritage=drover", "owner=other", "rev=1"] });
    const before = world.dns.records(ZONE);
    const [code, text] = await said(world, drain("app2"));
    expect([code, world.dns.records(ZONE)]).toEqual([0, before]);
    expect(text).toContain("records that this fleet did not write still tell clients of app2");
    expect((await said(world, undrain("app2")))[0]).toBe(0);
    expect(world.dns.records(ZONE)).toEqual(before);
  });
});

describe("a TTL that somebody else wrote", () => {
  test("of years is waited for as long as files may say at most", async () => {
    const world = await deployed();
    const name = `_shop._tcp.${ZONE}`;
    const set = world.dns.records(ZONE).filter((record) => record.name === name);
    world.dns.take(ZONE, name, "SRV");
    world.dns.put(ZONE, ...set.map((record) => ({ ...record, ttl: 2_147_483_647 })));
    const [code, text] = await said(world, drain("app2"));
    expect(code).toBe(0);
    expect(text).toContain("wait until nobody remembers shop on app2 (3600 s)");
  });
});
