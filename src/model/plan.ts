import type { Action } from "./action.ts";

/** The fixed order of everything (DESIGN §4). Domains contribute steps to phases; they never depend on each other. */
export const PHASES = [
  "stage",
  "isolate",
  "expand",
  "withdraw",
  "drain",
  "switch",
  "probe",
  "enable",
  "publish",
  "hold",
  "contract",
  "sever",
] as const;

export type Phase = (typeof PHASES)[number];

/** What a step is, wherever it stands. */
export interface StepBody {
  readonly phase: Phase;
  /** `act` changes something, `wait` lets time do its work, `gate` only looks. */
  readonly kind: "act" | "wait" | "gate";
  /** The host it happens on; null: the controller. */
  readonly host: string | null;
  /** Present tense, for people: "drain shop on lb1". */
  readonly says: string;
  readonly action: Action;
  /** Milliseconds after which the step has failed, whatever it was waiting for. */
  readonly deadline: number;
}

/** What a domain proposes: a step that has no id yet. */
export interface Draft extends StepBody {
  readonly undo: DraftUndo;
}

/** How to take a step back, stage by stage, or why that cannot or need not be. Undo steps have no undo of their own. */
export type DraftUndo =
  | { readonly kind: "stages"; readonly stages: readonly (readonly Draft[])[] }
  | { readonly kind: "none"; readonly reason: string };

export type StepId = string;

/** One atomic action with its place in the plan. */
export interface Step extends StepBody {
  readonly id: StepId;
  readonly undo: Undo;
}

export type Undo =
  | { readonly kind: "stages"; readonly stages: readonly Stage[] }
  | { readonly kind: "none"; readonly reason: string };

/** Steps that may run side by side; the next stage begins when all of them are done. */
export type Stage = readonly Step[];

/** One instance's way through a rollout; lanes of a batch run side by side. */
export interface Lane {
  /** The instance's host. */
  readonly host: string;
  /** False where it was not ready at the start: it goes first and costs no availability. */
  readonly wasReady: boolean;
  readonly stages: readonly Stage[];
}

export type Batch = readonly Lane[];

/** A number together with what it was written as; printed wherever it decides something. */
export interface Budget {
  readonly maxFailures: number;
  readonly onFailure: "pause" | "rollback";
  readonly batchWait: number | "ask";
  readonly progressDeadline: number;
  readonly minAvailable: number;
}

/** A host that is taken out as a whole, or let back in: `drover drain` and `undrain`. */
export interface HostMove {
  readonly host: string;
  readonly to: "out" | "in";
}

/**
 * What a plan about the firewalls is for. `release` takes what an address was let in for before another host has it,
 * `expand` lets new flows pass (and isolates new hosts), the others take away what is not wanted any more: at the hosts
 * flows come from, then at those they go to, then what has to wait for both. `remove`: drover's rules go as a whole.
 */
export type FirewallPart = "release" | "expand" | "contract-out" | "contract-in" | "settle" | "remove";

/**
 * What a plan about DNS is for: servers and addresses before apps need them, and what nobody needs any more after; or, on
 * their own, records that are taken over, and left-over ones that are taken out.
 */
export type DnsPart = "servers" | "names" | "resolvers" | "farewell" | "adopt" | "gc";

/**
 * The whole change of one app (or of the balancers alone) as data: the same bytes from the same inputs.
 * Prologue: all or nothing, before any instance that serves is touched. Batches: one after the other.
 * Epilogue: what is left behind is removed.
 */
export interface Plan {
  readonly version: 1;
  /** Null: nothing but the balancers' configuration, a host's servers, or firewalls. */
  readonly app: string | null;
  /** Where the plan is about a host, and so about every app there. */
  readonly move?: HostMove;
  /** Where the plan is about the hosts' firewalls. */
  readonly firewall?: FirewallPart;
  /** Where the plan is about DNS itself: its servers, hosts' addresses, how hosts resolve names. */
  readonly dns?: DnsPart;
  /** Release as the files name it, before (null: first deployment) and after (null: the app leaves). */
  readonly from: string | null;
  readonly to: string | null;
  /** What is said before anything runs, one line per reason. */
  readonly reasons: readonly string[];
  readonly budget: Budget;
  /** Instances that are already as they should be. */
  readonly unchanged: readonly string[];
  readonly prologue: readonly Stage[];
  readonly batches: readonly Batch[];
  readonly epilogue: readonly Stage[];
}
