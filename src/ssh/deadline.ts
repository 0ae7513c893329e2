import type { Limits } from "../model/ports.ts";

/** A call's own end: its deadline and its caller's signal in one. */
export interface Deadline {
  /** Aborts when time is up or the caller aborts. */
  readonly signal: AbortSignal;
  /** True when it was time that ended it. */
  passed(): boolean;
  /** Forgets timer and listener; must be called when the call has ended. */
  clear(): void;
}

/** Starts a {@link Deadline}. By hand, because `AbortSignal.any` on a signal that lives for the run piles up listeners. */
export function startDeadline(limits: Limits): Deadline {
  const controller = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, limits.deadline);
  const abort = (): void => controller.abort();
  if (limits.signal.aborted) abort();
  else limits.signal.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    passed: () => late,
    clear: () => {
      clearTimeout(timer);
      limits.signal.removeEventListener("abort", abort);
    },
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
