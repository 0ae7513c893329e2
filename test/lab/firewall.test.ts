// The fleet's firewall, with the real drover on real hosts: each scenario once, with its figures. test/prove/firewall.test.ts
// runs the same with full counts.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { FirewallBench } from "./support/flows/bench.ts";
import { raiseFirewall, tidy } from "./support/flows/bench.ts";
import { expectDrover } from "./support/shop.ts";
import { byHand, removed, revoked } from "./support/scenarios/firewall-cuts.ts";
import { applyAgain, regenerations } from "./support/scenarios/firewall-churn.ts";
import { moveApp, rolloutOpensItsOwn } from "./support/scenarios/firewall-move.ts";

const lab = makeLab("firewall");
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

test("what is in force already is left alone, byte by byte", async () => {
  await expect(applyAgain(bench)).resolves.toBeUndefined();
});

test("rules change under new connections and open streams: nobody notices", async () => {
  const churn = { changes: 4, connections: 250, streams: 10, perSecond: 15, seed: Date.now() % 1_000_000 };
  await expect(regenerations(bench, churn)).resolves.toBeUndefined();
});

test("an app moves under load: nothing that goes on is cut, nobody else is ever let in", async () => {
  await expect(moveApp(bench, "app1", "app3")).resolves.toBeUndefined();
  await bench.app("shop", { hosts: ["app1", "app2"] });
  await expectDrover(lab, 0, "apply", "--yes");
});

test("a rollout opens what its new instance needs, and nothing else", async () => {
  await expect(rolloutOpensItsOwn(bench)).resolves.toBeUndefined();
});

test("a policy that goes cuts open streams where it says sever", async () => {
  await expect(revoked(bench)).resolves.toBeUndefined();
});

test("what is changed by hand is named by plan and repaired; what others put there stays", async () => {
  await expect(byHand(bench)).resolves.toBeUndefined();
});

test("without the block nothing of drover's firewall is left", async () => {
  await expect(removed(bench)).resolves.toBeUndefined();
});
