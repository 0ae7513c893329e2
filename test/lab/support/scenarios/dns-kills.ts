// Rollouts that are killed while records change, and a primary that loses its power.
import { expect } from "vitest";
import type { Standing } from "../dns/bench.ts";
import { expectUnchanged, hostsOn, recordsOn, standing } from "../dns/bench.ts";
import { following } from "../dns/running.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { appHosts, drover, expectDrover } from "../shop.ts";
import { otherRelease } from "./dns-steps.ts";

/** What is about to be done when it is killed; each is said before it begins. */
const MOMENTS = ["withdraw shop on app1", "publish shop on app1", "wait until nobody remembers shop on app2"] as const;
/** Milliseconds after it was said: writing and seeing it on both servers takes less. */
const WITHIN = 120;

/** kill -9 around withdrawals and publications: `abort` finds its way back, every time. */
export async function killed(lab: Lab, kills: number): Promise<void> {
  const before = await standing(lab);
  const told: string[] = [];
  for (let round = 0; round < kills; round += 1) {
    const moment = MOMENTS[round % MOMENTS.length] ?? MOMENTS[0];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    told.push(await killedAt(lab, before, { moment, after: Math.round(Math.random() * WITHIN) }));
  }
  console.log(`kill -9 ${String(kills)} times: ${told.join("; ")}: all as before, the lease free`);
}

async function killedAt(
  lab: Lab,
  before: Standing,
  { moment, after }: { readonly moment: string; readonly after: number },
): Promise<string> {
  const run = following(lab, ["rollout", "start", "shop", "--release", await otherRelease(lab)]);
  await run.says(`… ${moment}`);
  await new Promise((resolve) => setTimeout(resolve, after));
  run.kill();
  await run.ended;
  let output = "";
  await until(
    "the lease is free",
    async () => {
      const outcome = await drover(lab, "rollout", "abort", "shop");
      output = outcome.stdout + outcome.stderr;
      return outcome.code === 6;
    },
    15_000,
  );
  expect(output).toContain("everything was put back");
  await expectUnchanged(lab, before, "put back");
  expect(await expectDrover(lab, 0, "rollout", "status", "shop")).toContain("no rollout is open");
  return `${String(after)} ms after "${moment}"`;
}

/** The primary loses its power: the secondary answers meanwhile, and what was acknowledged is there afterwards. */
export async function powerLoss(lab: Lab): Promise<void> {
  const before = await recordsOn(lab, "dns1");
  await lab.kill("dns1");
  expect(await hostsOn(lab, "dns2")).toEqual(appHosts);
  await lab.start("dns1");
  await until("dns1 answers", async () => (await hostsOn(lab, "dns1")).length > 0);
  expect(await recordsOn(lab, "dns1")).toEqual(before);
  expect(await recordsOn(lab, "dns2")).toEqual(before);
  console.log(`power loss of dns1: ${String(before.length)} records before and after`);
}
