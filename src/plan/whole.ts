import type { Plan } from "../model/plan.ts";

/** A plan about no app, with nothing in it yet: whatever fails in it is taken back. */
export const WHOLE: Plan = {
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
