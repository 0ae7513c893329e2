// The balancers' promises while apps change, each scenario once, with its figures. test/prove/lb.test.ts runs the same with
// full counts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { Bench } from "./support/scenarios/bench.ts";
import { expectSettled, raise, tidy } from "./support/scenarios/bench.ts";
import { manyChanges, seedOfRun } from "./support/scenarios/changes.ts";
import { failoverMidDrain, idleOverReload, movePortBesideDrain, reloadMidDrain } from "./support/scenarios/drains.ts";
import { rollCold, rollNeverHealthy, rollThreeApps } from "./support/scenarios/rollouts.ts";

const lab = makeLab("load-balancing");
let bench: Bench;

beforeAll(async () => {
  bench = await raise(lab);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

describe("rollouts", () => {
  test("three apps whose instances are killed, with a websocket open: nobody sees an error", async () => {
    const { h1, h2 } = await rollThreeApps(bench, { requests: 1500, rate: 100 });
    expect(h1.failed + h2.failed).toBe(0);
  });

  test("an app that never gets healthy: it stops after the first server, the others serve", async () => {
    await expect(rollNeverHealthy(bench)).resolves.toBeUndefined();
  });

  test("an app that answers 503 for 20 s after its start: nobody sees a 503", async () => {
    await expect(rollCold(bench, ["app1", "app2"])).resolves.toBeUndefined();
  });
});

describe("what is drained", () => {
  test("stays DRAIN on both balancers over reloads", async () => {
    await expect(reloadMidDrain(bench)).resolves.toBeUndefined();
  });

  test("stays out while an app beside it gets another port with a reload", async () => {
    await expect(movePortBesideDrain(bench)).resolves.toBeUndefined();
  });

  test("gets nothing from clients that were idle over a reload", async () => {
    await expect(idleOverReload(bench)).resolves.toBeUndefined();
  });

  test("gets nothing after the VIP has moved", async () => {
    await expect(failoverMidDrain(bench)).resolves.toBeUndefined();
  });
});

describe("changes", () => {
  test("of random kinds under load: nobody sees an error, and both balancers end as rendered", async () => {
    const { kinds } = await manyChanges(bench, { count: 7, rate: 100, seed: seedOfRun() });
    expect(Object.keys(kinds).length).toBeGreaterThan(2);
    await expectSettled(lab);
  });
});
