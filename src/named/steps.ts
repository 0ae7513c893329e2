import type { NamedAction, NamedModel } from "../model/named.ts";
import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import type { NamedFacts } from "./facts.ts";

/** Drafts side by side, stage after stage. */
export type DraftStages = readonly (readonly Draft[])[];

/** Checks, installation, start, transfer of the zone, and on failure all of it backwards: a quarter of a minute each at most. */
const INSTALL_DEADLINE = 120_000;

/** What is on a host now, to go back to. */
export interface NamedPrevious {
  readonly sha256: string | null;
  readonly model: NamedModel | null;
}

/** One host's new files, and what is there now. */
export interface NamedInput {
  readonly host: string;
  readonly model: NamedModel;
  readonly config: string;
  /** `renderZone` on a primary whose diff says `creates`, else null. A zone that is there is never written again. */
  readonly zoneFile: string | null;
  /** Reference of the TSIG secret among the run's secrets; its bytes are base64 text. */
  readonly secret: string;
  readonly previous: NamedPrevious;
}

/** What stands in `previous` of a step that changes a host's BIND. */
export function previousOf({ sha256, manifest }: NamedFacts): NamedPrevious {
  return { sha256, model: manifest?.model ?? null };
}

function act(phase: Phase, host: string, says: string, action: NamedAction): Omit<Draft, "undo"> {
  return { phase, kind: "act", host, says, action, deadline: INSTALL_DEADLINE };
}

function restoring(phase: Phase, host: string, previous: NamedPrevious): DraftUndo {
  const action: NamedAction = { kind: "named.restore", host, ...previous };
  const body = act(phase, host, `put BIND on ${host} back as it was`, action);
  return { kind: "stages", stages: [[{ ...body, undo: { kind: "none", reason: "it is itself an undo" } }]] };
}

function installing(phase: Phase, { previous, ...input }: NamedInput): Draft {
  const { host, model } = input;
  const says = `set up BIND on ${host} as ${model.role} of ${model.zone}`;
  return { ...act(phase, host, says, { kind: "named.install", ...input }), undo: restoring(phase, host, previous) };
}

/**
 * New files for DNS hosts, one after the other: the primary first, for a secondary proves itself by a transfer from it.
 * So there is always a server that answers, unless there is but one.
 */
export function installNamed(phase: Phase, inputs: readonly NamedInput[]): DraftStages {
  const role = (wanted: NamedModel["role"]): readonly NamedInput[] =>
    inputs.filter(({ model }) => model.role === wanted);
  return [...role("primary"), ...role("secondary")].map((input) => [installing(phase, input)]);
}

/** A host that answers for the zone no more: BIND there is again as it was before drover, the zone's file is kept aside. */
export function removeNamed(phase: Phase, { host, previous }: Pick<NamedInput, "host" | "previous">): DraftStages {
  const action: NamedAction = { kind: "named.remove", host };
  return [
    [{ ...act(phase, host, `remove the zone from BIND on ${host}`, action), undo: restoring(phase, host, previous) }],
  ];
}
