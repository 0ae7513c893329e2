import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Lane, Plan, Stage, StepId } from "../model/plan.ts";

/** What became of a step; a step without an entry has not been touched. */
export type StepStatus =
  | { readonly kind: "running" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** A run that is over had begun it, and it can only be finished: it is to be done once more. */
  | { readonly kind: "again" };

/**
 * Which way the run goes. `stop` finishes the instances under way and holds; `retreat` takes those instances back and
 * holds; `back` takes everything back.
 */
export type Direction = "forward" | "stop" | "retreat" | "back";

const severity: Readonly<Record<Direction, number>> = { forward: 0, stop: 1, retreat: 2, back: 3 };

/**
 * A rollout's state: what happened to each step, and which way to go. Everything else (which lane is reverted, what
 * comes next) follows from these two and the plan, so that the journal alone can rebuild it.
 */
export interface RolloutState {
  readonly steps: Readonly<Record<StepId, StepStatus>>;
  readonly direction: Direction;
  /** Why the direction is not forward; empty while it is. */
  readonly why: string;
  /** Batches begun so far whose wait (`batchWait`) is over; the first needs none. */
  readonly released: number;
}

/** What can happen to a rollout. */
export type RolloutEvent =
  | { readonly kind: "started"; readonly step: StepId }
  | { readonly kind: "succeeded"; readonly step: StepId }
  | { readonly kind: "failed"; readonly step: StepId; readonly failure: Failure }
  /** The wait or the question before a batch is over. */
  | { readonly kind: "batch-released"; readonly batch: number }
  /** Ctrl-C (`stop`), a lost lease or no progress (`retreat`), `rollout abort` (`back`). It never gets milder. */
  | { readonly kind: "turned"; readonly direction: Direction; readonly why: string }
  /** A new run took over what another left: how its undo steps ended no longer counts. See {@link takeOver}. */
  | { readonly kind: "taken-over"; readonly again: readonly StepId[] };

/** The state before anything ran. */
export const INITIAL: RolloutState = { steps: {}, direction: "forward", why: "", released: 0 };

/** Folds one event into the state. */
export function reduce(state: RolloutState, event: RolloutEvent): RolloutState {
  switch (event.kind) {
    case "started":
      return withStep(state, event.step, { kind: "running" });
    case "succeeded":
      return withStep(state, event.step, { kind: "done" });
    case "failed":
      return withStep(state, event.step, { kind: "failed", failure: event.failure });
    case "batch-released":
      return { ...state, released: Math.max(state.released, event.batch) };
    case "turned":
      return severity[event.direction] > severity[state.direction]
        ? { ...state, direction: event.direction, why: event.why }
        : state;
    case "taken-over":
      return takenOver(state, event.again);
  }
}

function withStep(state: RolloutState, step: StepId, status: StepStatus): RolloutState {
  return { ...state, steps: { ...state.steps, [step]: status } };
}

/** The event with which a new run takes a rollout over: removals that were begun can only be finished. */
export function takeOver(plan: Plan, state: RolloutState): RolloutEvent {
  const last = plan.epilogue.flat().filter(({ undo, action }) => undo.kind === "none" && FINAL.has(action.kind));
  const again = last.map((step) => step.id).filter((id) => (state.steps[id]?.kind ?? "done") !== "done");
  return { kind: "taken-over", again };
}

const FINAL: ReadonlySet<string> = new Set(["release.remove", "release.prune"]);

/**
 * A takeover takes every half-done step for one that may or may not have happened, and tries again every step back that
 * had not succeeded. Steps back are idempotent.
 */
function takenOver(state: RolloutState, again: readonly StepId[]): RolloutState {
  const interrupted = failure("interrupted", "the run that had begun this step ended before it");
  const steps = Object.entries(state.steps).flatMap(([id, status]): [StepId, StepStatus][] => {
    if (status.kind === "done") return [[id, status]];
    if (again.includes(id)) return [[id, { kind: "again" }]];
    if (isUndo(id)) return [];
    return [[id, status.kind === "running" ? { kind: "failed", failure: interrupted } : status]];
  });
  return { ...state, steps: Object.fromEntries(steps) };
}

/** Undo steps carry a `~` in their id; no other id does. */
export function isUndo(id: StepId): boolean {
  return id.includes("~");
}

/** The stages a plan goes forward through, lanes one after the other. */
export function forwardStages(plan: Plan): readonly Stage[] {
  return [...plan.prologue, ...plan.batches.flatMap((batch) => batch.flatMap((lane) => lane.stages)), ...plan.epilogue];
}

/** The lane a step belongs to, by id; undefined for prologue and epilogue. */
export function laneOf(plan: Plan, id: StepId): Lane | undefined {
  return plan.batches.flat().find((lane) => id.startsWith(`${lane.host}/`));
}
