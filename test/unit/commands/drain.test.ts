import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { drainCommand } from "../../../src/commands/drain.ts";
import { rolloutStartCommand } from "../../../src/commands/rollout-start.ts";
import { statusCommand } from "../../../src/commands/status.ts";
import { undrainCommand } from "../../../src/commands/undrain.ts";
import { fakeApps } from "../../fake/release.ts";
import { apply, FakeWorld, Process } from "../../support/fake-world.ts";

const drain =
  (host: string, reason = "new disk") =>
  (context: Context): Promise<number> =>
    drainCommand(context, host, { reason, allowEmpty: false });
const undrain =
  (host: string) =>
  (context: Context): Promise<number> =>
    undrainCommand(context, host);

async function deployed(rollout = "minHealthyTime: 1s"): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", rollout);
  expect(await world.run(apply)).toBe(0);
  world.lowest = Infinity;
  return world;
}

/** Servers that are kept out, as `lb1 shop/app1 maint marked`. */
const kept = (world: FakeWorld): readonly string[] => world.servers().filter((line) => !line.endsWith(" ready"));

describe("drain", () => {
  test("takes the host out of both balancers, is listed, and is undone by undrain", async () => {
    const world = await deployed();
    const process = new Process();
    expect(await world.run(drain("app1"), process)).toBe(0);
    expect(kept(world)).toEqual(["lb1 shop/app1 maint marked", "lb2 shop/app1 maint marked"]);
    expect(process.lines.slice(-2)).toEqual([
      "app1 is drained, and stays so until: drover undrain app1",
      "1 updated, 0 unchanged, 0 failed, 0 unreachable, 0 not reached",
    ]);
    expect([...world.store.drains]).toEqual([
      ["app1", { reason: "new disk", operator: "test@here", since: expect.stringMatching(/Z$/) }],
    ]);
    const told = new Process();
    expect(await world.run((context) => statusCommand(context, undefined), told)).toBe(0);
    expect(told.lines.join("\n")).toContain("app1: drained: new disk (test@here, since ");
    expect(await world.run(undrain("app1"))).toBe(0);
    expect(kept(world)).toEqual([]);
    expect(world.store.drains.size).toBe(0);
  });

  test("once more changes nothing, not even the reason, and makes one exec per host", async () => {
    const world = await deployed();
    await world.run(drain("app1"));
    const process = new Process();
    expect(await world.run(drain("app1", "another"), process)).toBe(0);
    expect(process.lines[0]).toMatch(/^app1 is drained already: new disk \(test@here, since /);
    expect(Object.values(process.transport?.execs() ?? {})).toEqual([1, 1, 1, 1, 1, 1]);
    expect(world.store.drains.get("app1")?.reason).toBe("new disk");
  });

  test("of a host without a server is recorded all the same, and said", async () => {
    const world = await deployed();
    const process = new Process();
    expect(await world.run(drain("dns1"), process)).toBe(0);
    expect(process.lines[1]).toContain("no balancer has a server there");
    expect([...world.store.drains.keys()]).toEqual(["dns1"]);
    expect(await world.run(undrain("dns1"))).toBe(0);
    expect(world.store.drains.size).toBe(0);
  });

  test.for(["", "  ", "a\nb", "a\tb", "\u001b[31mred", "\u202eright to left", "\ud800", "x".repeat(201)])(
    "refuses the reason %j",
    async (reason) => {
      expect(await new FakeWorld("1.0", "").run(drain("app1", reason))).toBe(64);
    },
  );

  test("of a host nobody knows names the nearest one", async () => {
    const process = new Process();
    expect(await new FakeWorld("1.0", "").run(drain("ap1"), process)).toBe(64);
    expect(process.lines).toEqual(['there is no host "ap1" [usage]', "  hint: did you mean app1?"]);
  });

  test("that would leave too few changes nothing and records nothing", async () => {
    const world = await deployed();
    await world.run(drain("app1"));
    const process = new Process();
    expect(await world.run(drain("app2"), process)).toBe(1);
    expect(process.lines.at(-1)).toBe("nothing was changed");
    expect([...world.store.drains.keys()]).toEqual(["app1"]);
  });

  test("is refused with exit code 5 while another run holds the lease", async () => {
    const world = await deployed();
    await world.store.acquire({ run: "other", operator: "bob", purpose: "apply" }, noLimits());
    expect(await world.run(drain("app1"))).toBe(5);
    expect(world.store.drains.size).toBe(0);
  });

  test("is refused while a rollout of an app there is open", async () => {
    const world = await deployed();
    world.store.open.set("shop", "run-0-shop");
    expect(await world.run(drain("app1"))).toBe(3);
    expect(world.store.drains.size).toBe(0);
  });
});

describe("undrain", () => {
  test("keeps a host out and listed while its app is not healthy, and says what to do", async () => {
    const world = await deployed();
    await world.run(drain("app1"));
    const app = fakeApps(world.fleet.host("app1")).get("shop");
    if (app === undefined) throw new Error("the shop is on app1");
    const { started } = app;
    app.started = null;
    const process = new Process();
    expect(await world.run(undrain("app1"), process)).toBe(1);
    expect(process.lines.slice(-2)).toEqual([
      "  next: put right what is named above, then drover undrain app1",
      "0 updated, 0 unchanged, 1 failed, 0 unreachable, 0 not reached",
    ]);
    expect(kept(world).every((line) => line.endsWith(" marked"))).toBe(true);
    expect(world.store.drains.get("app1")?.reason).toBe("new disk");
    app.started = started;
    expect(await world.run(undrain("app1"))).toBe(0);
    expect(kept(world)).toEqual([]);
  });

  test("of a host that is not drained changes nothing", async () => {
    const world = await deployed();
    const process = new Process();
    expect(await world.run(undrain("app1"), process)).toBe(0);
    expect(process.lines).toEqual([
      "app1 is not drained",
      "  shop: is in already",
      "0 updated, 1 unchanged, 0 failed, 0 unreachable, 0 not reached",
    ]);
    expect(await world.run(undrain("ap1"))).toBe(64);
  });

  test("takes a host that has left the inventory off the list", async () => {
    const world = await deployed();
    world.store.drains.set("gone", { reason: "broken", operator: "ann", since: "2026-01-01T00:00:00.000Z" });
    expect(await world.run(undrain("gone"))).toBe(0);
    expect(world.store.drains.size).toBe(0);
  });
});

function noLimits(): Parameters<FakeWorld["store"]["acquire"]>[1] {
  return { deadline: 1000, signal: new AbortController().signal };
}

test("a drained host gets the next release with the others, and stays out", async () => {
  const world = await deployed("minHealthyTime: 1s, minAvailable: 1");
  await world.run(drain("app1"));
  expect(
    await world.run((context) => rolloutStartCommand(context, "shop", { release: "2.0", allowEmpty: false })),
  ).toBe(0);
  expect(world.releases()).toEqual({ app1: "2.0", app2: "2.0", app3: "2.0" });
  expect(kept(world)).toHaveLength(2);
  expect(kept(world).every((line) => line.includes("shop/app1") && line.endsWith("marked"))).toBe(true);
  expect(await world.run(undrain("app1"))).toBe(0);
  expect(kept(world)).toEqual([]);
});

type Command = (context: Context) => Promise<number>;

test.for([
  ["drain", "undrain", 0],
  ["drain", "drain", 1],
  ["undrain", "undrain", 0],
  ["undrain", "drain", 1],
] as const)("a %s that is killed at any moment is put right by %s", async ([first, next, turn]) => {
  const commands = { drain: drain("app1"), undrain: undrain("app1") };
  let isOver = false;
  for (let killAt = 1 + turn; !isOver; killAt += 2) {
    // oxlint-disable no-await-in-loop -- one world after the other
    const world = await deployed();
    if (first === "undrain") await world.run(commands.drain);
    // Every other record, cut off before or after it is written by turns; the other command has the records between.
    const kill = { killAt, killAfterWrite: killAt % 4 < 2 };
    isOver = await survives(world, kill, { first: commands[first], next: commands[next] });
    // oxlint-enable no-await-in-loop
  }
  expect(isOver).toBe(true);
});

/** Kills `first` at its nth line in the journal, then runs `next`; true when `first` ended before that. */
async function survives(
  world: FakeWorld,
  { killAt, killAfterWrite }: { readonly killAt: number; readonly killAfterWrite: boolean },
  { first, next }: { readonly first: Command; readonly next: Command },
): Promise<boolean> {
  const process = new Process();
  process.killAt = killAt;
  process.killAfterWrite = killAfterWrite;
  const isOver = (await world.run(first, process)) !== null;
  // Whatever was left out has a name on it.
  if (kept(world).length > 0) expect([...world.store.drains.keys()]).toEqual(["app1"]);
  expect(await world.run(next)).toBe(0);
  expect(kept(world)).toHaveLength(world.store.drains.has("app1") ? 2 : 0);
  expect(world.lowest).toBeGreaterThanOrEqual(2);
  expect(world.lost()).toBe(0);
  return isOver;
}
