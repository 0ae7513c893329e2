// The firewall's promises with the full counts; each figure is printed, each limit asserted.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { lab as makeLab } from "../lab/support/lab.ts";
import type { FirewallBench } from "../lab/support/flows/bench.ts";
import { raiseFirewall, tidy } from "../lab/support/flows/bench.ts";
import { applyAgain, regenerations, seedOf } from "../lab/support/scenarios/firewall-churn.ts";
import { byHand, removed, revoked } from "../lab/support/scenarios/firewall-cuts.ts";
import { adminWithoutOperator, killed, lockedOut, rebooted } from "../lab/support/scenarios/firewall-lockout.ts";
import {
  addressReleased,
  addressReused,
  lostInExpansion,
  silentInContraction,
  silentInExpansion,
} from "../lab/support/scenarios/firewall-lost.ts";
import { moveApp, rolloutOpensItsOwn } from "../lab/support/scenarios/firewall-move.ts";

const lab = makeLab("prove-firewall");
const MOVES = 10;
const KILLS = 50;
const ROUNDS = 5;
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

async function times(count: number, what: () => Promise<void>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (let round = 0; round < count; round += 1) await what();
}

test("what is in force already is left alone, byte by byte", async () => {
  await expect(times(ROUNDS, () => applyAgain(bench))).resolves.toBeUndefined();
});

test("200 changes of rules under 10,000 new connections and 50 open streams: 0 failed, 0 broken", async () => {
  const churn = { changes: 200, connections: 10_000, streams: 50, perSecond: 15, seed: seedOf() };
  await expect(regenerations(bench, churn)).resolves.toBeUndefined();
});

test("an app moves ten times under load: nothing that goes on is cut, nobody else is ever let in", async () => {
  for (let round = 0; round < MOVES; round += 1) {
    const [from, to] = round % 2 === 0 ? (["app1", "app3"] as const) : (["app3", "app1"] as const);
    // oxlint-disable-next-line no-await-in-loop -- there and back
    await expect(moveApp(bench, from, to)).resolves.toBeUndefined();
  }
});

test("a rollout opens what its new instance needs, and nothing else", async () => {
  await expect(times(ROUNDS, () => rolloutOpensItsOwn(bench))).resolves.toBeUndefined();
});

test("a policy that goes cuts open streams where it says sever", async () => {
  await expect(times(ROUNDS, () => revoked(bench))).resolves.toBeUndefined();
});

test("what is changed by hand is named by plan and repaired; what others put there stays", async () => {
  await expect(byHand(bench)).resolves.toBeUndefined();
});

test("silent hosts, lost hosts, and addresses that another host gets", async () => {
  await times(ROUNDS, () => silentInExpansion(bench));
  await times(ROUNDS, () => silentInContraction(bench));
  await times(ROUNDS, () => lostInExpansion(bench));
  await addressReleased(bench);
  await expect(addressReused(bench)).resolves.toBeUndefined();
});

test("nobody is locked out: by the files, by a policy, by reboots, by kill -9 at fifty random moments", async () => {
  await adminWithoutOperator(bench);
  await times(ROUNDS, () => lockedOut(bench));
  await rebooted(bench);
  await expect(killed(bench, KILLS)).resolves.toBeUndefined();
});

test("without the block nothing of drover's firewall is left", async () => {
  await expect(removed(bench)).resolves.toBeUndefined();
});
