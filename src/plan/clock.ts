import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";

/** The host's own time, in seconds since the epoch. */
export const clockFact: Fact<number> = {
  name: "clock",
  text: "date +%s",
  parse: (stdout) => {
    if (/^[0-9]{1,12}\n$/.test(stdout)) return Number(stdout);
    throw new DroverError(failure("unknown-state", "the host's time makes no sense", "", [stdout.slice(0, 100)]));
  },
};

/** How many seconds a clock is ahead of ours, at least: it was read between `from` and `to`, in our milliseconds. */
export function secondsAhead(theirs: number, { from, to }: { readonly from: number; readonly to: number }): number {
  const [first, last] = [Math.floor(from / 1000), Math.ceil(to / 1000)];
  if (theirs < first) return theirs - first;
  return theirs > last ? theirs - last : 0;
}
