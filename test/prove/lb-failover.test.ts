import { afterAll, beforeAll, expect, test } from "vitest";
import { lab } from "../lab/support/lab.ts";
import { AFTER, FAILOVERS, failover, mishapsOf, PAIR, pairOf } from "../lab/support/pair.ts";
import { median, startHaproxy } from "../lab/support/vip.ts";

// How long nobody answers at the VIP, with the defaults as shipped, polled every 20 ms over fresh connections: the median
// of five of each kind.

const ROUNDS = 5;
const real = lab("prove-failover");
const { apply } = pairOf(real);
const mishaps = mishapsOf(real);

beforeAll(async () => {
  await real.up("--only", PAIR.join(","));
  await Promise.all(PAIR.map((host) => startHaproxy(real, host)));
}, 240_000);

afterAll(async () => {
  await real.down();
});

test.for(FAILOVERS)("$settings, $mishap: at most $limit ms", async ({ settings, mishap, limit }) => {
  await apply({ failover: settings });
  const gaps: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { gap, by } = await failover(real, mishaps[mishap], { after: AFTER[settings] });
    expect(by).toHaveLength(2);
    gaps.push(gap);
  }
  const figures = gaps.map((gap) => gap.toFixed(0)).join(", ");
  console.log(
    `${settings}, ${mishaps[mishap].name}: median ${median(gaps).toFixed(0)} ms of ${figures}; at most ${String(limit)}`,
  );
  expect(median(gaps)).toBeLessThan(limit);
});
