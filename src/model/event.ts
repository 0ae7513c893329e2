import type { Failure } from "./errors.ts";
import type { Plan, StepId } from "./plan.ts";

/** How a run ended, in the words of DESIGN §3's exit codes. */
export type Ending =
  | { readonly kind: "done" }
  /** Nothing was changed, or what was changed is not part of any rollout. */
  | { readonly kind: "failed"; readonly failure: Failure }
  /** The rollout is left open; `unreachable` where a lost host is why. */
  | { readonly kind: "open"; readonly unreachable: boolean; readonly stranded: readonly string[] }
  /** Everything was put back and the rollout closed. */
  | { readonly kind: "reverted" }
  /** By a person; `open` where the rollout is left so, and not put back as a whole. */
  | { readonly kind: "interrupted"; readonly open: boolean; readonly stranded: readonly string[] };

/** Hosts by what became of them; the last line of every run. */
export interface Counts {
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly unreachable: number;
  readonly notReached: number;
}

/** What a run tells while it goes; reporters turn it into text or NDJSON. `at` is milliseconds since the epoch. */
export type RunEvent = { readonly at: number } & (
  | { readonly kind: "run-started"; readonly rollout: string; readonly plan: Plan; readonly back: boolean }
  | { readonly kind: "note"; readonly host: string | null; readonly text: string }
  | { readonly kind: "warning"; readonly host: string | null; readonly failure: Failure }
  | {
      readonly kind: "step-started";
      readonly step: StepId;
      readonly host: string | null;
      readonly lane: string | null;
      readonly says: string;
    }
  | {
      readonly kind: "step-done";
      readonly step: StepId;
      readonly host: string | null;
      readonly lane: string | null;
      readonly says: string;
      readonly note: string;
      readonly ms: number;
    }
  | {
      readonly kind: "step-failed";
      readonly step: StepId;
      readonly host: string | null;
      readonly lane: string | null;
      readonly says: string;
      readonly failure: Failure;
      readonly ms: number;
    }
  | {
      readonly kind: "lane-ended";
      readonly lane: string;
      readonly result: "updated" | "reverted" | "kept" | "stranded" | "untouched";
    }
  | {
      readonly kind: "run-ended";
      readonly rollout: string;
      readonly app: string | null;
      readonly ending: Ending;
      readonly counts: Counts;
    }
);
