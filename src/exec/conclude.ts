import { failure, isUnreachable } from "../model/errors.ts";
import type { Counts, Ending } from "../model/event.ts";
import type { Lane, Plan, Step } from "../model/plan.ts";
import type { End } from "../rollout/next.ts";
import { effectiveDirection, firstFailure } from "../rollout/next.ts";
import { laneProgress } from "../rollout/lanes.ts";
import type { RolloutState } from "../rollout/state.ts";
import type { PlanEnd } from "./run-plan.ts";

/** What became of one instance, in the words of the final count. */
export type Fate = "updated" | "failed" | "unreachable" | "notReached";

/** Tells how a run ended and what became of every host the plan touches, prologue and epilogue included. */
export function conclude(
  plan: Plan,
  result: PlanEnd,
  interrupted: boolean,
): { readonly ending: Ending; readonly counts: Counts } {
  const fates = [...hostFates(plan, result.state).values()];
  const count = (fate: Fate): number => fates.filter((each) => each === fate).length;
  const counts = {
    updated: count("updated"),
    unchanged: plan.unchanged.length,
    failed: count("failed"),
    unreachable: count("unreachable"),
    notReached: count("notReached"),
  };
  return { ending: endingOf(plan, result, interrupted), counts };
}

function endingOf(plan: Plan, result: PlanEnd, interrupted: boolean): Ending {
  if (interrupted && result.end.kind !== "done") {
    return { kind: "interrupted", open: result.end.kind === "open", stranded: stranded(result.end) };
  }
  // Whoever asked for everything back got it, even where there was little.
  const wanted = result.state.direction === "back";
  switch (result.end.kind) {
    case "done":
      return { kind: "done" };
    case "open":
      return { kind: "open", unreachable: result.end.unreachable, stranded: result.end.stranded };
    case "reverted":
      return result.end.touched || wanted
        ? { kind: "reverted" }
        : { kind: "failed", failure: cause(plan, result.state) };
    case "untouched":
      return wanted ? { kind: "reverted" } : { kind: "failed", failure: cause(plan, result.state) };
  }
}

function stranded(end: End): readonly string[] {
  return end.kind === "open" ? end.stranded : [];
}

function cause(plan: Plan, state: RolloutState): ReturnType<typeof failure> {
  return (
    firstFailure(plan, state)?.failure ?? failure("interrupted", state.why === "" ? "nothing was begun" : state.why)
  );
}

/**
 * A host that is moved as a whole; balancers, where a plan is about nothing else; lanes by what became of them; the new
 * instances of the prologue, which come through together or not at all; and those that left at the end. What went wrong on a lane's host before its lane began counts against it too.
 */
export function hostFates(plan: Plan, state: RolloutState): ReadonlyMap<string, Fate> {
  const direction = effectiveDirection(plan, state);
  const isDone = (step: Step): boolean => state.steps[step.id]?.kind === "done";
  const prologue = plan.prologue.flat();
  const epilogue = plan.epilogue.flat();
  const started = prologue.filter((step) => step.action.kind === "release.switch");
  const moved = plan.move === undefined ? [] : [plan.move.host];
  const balancers =
    plan.app === null && plan.move === undefined ? new Set(prologue.flatMap(({ host }) => host ?? [])) : [];
  const removed = epilogue.filter((step) => step.action.kind === "release.remove");
  return new Map([
    ...moved.map((host): [string, Fate] => {
      return [host, prologue.every(isDone) && direction !== "back" ? "updated" : failedFate(prologue, null, state)];
    }),
    ...[...balancers].map((host): [string, Fate] => {
      const own = prologue.filter((step) => step.host === host);
      return [host, own.every(isDone) && direction !== "back" ? "updated" : failedFate(own, null, state)];
    }),
    ...started.map((step): [string, Fate] => {
      const host = step.host ?? "";
      return [host, isDone(step) && direction !== "back" ? "updated" : failedFate(prologue, host, state)];
    }),
    ...plan.batches.flat().map((lane): [string, Fate] => [lane.host, laneFate(plan, lane, state)]),
    ...removed.map((step): [string, Fate] => {
      const host = step.host ?? "";
      return [host, isDone(step) ? "updated" : failedFate(epilogue, host, state)];
    }),
  ]);
}

function laneFate(plan: Plan, lane: Lane, state: RolloutState): Fate {
  if (laneProgress(lane, state, effectiveDirection(plan, state)).kind === "updated") return "updated";
  const within = failedFate(lane.stages.flat(), null, state);
  return within === "notReached" ? failedFate(plan.prologue.flat(), lane.host, state) : within;
}

/** `failed` or `unreachable` after a failed step (of this host, if one is named), otherwise `notReached`. */
function failedFate(steps: readonly Step[], host: string | null, state: RolloutState): Fate {
  for (const step of steps) {
    const status = state.steps[step.id];
    if (status?.kind === "failed" && (host === null || step.host === host)) {
      // A DNS server that is silent says nothing of the host.
      const isLost = isUnreachable(status.failure) && status.failure.code !== "dns-unreachable";
      return isLost ? "unreachable" : "failed";
    }
  }
  return "notReached";
}
