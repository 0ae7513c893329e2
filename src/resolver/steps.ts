import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import type { ResolverAction, ResolverModel } from "../model/resolver.ts";

/** Drafts side by side, stage after stage. */
export type DraftStages = readonly (readonly Draft[])[];

/** Looking, asking three servers that may be silent, the change, its proof and, on failure, all of it backwards. */
const DEADLINE = 90_000;

/** A host and what it was told before: from the facts, `manifest?.model ?? null`. */
export interface ResolverInput {
  readonly host: string;
  readonly previous: ResolverModel | null;
}

function act(phase: Phase, host: string, says: string, action: ResolverAction): Omit<Draft, "undo"> {
  return { phase, kind: "act", host, says, action, deadline: DEADLINE };
}

function restoring(phase: Phase, { host, previous }: ResolverInput): DraftUndo {
  const action: ResolverAction = { kind: "resolver.restore", host, model: previous };
  const undo: DraftUndo = { kind: "none", reason: "it is itself an undo" };
  const draft: Draft = { ...act(phase, host, `put back how ${host} resolved names`, action), undo };
  return { kind: "stages", stages: [[draft]] };
}

/** A host is told which servers know the zone. */
export function installResolver(phase: Phase, input: ResolverInput & { readonly model: ResolverModel }): DraftStages {
  const { host, model } = input;
  const action: ResolverAction = { kind: "resolver.install", host, model };
  const body = act(phase, host, `let ${host} resolve names of ${model.zone}`, action);
  return [[{ ...body, undo: restoring(phase, input) }]];
}

/** A host that needs the zone no more: it resolves names as it did before drover came. */
export function removeResolver(phase: Phase, input: ResolverInput): DraftStages {
  const action: ResolverAction = { kind: "resolver.restore", host: input.host, model: null };
  const body = act(phase, input.host, `let ${input.host} resolve names as before drover`, action);
  return [[{ ...body, undo: restoring(phase, input) }]];
}
