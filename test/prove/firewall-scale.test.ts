// A fleet of a thousand hosts: compiling and rendering every host's firewall, the absolute bars.
import { expect, test } from "vitest";
import { desiredFirewall } from "../../src/firewall/desired.ts";
import { renderFirewall } from "../../src/firewall/render.ts";
import { fleetOfScale, FULL_SCALE } from "../support/firewall-scale.ts";

const ROUNDS = 5;
const BAR_MS = 2000;
const BAR_MIB = 512;

function compileAll(): number {
  const topology = fleetOfScale(FULL_SCALE);
  const started = performance.now();
  for (const model of desiredFirewall(topology).values()) renderFirewall(model, 1);
  return performance.now() - started;
}

test("1,000 hosts, 200 apps, 1,000 instances and 2,000 flows compile in under 2 s and 512 MiB", () => {
  const times = Array.from({ length: ROUNDS }, compileAll).toSorted((a, b) => a - b);
  const median = times[Math.floor(ROUNDS / 2)] ?? Infinity;
  const resident = process.memoryUsage().rss / 1024 / 1024;
  console.info(`${times.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}; ${resident.toFixed(0)} MiB resident`);
  expect(median).toBeLessThan(BAR_MS);
  expect(resident).toBeLessThan(BAR_MIB);
});
