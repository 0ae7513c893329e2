// The fleet's firewall, with the real drover on real hosts: each scenario once, with its figures. test/prove/firewall.test.ts
// runs the same with full counts.
import { afterAll, beforeAll, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { FirewallBench } from "./support/flows/bench.ts";
import { raiseFirewall } from "./support/flows/bench.ts";
import { applyAgain, regenerations } from "./support/scenarios/firewall-churn.ts";

const lab = makeLab("firewall");
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab);
});

//afterAll(() => lab.down());

test("what is in force already is left alone, byte by byte", async () => {
  await expect(applyAgain(bench)).resolves.toBeUndefined();
});

test("rules change under new connections and open streams: nobody notices", async () => {
  const churn = { changes: 8, connections: 500, streams: 10, perSecond: 15, seed: Date.now() % 1_000_000 };
  await expect(regenerations(bench, churn)).resolves.toBeUndefined();
});
