import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { rolloutAbortCommand } from "../../../src/commands/rollout-abort.ts";
import { rolloutStartCommand } from "../../../src/commands/rollout-start.ts";
import { apply, FakeWorld, NS1, NS2, Process } from "../../support/fake-world.ts";
import { often } from "../../support/runs.ts";

const TIMES = "minHealthyTime: 8s, healthyDeadline: 30s, drainTimeout: 5s";
const ALL = ["app1", "app2", "app3"];
const READY = ["lb1", "lb2"].flatMap((lb) => ALL.map((app) => `${lb} shop/${app} ready`));

const start =
  (release: string) =>
  (context: Context): Promise<number> =>
    rolloutStartCommand(context, "shop", { release, allowEmpty: false });
const abort = (context: Context): Promise<number> => rolloutAbortCommand(context, "shop");

async function deployed(rollout: string): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", rollout);
  world.publish();
  expect(await world.run(apply)).toBe(0);
  return world;
}

/** What `rollout abort` leaves: everybody serves what they served, and everybody is told of, on every server. */
async function checkAborted(world: FakeWorld, where: string): Promise<void> {
  const process = new Process();
  const code = await world.run(abort, process);
  const told = `${where}:\n${process.lines.join("\n")}`;
  expect([0, 6], told).toContain(code);
  expect([world.told(NS1), world.told(NS2), world.servers()], told).toEqual([ALL, ALL, READY]);
  checkClients(world, told);
}

/** Whatever happened: no client was told of an instance that did not answer, and all were told of enough. */
function checkClients(world: FakeWorld, told: string): void {
  expect(world.misled, told).toEqual([]);
  expect(world.lost(), told).toBe(0);
  expect(world.fewest, told).toBeGreaterThanOrEqual(2);
}

const RELEASES = fc.constantFrom("2.0", "2.0-broken", "2.0-crash", "2.0-slow");
const SETTINGS = fc.constantFrom(TIMES, `${TIMES}, onFailure: rollback`, `${TIMES}, maxFailures: 1`);

describe("clients of DNS during rollouts", { timeout: 60_000 }, () => {
  test("are never told of an instance that is not ready, wherever drover is killed", async () => {
    const kill = fc.record({ at: fc.integer({ min: 1, max: 75 }), after: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(RELEASES, SETTINGS, kill, async (release, settings, { at, after }) => {
        const world = await deployed(settings);
        const victim = new Process();
        victim.killAt = at;
        victim.killAfterWrite = after;
        const code = await world.run(start(release), victim);
        checkClients(world, victim.lines.join("\n"));
        if (code !== 0) await checkAborted(world, `${release} killed at ${String(at)}`);
      }),
      { numRuns: often(4) },
    );
  });

  test("nor whatever becomes of updates and of servers on the way", async () => {
    const fault = fc.record({
      nth: fc.integer({ min: 1, max: 12 }),
      fate: fc.constantFrom("lose-before", "lose-after", "hang-up", "forge", "silence-primary", "silence-secondary"),
    });
    await fc.assert(
      fc.asyncProperty(
        RELEASES,
        SETTINGS,
        fc.array(fault, { minLength: 1, maxLength: 3 }),
        async (release, settings, faults) => {
          const world = await deployed(settings);
          let count = 0;
          world.dns.intercept = () => {
            count += 1;
            const fate = faults.find(({ nth }) => nth === count)?.fate ?? "pass";
            if (fate !== "silence-primary" && fate !== "silence-secondary") return fate;
            world.dns.server(fate === "silence-primary" ? NS1 : NS2).way = "refused";
            return "pass";
          };
          const process = new Process();
          const code = await world.run(start(release), process);
          const told = `${release} ${JSON.stringify(faults)}\n${process.lines.join("\n")}`;
          checkClients(world, told);
          world.dns.intercept = () => "pass";
          for (const server of [NS1, NS2]) world.dns.server(server).way = "open";
          if (code !== 0) await checkAborted(world, told);
          else expect([world.told(NS1), world.told(NS2)], told).toEqual([ALL, ALL]);
        },
      ),
      { numRuns: often(6) },
    );
  });
});
