// The balancers' promises with the full counts; each figure is printed, each limit asserted.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { lab as makeLab } from "../lab/support/lab.ts";
import type { Bench } from "../lab/support/scenarios/bench.ts";
import { raise, tidy } from "../lab/support/scenarios/bench.ts";
import { manyChanges, seedOfRun } from "../lab/support/scenarios/changes.ts";
import {
  failoverMidDrain,
  idleOverReload,
  movePortBesideDrain,
  reloadMidDrain,
} from "../lab/support/scenarios/drains.ts";
import { bindConflict, brokenConfig, handEdited, unreachableBalancer } from "../lab/support/scenarios/refusals.ts";
import { rollCold, rollNeverHealthy, rollThreeApps } from "../lab/support/scenarios/rollouts.ts";
import { atRuntime } from "../lab/support/scenarios/runtime.ts";
import { addVip, firewallRegenerated, haproxyStopped, holderGone } from "../lab/support/scenarios/vips.ts";

const lab = makeLab("prove-lb");
const CHANGES = 200;
const REQUESTS = 50_000;
let bench: Bench;

beforeAll(async () => {
  bench = await raise(lab);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

test("three apps are rolled out and their instances killed: 0 failed of 50,000 requests over each protocol", async () => {
  await expect(rollThreeApps(bench, { requests: REQUESTS, rate: 400 })).resolves.toBeDefined();
});

test("an app that never gets healthy stops after the first server", async () => {
  await expect(rollNeverHealthy(bench)).resolves.toBeUndefined();
});

test("an app that answers 503 for 20 s after its start, on three hosts: nobody sees a 503", async () => {
  await expect(rollCold(bench, ["app1", "app2", "app3"])).resolves.toBeUndefined();
});

test("what is drained stays drained: over reloads, beside a move, for idle clients, over a failover", async () => {
  await reloadMidDrain(bench);
  await movePortBesideDrain(bench);
  await idleOverReload(bench);
  await expect(failoverMidDrain(bench)).resolves.toBeUndefined();
});

test("a taken port and broken files reach no running balancer", async () => {
  await bindConflict(bench);
  await expect(brokenConfig(bench)).resolves.toBeUndefined();
});

test("a balancer that does not answer, files changed by hand: said, nothing half-applied", async () => {
  await unreachableBalancer(bench);
  await expect(handEdited(bench)).resolves.toBeUndefined();
});

test("HAProxy of the holder stopped: the VIP answers again within 3.5 s", async () => {
  expect(await haproxyStopped(bench)).toBeLessThanOrEqual(3500);
});

test("keepalived killed, or its host paused: within 4 s, and one holder afterwards", async () => {
  expect(await holderGone(bench, "kill -9 keepalived")).toBeLessThanOrEqual(4000);
  expect(await holderGone(bench, "pause")).toBeLessThanOrEqual(4000);
});

test("firewalls written five hundred times do not move the VIP; another VIP comes without two holders", async () => {
  await firewallRegenerated(bench, 500);
  await expect(addVip(bench)).resolves.toBeUndefined();
});

test("certificate and route at runtime, then a reload: the same", async () => {
  await expect(atRuntime(bench)).resolves.toBeUndefined();
});

test("two hundred changes of random kinds under load: nobody sees an error, and both balancers end as rendered", async () => {
  const { kinds } = await manyChanges(bench, { count: CHANGES, rate: 200, seed: seedOfRun() });
  expect(Object.keys(kinds)).toHaveLength(9);
});
