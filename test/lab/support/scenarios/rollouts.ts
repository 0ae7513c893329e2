// Rollouts behind a pair of balancers, as its users see them (notes: tests 1 to 4).
import { expect } from "vitest";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import type { Seen } from "../load/pressure.ts";
import { balancers, expectClosedOnlyAtDeadline, expectDrover, openWebsocket, runEvents } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { ADDRESSES, adminStates, pressure, WEB } from "./bench.ts";

const ABRUPT = ["1.6.4-abrupt", "1.6.3-abrupt"] as const;

/** Every server of every app is let in, on every balancer. */
export async function expectAllReady({ lab }: Bench): Promise<void> {
  for (const balancer of balancers) {
    const states = await adminStates(lab, balancer);
    const out = Object.entries(states).filter(([, state]) => state !== "ready");
    expect(out, balancer).toEqual([]);
  }
}

/**
 * 1 and 2: three apps are rolled out, again and again until there were `requests` over each protocol. Their instances end
 * as after kill -9, with resets. A websocket is closed at the drain's deadline only, and opens again elsewhere.
 */
export async function rollThreeApps(
  bench: Bench,
  options: { readonly requests: number; readonly rate: number },
): Promise<Seen> {
  const { lab } = bench;
  const websocket = await openWebsocket(lab, ADDRESSES[1] ?? "");
  const began = Date.now();
  const outputs: string[] = [];
  const { seen } = await under(pressure(bench, options.rate), async () => {
    // A rate is what load aims at; a quarter more time makes up for what it misses.
    const seconds = (1.25 * options.requests) / options.rate;
    for (let round = 0; round === 0 || (Date.now() - began) / 1000 < seconds; round += 1) {
      for (const name of WEB) await bench.write(name, { release: ABRUPT[round % 2] ?? "" });
      outputs.push(await expectDrover(lab, 0, "apply", "--yes", "--output", "json"));
    }
  });
  websocket.leave();
  expectNoFailures(seen, true);
  expect(seen.h1.requests).toBeGreaterThanOrEqual(options.requests);
  expect(seen.h2.requests + seen.h2load.requests).toBeGreaterThanOrEqual(options.requests);
  expectClosedOnlyAtDeadline(websocket.seen, runEvents(outputs.join("\n")), 3000);
  const opened = websocket.seen.filter(({ what }) => what === "opened").map(({ instance }) => instance);
  opened.slice(1).forEach((instance, index) => expect(instance, opened.join(", ")).not.toBe(opened[index]));
  await expectAllReady(bench);
  console.log(`1 three apps, ${outputs.length} times, killed: ${figures(seen)}`);
  console.log(`2 a websocket was on ${opened.join(", then ")}; closed at the drains' deadlines only`);
  return seen;
}

/** 3: a release that answers 503 for 20 s after its start, on `hosts`. It is left running: by then it is warm. */
export async function rollCold(bench: Bench, hosts: readonly string[]): Promise<void> {
  const before = bench.app("pay");
  await bench.write("pay", { hosts, rollout: "minHealthyTime: 0s, healthyDeadline: 60s, drainTimeout: 3s" });
  if (hosts.join() !== before.hosts.join()) await expectDrover(bench.lab, 0, "apply", "--yes");
  const { seen } = await under(pressure(bench), () =>
    expectDrover(bench.lab, 0, "rollout", "start", "pay", "--release", "1.6.5-cold"),
  );
  await bench.write("pay", { release: "1.6.5-cold" });
  expectNoFailures(seen, true);
  console.log(`3 cold for 20 s on ${hosts.length} hosts: ${figures(seen)}`);
}

/** 4: a release that never gets healthy: one host is touched, the others serve, and the exit code says so. */
export async function rollNeverHealthy(bench: Bench): Promise<void> {
  const { lab } = bench;
  const before = bench.app("pay");
  await bench.write("pay", { rollout: "minHealthyTime: 0s, healthyDeadline: 4s, drainTimeout: 3s" });
  const { result, seen } = await under(pressure(bench), () =>
    expectDrover(lab, 3, "rollout", "start", "pay", "--release", "1.6.0-broken"),
  );
  expectNoFailures(seen, true);
  const touched = [...result.matchAll(/switch pay on (\w+) to 1\.6\.0-broken/g)].map(([, host]) => host);
  expect(new Set(touched).size, result).toBe(1);
  await expectAllReady(bench);
  await expectDrover(lab, 6, "rollout", "abort", "pay");
  await bench.write("pay", before);
  console.log(`4 never healthy: stopped after ${touched[0] ?? ""}, exit code 3: ${figures(seen)}`);
}
