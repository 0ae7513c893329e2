import type { ServerRef } from "../../src/model/lb.ts";
import type { Failure } from "../../src/model/errors.ts";
import type { Budget, Draft, DraftUndo, Plan, Step, StepId } from "../../src/model/plan.ts";
import { EPILOGUE, PROLOGUE, place } from "../../src/plan/place.ts";
import type { End } from "../../src/rollout/next.ts";
import { next } from "../../src/rollout/next.ts";
import type { RolloutState } from "../../src/rollout/state.ts";
import { INITIAL, forwardStages, reduce } from "../../src/rollout/state.ts";

const NONE: DraftUndo = { kind: "none", reason: "a test's" };

function draft(over: Pick<Draft, "action" | "host"> & Partial<Draft>): Draft {
  return { phase: "switch", kind: "act", says: over.action.kind, deadline: 10_000, undo: NONE, ...over };
}

function undo(...steps: Draft[]): DraftUndo {
  return { kind: "stages", stages: steps.map((step) => [step]) };
}

function lbStep(kind: "lb.drain" | "lb.ready", host: string, way: DraftUndo = NONE): Draft {
  const server: ServerRef = { backend: "shop", server: host };
  const action =
    kind === "lb.drain"
      ? ({ kind, balancer: "lb1", server, floor: 0 } as const)
      : ({ kind, balancer: "lb1", server } as const);
  return draft({ phase: kind === "lb.drain" ? "drain" : "enable", host: "lb1", action, undo: way });
}

function switchStep(host: string, release: string, way: DraftUndo = NONE): Draft {
  return draft({ host, action: { kind: "release.switch", host, app: "shop", release, port: 8080 }, undo: way });
}

function removeStep(host: string): Draft {
  return draft({ phase: "contract", host, action: { kind: "release.remove", host, app: "shop" } });
}

/** What of a plan a test cares about; the rest is a shop that moves from 1.0 to 2.0 behind lb1. */
export interface PlanSketch {
  readonly batches?: readonly (readonly string[])[];
  readonly broken?: readonly string[];
  /** New instances, started in the prologue. */
  readonly fresh?: readonly string[];
  /** Balancers' servers that are let in at the end, one after the other. */
  readonly contract?: readonly string[];
  readonly leaving?: readonly string[];
  readonly budget?: Partial<Budget>;
}

/** A plan small enough to reason about: per lane drain on lb1, switch, ready on lb1. */
export function examplePlan(sketch: PlanSketch = {}): Plan {
  const {
    batches = [["app1"], ["app2"], ["app3"]],
    broken = [],
    fresh = [],
    contract = [],
    leaving = [],
    budget,
  } = sketch;
  const stage = (host: string): Draft => {
    const action = { kind: "pause", ms: 1 } as const;
    return draft({ phase: "stage", host, action, undo: undo(draft({ phase: "stage", host, action })) });
  };
  const starts = fresh.map((host) => switchStep(host, "2.0", undo(removeStep(host))));
  return {
    version: 1,
    app: "shop",
    from: "1.0",
    to: "2.0",
    reasons: ["a test"],
    budget: {
      maxFailures: 0,
      onFailure: "pause",
      batchWait: 0,
      progressDeadline: 600_000,
      minAvailable: 1,
      ...budget,
    },
    unchanged: ["same1"],
    prologue: place(PROLOGUE, [[...batches.flat(), ...fresh].map(stage), starts]),
    batches: batches.map((hosts) =>
      hosts.map((host) => ({
        host,
        wasReady: !broken.includes(host),
        stages: place(host, [
          [lbStep("lb.drain", host, undo(lbStep("lb.ready", host)))],
          [switchStep(host, "2.0", undo(switchStep(host, "1.0")))],
          [lbStep("lb.ready", host, undo(lbStep("lb.drain", host)))],
        ]),
      })),
    ),
    epilogue: place(EPILOGUE, [
      ...contract.map((host) => [
        { ...lbStep("lb.ready", host, undo(lbStep("lb.drain", host))), phase: "contract" as const },
      ]),
      leaving.map(removeStep),
    ]),
  };
}

/** Every step of a plan by id, undo steps included. */
export function stepIndex(plan: Plan): ReadonlyMap<StepId, Step> {
  const index = new Map<StepId, Step>();
  for (const step of forwardStages(plan).flat()) {
    index.set(step.id, step);
    if (step.undo.kind === "stages") for (const undo of step.undo.stages.flat()) index.set(undo.id, undo);
  }
  return index;
}

/** Short names for what a step does: `app1 drain`, `app1 ~ready` for a step back. */
export function nameOf(step: Pick<Step, "id" | "action" | "host">): string {
  const { action } = step;
  const who = "server" in action ? action.server.server : (step.host ?? "here");
  const what = action.kind.split(".")[1] ?? (step.id.startsWith(PROLOGUE) ? "stage" : action.kind);
  return `${who} ${step.id.includes("~") ? "~" : ""}${what}`;
}

/** How a played rollout went. */
export interface Played {
  readonly order: readonly string[];
  readonly end: End;
  readonly state: RolloutState;
}

/** Plays a plan; steps end in the order in which they began, as `outcome` says by their {@link nameOf}. */
export function play(
  plan: Plan,
  outcome: (name: string) => Failure | null = () => null,
  from: RolloutState = INITIAL,
  meanwhile: (name: string, state: RolloutState) => RolloutState = (_name, state) => state,
): Played {
  let state = from;
  const order: string[] = [];
  const running: { readonly id: StepId; readonly name: string }[] = [];
  for (let moves = 0; moves < 1000; moves += 1) {
    const decision = next(plan, state);
    if (decision.kind === "ended") return { order, end: decision.end, state };
    if (decision.kind === "wait") {
      order.push(`wait ${String(decision.wait)}`);
      state = reduce(state, { kind: "batch-released", batch: decision.batch });
    } else if (decision.kind === "run") {
      for (const step of decision.steps) {
        running.push({ id: step.id, name: nameOf(step) });
        order.push(nameOf(step));
        state = reduce(state, { kind: "started", step: step.id });
      }
    } else {
      const step = running.shift();
      if (step === undefined) throw new Error("busy with nothing");
      const failure = outcome(step.name);
      state = reduce(
        state,
        failure === null ? { kind: "succeeded", step: step.id } : { kind: "failed", step: step.id, failure },
      );
      state = meanwhile(step.name, state);
    }
  }
  throw new Error("a rollout without an end");
}
