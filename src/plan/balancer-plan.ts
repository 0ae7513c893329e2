import type { Plan } from "../model/plan.ts";
import { diffLb } from "../lb/diff.ts";
import type { LbFacts } from "../lb/facts.ts";
import type { BalancerState } from "./balancers.ts";
import { install, observedBalancer } from "./balancers.ts";
import type { PlanInput } from "./input.ts";
import { PROLOGUE, place } from "./place.ts";

/** The balancers as they were observed, in inventory order. */
export function observedBalancers(input: PlanInput): readonly BalancerState[] {
  return found(input).map(({ name, facts }) => observedBalancer(name, facts));
}

function found(input: PlanInput): readonly { readonly name: string; readonly facts: LbFacts }[] {
  return input.topology.hosts.flatMap(({ name }) => {
    const lb = input.views.get(name)?.lb;
    return lb?.kind === "known" ? [{ name, facts: lb.value }] : [];
  });
}

/** Puts right every balancer whose file is not what drover last installed, or whose HAProxy does not run it. */
export function planBalancers(input: PlanInput): {
  readonly plan: Plan | null;
  readonly after: readonly BalancerState[];
} {
  const results = found(input).map(({ name, facts }) => repair(name, facts, input));
  const after = results.map(({ state }) => state);
  const reasons = results.flatMap((result) => result.reasons);
  const prologue = place(
    PROLOGUE,
    results.flatMap(({ stages }) => stages),
  );
  return { plan: prologue.length === 0 ? null : { ...NOTHING, reasons, prologue }, after };
}

const NOTHING: Plan = {
  version: 1,
  app: null,
  from: null,
  to: null,
  reasons: [],
  budget: { maxFailures: 0, onFailure: "rollback", batchWait: 0, progressDeadline: 600_000, minAvailable: 0 },
  unchanged: [],
  prologue: [],
  batches: [],
  epilogue: [],
};

interface Repair {
  readonly stages: NonNullable<ReturnType<typeof install>>["stages"];
  readonly state: BalancerState;
  readonly reasons: readonly string[];
}

function repair(name: string, facts: LbFacts, input: PlanInput): Repair {
  const state = observedBalancer(name, facts);
  // A balancer without any app of ours is brought in by the first app that is routed there.
  const isOurs = Object.keys(state.model.apps).length > 0;
  const { haproxyTemplate: template } = input;
  const next = isOurs ? install(state, { template, phase: "expand", model: state.model, disabled: [] }) : null;
  if (next === null) return { stages: [], state, reasons: [] };
  const diff = diffLb(next.state.text ?? "", facts, new Set());
  return { ...next, reasons: diff.kind === "same" ? [] : diff.reasons.map((reason) => `${name}: ${reason}`) };
}
