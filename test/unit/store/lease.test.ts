import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import type { Channel } from "../../../src/model/ports.ts";
import { systemClock } from "../../../src/store/clock.ts";
import { keepLease } from "../../../src/store/lease.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Line {
  readonly channel: Channel;
  readonly asked: string[];
  /** From now on nothing is answered. */
  silence(): void;
  end(): void;
}

/** A channel to a lease program that answers `ok` after `delay` milliseconds. */
function line(delay = 0): Line {
  let silent = false;
  const asked: string[] = [];
  const { promise: closed, resolve: end } = Promise.withResolvers<void>();
  const channel: Channel = {
    greeting: "held 3 k",
    closed,
    ask: (payload, limits) => {
      asked.push(payload);
      return new Promise((resolve) => {
        const late = (): void => resolve({ kind: "failed", failure: failure("command-timeout", "late") });
        if (silent || delay > limits.deadline) setTimeout(late, limits.deadline);
        else setTimeout(() => resolve({ kind: "answer", text: "ok" }), delay);
      });
    },
    close: () => Promise.resolve(end()),
  };
  return { channel, asked, end: () => end(), silence: () => (silent = true) };
}

const hold = (to: Line): ReturnType<typeof keepLease> =>
  keepLease({ channel: to.channel, clock: systemClock, host: "dns1", run: "r", epoch: 3, key: "k" });

test("a heartbeat goes out every two seconds and keeps the lease", async () => {
  const to = line();
  const lease = hold(to);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(to.asked.length).toBeGreaterThanOrEqual(29);
  expect(lease.lost.aborted).toBe(false);
  const released = lease.release();
  await vi.advanceTimersByTimeAsync(10);
  await released;
  const before = to.asked.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(to.asked).toHaveLength(before);
  expect(lease.lost.aborted).toBe(false);
});

test("the lease is lost eight seconds after the last answered heartbeat was sent, not later", async () => {
  const to = line();
  const lease = hold(to);
  await vi.advanceTimersByTimeAsync(4_100);
  to.silence();
  await vi.advanceTimersByTimeAsync(7_800);
  expect(lease.lost.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(lease.lost.aborted).toBe(true);
});

test("slow answers count from when they were asked for", async () => {
  const to = line(7_000);
  const lease = hold(to);
  await vi.advanceTimersByTimeAsync(8_100);
  expect(lease.lost.aborted).toBe(true);
});

test("a process that was frozen knows at its first look at the clock", async () => {
  const to = line();
  const lease = hold(to);
  await vi.advanceTimersByTimeAsync(2_500);
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lease.lost.aborted).toBe(true);
  await expect(lease.append("r", ["x"])).rejects.toThrow(/lease on dns1 was lost/);
});

test("the end of the channel is the end of the lease", async () => {
  const to = line();
  const lease = hold(to);
  to.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(lease.lost.aborted).toBe(true);
});
