import type { Clock } from "../model/ports.ts";

/** The longest timer there is: a longer one would be over at once (HTML §8.7, as Node has it). */
const LONGEST = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    for (let left = ms; left > 0 && !signal.aborted; left -= LONGEST) {
      // oxlint-disable-next-line no-await-in-loop -- one timer after the other is the point
      await sleepOnce(Math.min(left, LONGEST), signal);
    }
  },
};

function sleepOnce(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
