import { isUnreachable } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { Lane, Stage, Step } from "../model/plan.ts";
import type { Direction, RolloutState } from "./state.ts";
import { begun, undoProgress } from "./undo.ts";

/** Where some stages that run forward stand. */
export type ForwardProgress =
  | { readonly kind: "run"; readonly steps: readonly Step[] }
  | { readonly kind: "busy" }
  | { readonly kind: "complete" }
  | { readonly kind: "broken"; readonly failure: Failure };

/** Finds the first stage that is not complete and what can be started in it. */
export function forwardProgress(stages: readonly Stage[], state: RolloutState): ForwardProgress {
  for (const stage of stages) {
    const statuses = stage.map((step) => state.steps[step.id]);
    if (statuses.some((status) => status?.kind === "running")) return { kind: "busy" };
    for (const status of statuses) if (status?.kind === "failed") return { kind: "broken", failure: status.failure };
    const waiting = stage.filter((step) => (state.steps[step.id]?.kind ?? "again") === "again");
    if (waiting.length > 0) return { kind: "run", steps: waiting };
  }
  return { kind: "complete" };
}

/** Where one instance stands. All but the first two are ends: nothing more will happen to it in this direction. */
export type LaneProgress =
  | { readonly kind: "run"; readonly steps: readonly Step[] }
  | { readonly kind: "busy" }
  | { readonly kind: "untouched" }
  | { readonly kind: "updated" }
  | { readonly kind: "reverted"; readonly unreachable: boolean }
  /** Taking it back was refused before anything changed: it serves as it is. */
  | { readonly kind: "kept"; readonly unreachable: boolean }
  /** It stays drained: taking it back failed. */
  | { readonly kind: "stranded"; readonly unreachable: boolean };

/** What to do with a lane, given which way the run goes. A failed step turns its own lane back, whatever the direction. */
export function laneProgress(lane: Lane, state: RolloutState, direction: Direction): LaneProgress {
  const isBegun = begun(lane.stages, state);
  if (!isBegun && direction !== "forward") return { kind: "untouched" };
  const forward = forwardProgress(lane.stages, state);
  if (forward.kind === "busy") return forward;
  const unfinished = forward.kind === "run" && isBegun;
  if (forward.kind === "broken" || direction === "back" || (direction === "retreat" && unfinished)) {
    return backProgress(lane, state, forward);
  }
  if (forward.kind === "complete") return { kind: "updated" };
  return forward;
}

function backProgress(lane: Lane, state: RolloutState, forward: ForwardProgress): LaneProgress {
  const undo = undoProgress(lane.stages, state);
  const lost = forward.kind === "broken" && isUnreachable(forward.failure);
  switch (undo.kind) {
    case "run":
    case "busy":
      return undo;
    case "undone":
      return { kind: "reverted", unreachable: lost };
    case "stuck":
      // Only an instance that had come all the way serves where it stands.
      return undo.refused && forward.kind === "complete"
        ? { kind: "kept", unreachable: undo.unreachable }
        : { kind: "stranded", unreachable: lost || undo.unreachable };
  }
}

/** True when a forward step of the lane has failed. */
export function hasFailed(lane: Lane, state: RolloutState): boolean {
  return lane.stages.some((stage) => stage.some((step) => state.steps[step.id]?.kind === "failed"));
}
