import type { Failure } from "../model/errors.ts";
import { isUnreachable } from "../model/errors.ts";
import type { FleetPlan } from "../plan/fleet-plan.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { failureLines } from "../report/words.ts";
import type { Context } from "./context.ts";

/** Prints a failure the way the output option asks for, and gives the exit code that goes with it. */
export function tellFailure(context: Context, failure: Failure): number {
  if (context.options.output === "json") context.print.line(JSON.stringify({ error: failure }));
  else for (const text of failureLines(failure)) context.print.line(text);
  if (failure.code === "lease-held") return EXIT_CODE.leaseHeld;
  if (failure.code === "rollout-open") return EXIT_CODE.open;
  if (failure.code === "usage" || failure.code === "files-invalid") return EXIT_CODE.usage;
  return context.interrupts.stop.aborted ? EXIT_CODE.interrupted : EXIT_CODE.failed;
}

/** Nothing failed; but what was left alone, or stayed unknown, keeps a command from ending with 0. */
export function skippedCode({ skipped }: Pick<FleetPlan, "skipped">): number {
  if (skipped.length === 0) return EXIT_CODE.done;
  // A DNS server that is passed over leaves nothing open.
  if (skipped.some((each) => isUnreachable(each) && each.code !== "dns-unreachable")) return EXIT_CODE.unreachable;
  return skipped.some(({ code }) => code === "rollout-open") ? EXIT_CODE.open : EXIT_CODE.failed;
}

/** Prints everything that stands in a plan's way; null when nothing does. */
export function tellProblems(context: Context, { problems }: FleetPlan): number | null {
  if (problems.length === 0) return null;
  for (const problem of problems) tellFailure(context, problem);
  if (context.options.output === "text") context.print.line("nothing was changed");
  return EXIT_CODE.failed;
}
