// The balancers' promises, each scenario once, with its figures. test/prove/lb.test.ts runs the same with full counts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { Bench } from "./support/scenarios/bench.ts";
import { expectSettled, raise, tidy } from "./support/scenarios/bench.ts";
import { manyChanges, seedOfRun } from "./support/scenarios/changes.ts";
import { handThrough } from "./support/scenarios/connections.ts";
import { failoverMidDrain, idleOverReload, movePortBesideDrain, reloadMidDrain } from "./support/scenarios/drains.ts";
import { bindConflict, brokenConfig, handEdited, unreachableBalancer } from "./support/scenarios/refusals.ts";
import { rollCold, rollNeverHealthy, rollThreeApps } from "./support/scenarios/rollouts.ts";
import { atRuntime } from "./support/scenarios/runtime.ts";
import { addVip, firewallRegenerated, haproxyStopped, holderGone } from "./support/scenarios/vips.ts";

const lab = makeLab("load-balancing");
let bench: Bench;

beforeAll(async () => {
  bench = await raise(lab);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

describe("rollouts", () => {
  test("three apps whose instances are killed, with a websocket open: nobody sees an error", async () => {
    const { h1, h2 } = await rollThreeApps(bench, { requests: 2000, rate: 200 });
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

describe("what must not reach a balancer", () => {
  test("a port that another program holds: refused before the reload, no new connection fails", async () => {
    await expect(bindConflict(bench)).resolves.toBeUndefined();
  });

  test("a broken file: put back, the other balancer untouched", async () => {
    await expect(brokenConfig(bench)).resolves.toBeUndefined();
  });
});

describe("balancers that are not as they should be", () => {
  test("one that does not answer: said, and nothing is half-applied", async () => {
    await expect(unreachableBalancer(bench)).resolves.toBeUndefined();
  });

  test("files that were changed by hand: said, and put back", async () => {
    await expect(handEdited(bench)).resolves.toBeUndefined();
  });
});

// Limits are asserted by test/prove/lb.test.ts, on a machine that does nothing else.
describe("the VIP", () => {
  test("moves when HAProxy of its holder is stopped", async () => {
    expect(await haproxyStopped(bench)).toBeGreaterThan(0);
  });

  test("moves when keepalived is killed, and has one holder afterwards", async () => {
    expect(await holderGone(bench, "kill -9 keepalived")).toBeGreaterThan(0);
  });

  test("moves when its holder is paused, and has one holder afterwards", async () => {
    expect(await holderGone(bench, "pause")).toBeGreaterThan(0);
  });

  test("stays where it is while firewalls are written again, and verify finds VRRP dropped one way", async () => {
    await expect(firewallRegenerated(bench, 50)).resolves.toBeUndefined();
  });

  test("gets a second one beside it without two holders, and a broken file reaches nobody", async () => {
    await expect(addVip(bench)).resolves.toBeUndefined();
  });
});

describe("routes", () => {
  test("hand connections through by port and by name, the fleet's own port to nobody else", async () => {
    await expect(handThrough(bench)).resolves.toBeUndefined();
  });
});

describe("changes", () => {
  test("of a certificate and a route happen at runtime and are on disk", async () => {
    await expect(atRuntime(bench)).resolves.toBeUndefined();
  });

  test("of random kinds under load: nobody sees an error, and both balancers end as rendered", async () => {
    const { kinds } = await manyChanges(bench, { count: 10, rate: 200, seed: seedOfRun() });
    expect(Object.keys(kinds).length).toBeGreaterThan(4);
    await expectSettled(lab);
  });
});
