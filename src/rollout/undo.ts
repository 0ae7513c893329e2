import type { ErrorCode } from "../model/errors.ts";
import { isUnreachable } from "../model/errors.ts";
import type { Stage, Step } from "../model/plan.ts";
import type { RolloutState, StepStatus } from "./state.ts";

/** Where the undoing of some stages stands. */
export type UndoProgress =
  | { readonly kind: "run"; readonly steps: readonly Step[] }
  | { readonly kind: "busy" }
  /** Everything that was begun has been taken back. */
  | { readonly kind: "undone" }
  /** A step back failed: what the stages had changed stays as it is, owned by the open rollout. */
  | {
      readonly kind: "stuck";
      readonly unreachable: boolean;
      /** The first steps back were refused or never arrived: nothing was taken back, and nothing is worse for it. */
      readonly refused: boolean;
    };

/**
 * Takes back what the given stages began, last first. A stage's undo sequences run side by side, step by step.
 *
 * A failed step back ends the sequence: an app that is not proven healthy must not get traffic again. The exceptions are
 * the way back into a balancer (phase `enable`), as one that cannot be reached must not keep the others from serving, and
 * firewalls: what was opened on one host is no reason to leave it open on another.
 */
export function undoProgress(stages: readonly Stage[], state: RolloutState): UndoProgress {
  let isStuck = false;
  let isLost = false;
  let isRefused = false;
  const lostHosts = new Set<string>();
  for (const [index, sequence] of undoSequences(stages, state).entries()) {
    const open = sequence.filter((step) => step.host === null || !lostHosts.has(step.host));
    const statuses = open.map((step) => ({ step, status: state.steps[step.id] }));
    const failedHere = statuses.flatMap(({ step, status }) =>
      status?.kind === "failed" ? [{ step, failure: status.failure }] : [],
    );
    const waiting = statuses.filter(({ status }) => status === undefined).map(({ step }) => step);
    if (waiting.length > 0) return { kind: "run", steps: waiting };
    if (statuses.some(({ status }) => status?.kind === "running")) return { kind: "busy" };
    if (failedHere.length === 0) continue;
    isRefused = index === 0 && statuses.every(({ status }) => !hasChanged(status));
    isStuck = true;
    isLost ||= failedHere.some(({ failure }) => isUnreachable(failure));
    if (failedHere.some(({ step }) => !standsAlone(step))) break;
    for (const { step } of failedHere) if (step.host !== null) lostHosts.add(step.host);
  }
  return isStuck ? { kind: "stuck", unreachable: isLost, refused: isRefused } : { kind: "undone" };
}

/** No other host's step back depends on it. */
function standsAlone({ phase, action }: Step): boolean {
  return phase === "enable" || action.kind === "firewall.restore";
}

/** True when at least one step of the stages has been begun. */
export function begun(stages: readonly Stage[], state: RolloutState): boolean {
  return stages.some((stage) => stage.some((step) => state.steps[step.id] !== undefined));
}

/**
 * How a step says that nothing was changed: it was refused, or never reached the host. Undoing it would be the change, or
 * would keep a lost host's server drained for nothing. `host-lost` is not among them: there something may have run.
 */
const UNTOUCHED: readonly ErrorCode[] = [
  "min-available",
  "drain-timeout",
  "host-unresolved",
  "host-refused",
  "host-timeout",
  "host-key-unknown",
  "host-key-changed",
  "host-key-revoked",
  "key-refused",
  "sudo-refused",
  "dns-unreachable",
  "dns-refused",
  "dns-key",
  "dns-clock",
  "dns-conflict",
  "dns-foreign",
  "dns-empty",
  "dns-too-large",
];

/** True when a step may have changed something. */
function hasChanged(status: StepStatus | undefined): boolean {
  return status !== undefined && !(status.kind === "failed" && UNTOUCHED.includes(status.failure.code));
}

/** The undo steps of all begun steps, in the order they have to run: stage by stage backwards, merged within a stage. */
function undoSequences(stages: readonly Stage[], state: RolloutState): readonly Stage[] {
  return stages.toReversed().flatMap((stage) => {
    const undos = stage
      .filter((step) => hasChanged(state.steps[step.id]))
      .flatMap((step) => (step.undo.kind === "stages" ? [step.undo.stages] : []));
    const longest = Math.max(0, ...undos.map((sequence) => sequence.length));
    return Array.from({ length: longest }, (_, index) => undos.flatMap((sequence) => sequence[index] ?? []));
  });
}
