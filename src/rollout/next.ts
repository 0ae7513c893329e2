import type { Failure } from "../model/errors.ts";
import { isUnreachable } from "../model/errors.ts";
import type { Plan, Stage, Step } from "../model/plan.ts";
import type { LaneProgress } from "./lanes.ts";
import { forwardProgress, hasFailed, laneProgress } from "./lanes.ts";
import type { Direction, RolloutState } from "./state.ts";
import { forwardStages } from "./state.ts";
import { begun, undoProgress } from "./undo.ts";

/** What the reducer chooses among the plan's steps; it never invents one. */
export type Decision =
  | { readonly kind: "run"; readonly steps: readonly Step[] }
  | { readonly kind: "busy" }
  /** Before this batch: wait so many milliseconds, or ask. */
  | { readonly kind: "wait"; readonly batch: number; readonly wait: number | "ask" }
  | { readonly kind: "ended"; readonly end: End };

/** How the run came out, before anybody gives it an exit code. */
export type End =
  | { readonly kind: "done" }
  | { readonly kind: "open"; readonly unreachable: boolean; readonly stranded: readonly string[] }
  /** Everything was taken back; `touched` is false where nothing but staged files and looks had come about. */
  | { readonly kind: "reverted"; readonly touched: boolean }
  /** Nothing had been begun. */
  | { readonly kind: "untouched" };

/**
 * The story of a rollout, told by the state alone:
 *
 *     prologue  all or nothing: a failure takes all of it back
 *     batches   one after the other; a failed lane is taken back by itself; too many failures stop the run or turn it
 *     epilogue  only when every lane came through; past its first removal there is no way back, only on. Where there are no
 *               lanes it is all or nothing like the prologue
 */
export function next(plan: Plan, state: RolloutState): Decision {
  const direction = effectiveDirection(plan, state);
  if (direction === "back") return goBack(plan, state);
  const prologue = forwardProgress(plan.prologue, state);
  if (prologue.kind === "busy") return prologue;
  if (prologue.kind === "run") {
    return direction === "forward" ? prologue : { kind: "ended", end: { kind: "untouched" } };
  }
  return goOn(plan, state, direction);
}

/** The direction after the plan's own rules: an all-or-nothing prologue, a point of no return, and `onFailure`. */
export function effectiveDirection(plan: Plan, state: RolloutState): Direction {
  if (state.direction === "back") return past(plan, state) ? "forward" : "back";
  if (fallsWhole(plan, state)) return "back";
  if (failedLanes(plan, state) <= plan.budget.maxFailures) return state.direction;
  if (plan.budget.onFailure === "rollback") return "back";
  return state.direction === "forward" ? "stop" : state.direction;
}

/** Something that is all or nothing cannot become all. */
function fallsWhole(plan: Plan, state: RolloutState): boolean {
  const prologue = forwardProgress(plan.prologue, state);
  const prologueOpen = prologue.kind === "run" && begun(plan.prologue, state);
  if (prologue.kind === "broken" || (prologueOpen && state.direction !== "forward")) return true;
  return isWhole(plan) && forwardProgress(plan.epilogue, state).kind === "broken" && !past(plan, state);
}

/** No instance that serves is touched: nobody gains from half of it, and there is nothing to look at before it is put back. */
function isWhole(plan: Plan): boolean {
  return plan.batches.length === 0;
}

function failedLanes(plan: Plan, state: RolloutState): number {
  return plan.batches.flat().filter((lane) => hasFailed(lane, state)).length;
}

function goOn(plan: Plan, state: RolloutState, direction: Direction): Decision {
  const ends: LaneProgress[] = [];
  for (const [index, batch] of plan.batches.entries()) {
    const fresh = direction === "forward" && !batch.some((lane) => begun(lane.stages, state));
    if (fresh && index > 0 && index > state.released && plan.budget.batchWait !== 0) {
      return { kind: "wait", batch: index, wait: plan.budget.batchWait };
    }
    const lanes = batch.map((lane) => laneProgress(lane, state, direction));
    const steps = lanes.flatMap((lane) => (lane.kind === "run" ? lane.steps : []));
    if (steps.length > 0) return { kind: "run", steps };
    if (lanes.some((lane) => lane.kind === "busy")) return { kind: "busy" };
    ends.push(...lanes);
  }
  if (ends.every((lane) => lane.kind === "updated")) return finishEpilogue(plan, state, direction);
  const isTouched = ends.some((lane) => lane.kind !== "untouched") || begun(plan.prologue, state);
  return { kind: "ended", end: isTouched ? left(plan, state, direction) : { kind: "untouched" } };
}

/** The rollout is left open: who is stranded, and whether a lost host is why. */
function left(plan: Plan, state: RolloutState, direction: Direction): End {
  const lanes = plan.batches.flat().map((lane) => ({ host: lane.host, end: laneProgress(lane, state, direction) }));
  return {
    kind: "open",
    unreachable: lanes.some(({ end }) => "unreachable" in end && end.unreachable),
    stranded: lanes.filter(({ end }) => end.kind === "stranded").map(({ host }) => host),
  };
}

function finishEpilogue(plan: Plan, state: RolloutState, direction: Direction): Decision {
  const epilogue = forwardProgress(plan.epilogue, state);
  switch (epilogue.kind) {
    case "busy":
      return epilogue;
    case "complete":
      return { kind: "ended", end: { kind: "done" } };
    case "broken":
      return { kind: "ended", end: { kind: "open", unreachable: isUnreachable(epilogue.failure), stranded: [] } };
    case "run":
      return direction === "forward" || (direction === "stop" && onlyTidies(plan))
        ? epilogue
        : { kind: "ended", end: { kind: "open", unreachable: false, stranded: [] } };
  }
}

/** Every instance came through, and what is left changes nothing that serves: a rollout that is done is not left open. */
function onlyTidies(plan: Plan): boolean {
  return plan.epilogue.flat().every((step) => step.action.kind === "release.prune");
}

/** True once something has been removed for good. */
function past(plan: Plan, state: RolloutState): boolean {
  return plan.epilogue
    .flat()
    .some((step) => step.action.kind === "release.remove" && state.steps[step.id] !== undefined);
}

function goBack(plan: Plan, state: RolloutState): Decision {
  if (Object.keys(state.steps).length === 0) return { kind: "ended", end: { kind: "untouched" } };
  const epilogue = backThrough(plan.epilogue, state);
  if (epilogue !== null) return epilogue;
  const stuck: { readonly host: string; readonly at: LaneProgress & { readonly unreachable: boolean } }[] = [];
  for (const batch of plan.batches.toReversed()) {
    const lanes = batch.map((lane) => ({ host: lane.host, progress: laneProgress(lane, state, "back") }));
    const steps = lanes.flatMap(({ progress }) => (progress.kind === "run" ? progress.steps : []));
    if (steps.length > 0) return { kind: "run", steps };
    if (lanes.some(({ progress }) => progress.kind === "busy")) return { kind: "busy" };
    for (const { host, progress } of lanes) {
      if (progress.kind === "stranded" || progress.kind === "kept") stuck.push({ host, at: progress });
    }
  }
  if (stuck.length > 0) {
    const stranded = stuck.filter(({ at }) => at.kind === "stranded").map(({ host }) => host);
    return {
      kind: "ended",
      end: { kind: "open", unreachable: stuck.some(({ at }) => at.unreachable), stranded },
    };
  }
  return (
    backThrough(plan.prologue, state) ?? { kind: "ended", end: { kind: "reverted", touched: touched(plan, state) } }
  );
}

function touched(plan: Plan, state: RolloutState): boolean {
  return forwardStages(plan)
    .flat()
    .some((step) => step.kind === "act" && step.phase !== "stage" && state.steps[step.id] !== undefined);
}

/** Undoes stages outside lanes; null when nothing is left to undo. */
function backThrough(stages: readonly Stage[], state: RolloutState): Decision | null {
  if (forwardProgress(stages, state).kind === "busy") return { kind: "busy" };
  const undo = undoProgress(stages, state);
  switch (undo.kind) {
    case "run":
    case "busy":
      return undo;
    case "undone":
      return null;
    case "stuck":
      return { kind: "ended", end: { kind: "open", unreachable: undo.unreachable, stranded: [] } };
  }
}

/** The failure that decided the outcome: the first failed step in plan order. */
export function firstFailure(
  plan: Plan,
  state: RolloutState,
): { readonly step: Step; readonly failure: Failure } | null {
  for (const step of forwardStages(plan).flat()) {
    const status = state.steps[step.id];
    if (status?.kind === "failed") return { step, failure: status.failure };
  }
  return null;
}
