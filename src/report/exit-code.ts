import type { Ending } from "../model/event.ts";

/** Exit codes of DESIGN §3; never 0 after something was rolled back or skipped. */
export const EXIT_CODE = {
  done: 0,
  failed: 1,
  differences: 2,
  open: 3,
  unreachable: 4,
  leaseHeld: 5,
  reverted: 6,
  usage: 64,
  interrupted: 130,
} as const;

/** The exit code of a run that ended like this. */
export function exitCode(ending: Ending): number {
  switch (ending.kind) {
    case "done":
      return EXIT_CODE.done;
    case "failed":
      return EXIT_CODE.failed;
    case "open":
      return ending.unreachable ? EXIT_CODE.unreachable : EXIT_CODE.open;
    case "reverted":
      return EXIT_CODE.reverted;
    case "interrupted":
      return EXIT_CODE.interrupted;
  }
}
