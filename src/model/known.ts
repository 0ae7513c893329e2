import type { Failure } from "./errors.ts";

/** What was observed, or why it is not known. Unknown is never treated as empty (DESIGN §4). */
export type Known<T> =
  | { readonly kind: "known"; readonly value: T }
  | { readonly kind: "unknown"; readonly why: Failure };

/** Wraps a value that was really observed. */
export function known<T>(value: T): Known<T> {
  return { kind: "known", value };
}

/** Says that something could not be observed, and why. */
export function unknown(why: Failure): { readonly kind: "unknown"; readonly why: Failure } {
  return { kind: "unknown", why };
}
