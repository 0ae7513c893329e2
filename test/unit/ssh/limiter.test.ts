import { expect, test } from "vitest";
import { startDeadline } from "../../../src/ssh/deadline.ts";
import { createLimiter } from "../../../src/ssh/limiter.ts";

const never = new AbortController().signal;

test("no more than the limit are inside, and they come in in order", async () => {
  const limiter = createLimiter(2);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async (_, at) => {
      const leave = await limiter.enter(never);
      inside += 1;
      most = Math.max(most, inside);
      order.push(at);
      await Promise.resolve();
      inside -= 1;
      leave?.();
      leave?.();
    }),
  );
  expect(most).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("whoever gives up waiting takes no place", async () => {
  const limiter = createLimiter(1);
  const leave = await limiter.enter(never);
  const abort = new AbortController();
  const impatient = limiter.enter(abort.signal);
  const patient = limiter.enter(never);
  abort.abort();
  expect(await impatient).toBe(null);
  leave?.();
  expect(await patient).not.toBe(null);
  expect(await limiter.enter(abort.signal)).toBe(null);
});

test("a deadline tells time from the caller's abort", async () => {
  const early = startDeadline({ deadline: 1, signal: never });
  await new Promise((resolve) => early.signal.addEventListener("abort", resolve));
  expect(early.passed()).toBe(true);
  const abort = new AbortController();
  const stopped = startDeadline({ deadline: 60_000, signal: abort.signal });
  abort.abort();
  expect([stopped.signal.aborted, stopped.passed()]).toEqual([true, false]);
  stopped.clear();
  const late = startDeadline({ deadline: 60_000, signal: abort.signal });
  expect(late.signal.aborted).toBe(true);
  late.clear();
});
