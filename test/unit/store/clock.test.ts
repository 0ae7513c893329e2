import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../src/store/clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether a sleep is over after so many milliseconds. */
async function isOver(sleep: number, after: number, signal = new AbortController().signal): Promise<boolean> {
  let over = false;
  void systemClock.sleep(sleep, signal).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(after);
  return over;
}

test("a sleep takes as long as it was asked for", async () => {
  expect(await isOver(1000, 999)).toBe(false);
  expect(await isOver(1000, 1000)).toBe(true);
});

test("one that is longer than any timer is not over at once", async () => {
  const sixtyEightYears = 2_147_483_647_000;
  expect(await isOver(sixtyEightYears, 60_000)).toBe(false);
  expect(await isOver(2 ** 31 + 5000, 2 ** 31)).toBe(false);
  expect(await isOver(2 ** 31 + 5000, 2 ** 31 + 6000)).toBe(true);
});

test("a sleep that is ended from outside is over, also before it began", async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(2_147_483_647_000, stop.signal);
  stop.abort();
  await sleeping;
  await systemClock.sleep(1000, stop.signal);
  expect(vi.getTimerCount()).toBe(0);
});
