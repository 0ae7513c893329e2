// Service discovery on the real thing: a user who resolves and connects, while releases roll and hosts are drained.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { RunEvent } from "../../src/model/event.ts";
import { raiseDns } from "./support/dns/bench.ts";
import { lab as makeLab } from "./support/lab.ts";
import { killed, powerLoss } from "./support/scenarios/dns-kills.ts";
import { secondaryCutOff, throughChanges, timeAdded } from "./support/scenarios/dns-steps.ts";
import { drover } from "./support/shop.ts";

const lab = makeLab("dns");
let rolledOut: readonly RunEvent[] | null = null;

beforeAll(() => raiseDns(lab));

afterAll(() => lab.down());

// A test that failed half way must not take the next ones with it.
afterEach(async () => {
  expect([0, 6]).toContain((await drover(lab, "rollout", "abort", "shop")).code);
});

test("a rollout and a drain: nobody who resolves and connects fails, no answer is empty or names who is out", async () => {
  rolledOut = await throughChanges(lab, { rollouts: 1, drains: 1 });
  expect(rolledOut).not.toEqual([]);
});

test("what DNS in step adds to a rollout, host by host", async () => {
  expect(Number.isFinite(await timeAdded(lab, 1, rolledOut))).toBe(true);
});

test("a secondary that gets no transfers is waited for before anything is drained", async () => {
  await expect(secondaryCutOff(lab)).resolves.toBeUndefined();
});

test("drover killed around a withdrawal and a publication: abort puts every record back on both servers", async () => {
  await expect(killed(lab, 2)).resolves.toBeUndefined();
});

test("a primary that loses its power has every record afterwards", async () => {
  await expect(powerLoss(lab)).resolves.toBeUndefined();
});
