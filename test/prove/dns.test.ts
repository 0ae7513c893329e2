// Service discovery's promises with the full counts; each figure is printed, each limit asserted.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { raiseDns, TTL } from "../lab/support/dns/bench.ts";
import { lab as makeLab } from "../lab/support/lab.ts";
import { killed, powerLoss } from "../lab/support/scenarios/dns-kills.ts";
import { primaryStopped } from "../lab/support/scenarios/dns-refusals.ts";
import { secondaryCutOff, secondaryLost, throughChanges, timeAdded } from "../lab/support/scenarios/dns-steps.ts";
import { drover } from "../lab/support/shop.ts";

const lab = makeLab("prove-dns");
const ROLLOUTS = 20;
const DRAINS = 20;
const KILLS = 20;
const ROUNDS = 5;

beforeAll(() => raiseDns(lab));

afterAll(() => lab.down());

// A test that failed half way must not take the next ones with it.
afterEach(async () => {
  expect([0, 6]).toContain((await drover(lab, "rollout", "abort", "shop")).code);
});

async function times(count: number, what: () => Promise<void>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (let round = 0; round < count; round += 1) await what();
}

test("twenty rollouts and twenty drains: nobody who resolves and connects fails, no answer is empty or names who is out", async () => {
  expect(await throughChanges(lab, { rollouts: ROLLOUTS, drains: DRAINS })).not.toEqual([]);
});

test("a rollout with DNS in step takes at most one TTL and a second longer per host", async () => {
  expect(await timeAdded(lab, ROUNDS)).toBeLessThanOrEqual(TTL * 1000 + 1000);
});

test("a secondary that gets no transfers is waited for before anything is drained, and not for ever", async () => {
  await times(ROUNDS, () => secondaryCutOff(lab));
  await expect(secondaryLost(lab)).resolves.toBeUndefined();
});

test("a primary that is stopped refuses every change", async () => {
  await expect(primaryStopped(lab)).resolves.toBeUndefined();
});

test("drover killed twenty times around withdrawals and publications: abort puts every record back on both servers", async () => {
  await expect(killed(lab, KILLS)).resolves.toBeUndefined();
});

test("a primary that loses its power has every record afterwards, every time", async () => {
  await expect(times(ROUNDS, () => powerLoss(lab))).resolves.toBeUndefined();
});
