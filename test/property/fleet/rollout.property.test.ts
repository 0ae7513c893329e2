import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { rolloutAbortCommand } from "../../../src/commands/rollout-abort.ts";
import { rolloutStartCommand } from "../../../src/commands/rollout-start.ts";
import { apply, FakeWorld, Process } from "../../support/fake-world.ts";
import { often } from "../../support/runs.ts";

const TIMES = "minHealthyTime: 8s, healthyDeadline: 30s, drainTimeout: 5s";

const start =
  (release: string) =>
  (context: Context): Promise<number> =>
    rolloutStartCommand(context, "shop", { release, allowEmpty: false });
const abort = (context: Context): Promise<number> => rolloutAbortCommand(context, "shop");

/** A fleet that runs shop 1.0 everywhere. */
async function deployed(rollout = TIMES): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", rollout);
  const first = new Process();
  const code = await world.run(apply, first);
  expect(first.lines.join("\n")).toContain("3 updated");
  expect(code).toBe(0);
  world.lowest = Infinity;
  return world;
}

const all = (release: string): Record<string, string> => ({ app1: release, app2: release, app3: release });
const READY = ["lb1", "lb2"].flatMap((lb) => ["app1", "app2", "app3"].map((app) => `${lb} shop/${app} ready`));

describe("on a fleet in memory", () => {
  test("a first deployment comes up, and applying again finds no difference with one exec per host", async () => {
    const world = await deployed();
    expect(world.servers()).toEqual(READY);
    expect(world.releases()).toEqual(all("1.0"));
    const again = new Process();
    expect(await world.run(apply, again)).toBe(0);
    expect(again.lines).toContain("no difference");
    expect(again.transport?.execs()).toEqual({ lb1: 1, lb2: 1, app1: 1, app2: 1, app3: 1, dns1: 1 });
  });

  test("a good release reaches every host, loses nothing, and stays in the file", async () => {
    const world = await deployed();
    const process = new Process();
    expect(await world.run(start("2.0"), process)).toBe(0);
    expect(process.lines.at(-1)).toBe("3 updated, 0 unchanged, 0 failed, 0 unreachable, 0 not reached");
    expect([world.releases(), world.servers(), world.lost(), world.written()]).toEqual([all("2.0"), READY, 0, "2.0"]);
    expect(world.lowest).toBe(2);
  });

  test.for(["2.0-broken", "2.0-crash", "2.0-refuses"])(
    "%s stops after one host, which is put back",
    async (release) => {
      const world = await deployed();
      const process = new Process();
      expect(await world.run(start(release), process)).toBe(3);
      expect(process.lines.at(-1)).toBe("0 updated, 0 unchanged, 1 failed, 0 unreachable, 2 not reached");
      expect([world.releases(), world.servers(), world.lost()]).toEqual([all("1.0"), READY, 0]);
      expect(world.store.open.get("shop")).toBeDefined();
      const next = new Process();
      expect(await world.run(apply, next)).toBe(3);
      expect(next.lines.join("\n")).toContain("drover rollout abort shop");
      expect(await world.run(abort)).toBe(6);
      expect([world.written(), world.store.open.size]).toEqual(["1.0", 0]);
    },
  );

  test("apps that come after one that did not come through are named, before the last line counts", async () => {
    const world = await deployed();
    const shop = world.files.texts.get("apps/shop.yaml") ?? "";
    const other = shop.replace("app: shop", "app: till").replace("8080", "8081").replace("shop.test", "till.test");
    world.files.texts.set("apps/shop.yaml", shop.replace('"1.0"', '"2.0-broken"'));
    world.files.texts.set("apps/till.yaml", other);
    const process = new Process();
    expect(await world.run(apply, process)).toBe(3);
    expect(process.lines.join("\n")).toContain("not begun, because shop did not come through: till");
    expect(process.lines.at(-1)).toMatch(/^0 updated/);
  });

  test("a broken release with onFailure rollback puts everything back and closes", async () => {
    const world = await deployed(`${TIMES}, onFailure: rollback`);
    expect(await world.run(start("2.0-broken"))).toBe(6);
    expect([world.releases(), world.servers(), world.written()]).toEqual([all("1.0"), READY, "1.0"]);
    expect(world.store.open.size).toBe(0);
  });

  test("a slow release gets the time it needs", async () => {
    const world = await deployed();
    expect(await world.run(start("2.0-slow"))).toBe(0);
    expect([world.releases(), world.lost()]).toEqual([all("2.0-slow"), 0]);
  });

  test("a host that is lost after its switch stays drained, owned and listed", async () => {
    const world = await deployed();
    world.fleet.intercept = (host, request) => {
      if (host.name !== "app2" || request.command.name !== "release.switch") return "pass";
      host.way = { kind: "refused", failure: { code: "host-lost", message: "gone", hint: "", detail: [] } };
      return "lose-after";
    };
    const process = new Process();
    expect(await world.run(start("2.0"), process)).toBe(4);
    expect(process.lines.join("\n")).toContain("still drained: app2");
    expect(world.servers().filter((line) => !line.endsWith(" ready"))).toHaveLength(2);
  });

  test("a host that died for good after its switch leaves the inventory, and abort puts back the others", async () => {
    const world = await deployed();
    const dying = new Process();
    const gone = { code: "host-lost", message: "gone", hint: "", detail: [] } as const;
    const { files } = world;
    dying.killAt = 24;
    await world.run(start("2.0"), dying);
    world.fleet.host("app2").way = { kind: "refused", failure: gone };
    const stuck = await world.run(abort);
    expect([3, 4]).toContain(stuck);
    const inventory = files.texts.get("inventory.yaml") ?? "";
    files.texts.set("inventory.yaml", inventory.replace(/^ {2}app2: .*\n/m, ""));
    const process = new Process();
    expect(await world.run(abort, process)).toBe(6);
    expect(process.lines).toContain("app2   | it has left the inventory: nothing is taken back there");
    expect([world.releases()["app1"], world.releases()["app3"], world.written()]).toEqual(["1.0", "1.0", "1.0"]);
    expect(await world.run(apply)).toBe(0);
    expect(world.servers()).toEqual(READY.filter((each) => !each.includes("app2")));
  });

  test("an abort drains nobody while a balancer is silent", async () => {
    const world = await deployed();
    const killed = new Process();
    killed.killAt = 40;
    await world.run(start("2.0"), killed);
    const servers = world.servers();
    world.fleet.host("lb2").way = {
      kind: "refused",
      failure: { code: "host-lost", message: "gone", hint: "", detail: [] },
    };
    const process = new Process();
    expect(await world.run(abort, process)).toBe(4);
    expect(process.lines.join("\n")).toContain("nothing was taken back: lb2 would have to take part");
    expect(world.servers()).toEqual(servers);
    world.fleet.host("lb2").way = { kind: "open" };
    expect(await world.run(abort)).toBe(6);
    expect([world.releases(), world.servers(), world.lost()]).toEqual([all("1.0"), READY, 0]);
  });

  test("Ctrl-C finishes the instance under way", async () => {
    const world = await deployed();
    const process = new Process();
    world.fleet.intercept = (host, { command }) => {
      if (host.name === "app1" && command.name === "release.switch") process.stop.abort();
      return "pass";
    };
    expect(await world.run(start("2.0"), process)).toBe(130);
    expect(world.releases()).toEqual({ ...all("1.0"), app1: "2.0" });
    expect(world.servers()).toEqual(READY);
    expect(await world.run(abort)).toBe(6);
    expect([world.releases(), world.servers(), world.lost()]).toEqual([all("1.0"), READY, 0]);
  });

  test("Ctrl-C during the last instance leaves nothing open", async () => {
    const world = await deployed();
    const process = new Process();
    world.fleet.intercept = (host, { command }) => {
      if (host.name === "app3" && command.name === "release.switch") process.stop.abort();
      return "pass";
    };
    expect(await world.run(start("2.0"), process)).toBe(0);
    expect([world.releases(), world.servers(), world.store.open.size]).toEqual([all("2.0"), READY, 0]);
  });

  test("a lost lease takes the instance under way back and leaves the rollout open", async () => {
    const world = await deployed();
    world.fleet.intercept = (host, { command }) => {
      if (host.name === "app2" && command.name === "release.switch" && world.store.open.size > 0) world.store.lose();
      return "pass";
    };
    const process = new Process();
    expect(await world.run(start("2.0"), process)).toBe(3);
    expect(world.releases()).toEqual({ ...all("1.0"), app1: "2.0" });
    expect(world.servers()).toEqual(READY);
    world.fleet.intercept = () => "pass";
    expect(await world.run(abort)).toBe(6);
    expect([world.releases(), world.servers(), world.lost()]).toEqual([all("1.0"), READY, 0]);
  });

  test("a run that was overtaken is refused by every host", async () => {
    const world = await deployed();
    world.fleet.intercept = (host, { command }) => {
      // Another run has been here since, without this one noticing.
      if (host.name === "app2" && command.name === "release.switch") host.epoch += 5;
      return "pass";
    };
    const process = new Process();
    expect(await world.run(start("2.0"), process)).toBe(3);
    expect(process.lines.join("\n")).toContain("stale-epoch");
    expect(world.releases()).toEqual({ ...all("1.0"), app1: "2.0" });
  });
});

/** After a kill, perhaps of the first abort too: what `rollout abort` leaves is what was there before. */
async function checkAborted(world: FakeWorld, before: readonly unknown[], where: string): Promise<void> {
  const process = new Process();
  const code = await world.run(abort, process);
  const told = `${where}:\n${process.lines.join("\n")}`;
  if (code === 0) expect(process.lines.join("\n"), told).toMatch(/no rollout is open|had already ended/);
  else expect([code, picture(world)], told).toEqual([6, before]);
  expect(world.servers(), told).toEqual(READY);
  expect([world.lost(), world.store.open.size], told).toEqual([0, 0]);
  expect(world.lowest, told).toBeGreaterThanOrEqual(2);
}

function picture(world: FakeWorld): readonly unknown[] {
  return [world.configs(), world.servers(), world.releases(), world.written()];
}

describe("kill -9 at any record of the journal", { timeout: 60_000 }, () => {
  test("loses nothing, frees the lease, and `rollout abort` puts everything back", async () => {
    const whole = new Process();
    await (await deployed()).run(start("2.0"), whole);
    expect(whole.appends).toBeGreaterThan(40);
    for (let at = 1; at <= whole.appends; at += 5) {
      // oxlint-disable no-await-in-loop -- one world after the other
      const world = await deployed();
      const before = picture(world);
      const victim = new Process();
      victim.killAt = at;
      victim.killAfterWrite = at % 2 === 1;
      expect(await world.run(start("2.0"), victim)).toBeNull();
      await checkAborted(world, before, `killed at append ${String(at)} of ${String(whole.appends)}`);
      // oxlint-enable no-await-in-loop
    }
  });

  test("and of the abort as well, whatever the release does", async () => {
    const release = fc.constantFrom("2.0", "2.0-broken", "2.0-crash", "2.0-refuses", "2.0-slow");
    const kill = fc.record({ at: fc.integer({ min: 1, max: 60 }), after: fc.boolean() });
    const serial = fc.constantFrom("", ", onFailure: rollback", ", maxFailures: 1");
    await fc.assert(
      fc.asyncProperty(release, kill, kill, serial, async (to, first, second, rollout) => {
        const world = await deployed(`${TIMES}${rollout}`);
        const before = picture(world);
        const victims = [first, second].map(({ at, after }) => {
          const process = new Process();
          process.killAt = at;
          process.killAfterWrite = after;
          return process;
        });
        const [starter = new Process(), aborter = new Process()] = victims;
        const code = await world.run(start(to), starter);
        fc.pre(code !== 0);
        expect([null, 0, 6]).toContain(await world.run(abort, aborter));
        await checkAborted(world, before, `${to}: ${JSON.stringify([first, second])}`);
      }),
      { numRuns: often(4) },
    );
  });
});

describe("connections that are lost", { timeout: 60_000 }, () => {
  test("at any commands, before or after they did their work: nothing is lost, and abort puts everything back", async () => {
    const fault = fc.record({
      nth: fc.integer({ min: 1, max: 80 }),
      kind: fc.constantFrom("lose-before", "lose-after"),
    });
    const rollout = fc.constantFrom("", ", onFailure: rollback", ", maxFailures: 1", ", maxFailures: 2");
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 4 }), rollout, async (faults, settings) => {
        const world = await deployed(`${TIMES}${settings}`);
        const before = picture(world);
        let count = 0;
        world.fleet.intercept = (_host, { command }) => {
          if (command.name === "observe") return "pass";
          count += 1;
          return faults.find(({ nth }) => nth === count)?.kind ?? "pass";
        };
        const process = new Process();
        const code = await world.run(start("2.0"), process);
        expect(world.lost()).toBe(0);
        expect(world.lowest).toBeGreaterThanOrEqual(2);
        world.fleet.intercept = () => "pass";
        // What is out is owned: an open rollout, or nothing is out.
        if (world.store.open.size === 0) expect(world.servers()).toEqual(READY);
        else expect([3, 4]).toContain(code);
        if (code === 0) return;
        await checkAborted(world, before, `${settings} ${JSON.stringify(faults)}\n${process.lines.join("\n")}`);
      }),
      { numRuns: often(4) },
    );
  });

  test("for good, to any host: the rest serves, and once the host is back abort puts everything back", async () => {
    const gone = { code: "host-lost", message: "gone", hint: "", detail: [] } as const;
    const host = fc.constantFrom("lb1", "lb2", "app1", "app2", "app3");
    await fc.assert(
      fc.asyncProperty(host, fc.integer({ min: 1, max: 60 }), fc.boolean(), async (name, nth, isEarly) => {
        const world = await deployed();
        const before = picture(world);
        let count = 0;
        world.fleet.intercept = ({ name: asked }, { command }) => {
          if (command.name === "observe") return "pass";
          count += 1;
          if (count < nth) return "pass";
          world.fleet.host(name).way = { kind: "refused", failure: gone };
          return asked !== name ? "pass" : isEarly ? "lose-before" : "lose-after";
        };
        const process = new Process();
        const code = await world.run(start("2.0"), process);
        const told = `${name} at ${String(nth)}:\n${process.lines.join("\n")}`;
        expect(world.lost(), told).toBe(0);
        expect(world.lowest, told).toBeGreaterThanOrEqual(2);
        world.fleet.intercept = () => "pass";
        world.fleet.host(name).way = { kind: "open" };
        if (code === 0) return;
        await checkAborted(world, before, told);
      }),
      { numRuns: often(4) },
    );
  });
});
