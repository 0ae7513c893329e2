/**
 * Commands are values. The text is a constant POSIX sh script; whatever varies is an argument (`$1`, `$2`, …) or a
 * frame on stdin. Quoting happens once, in the SSH adapter.
 */

/** One piece of stdin, length-framed; the script takes it with `take` or `put` (see prelude.ts), in order. */
export type Frame =
  | { readonly kind: "text"; readonly text: string }
  /** A file of the controller, streamed; `path` is relative to the fleet's folder or absolute. */
  | { readonly kind: "file"; readonly path: string; readonly size: number }
  /** A secret by its reference `app/NAME`; exec looks the bytes up at the last moment. */
  | { readonly kind: "secret"; readonly ref: string };

/** A script with what it needs, ready to be sent to any host. */
export interface Command {
  /** A stable dotted name, e.g. `release.stage`: for messages, and what the fake host interprets. */
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
  readonly frames: readonly Frame[];
  /** True if it changes the host: then exec makes the host refuse it when its epoch is old. */
  readonly mutates: boolean;
}

/** A {@link Command} that only reads. */
export function reading(
  name: string,
  text: string,
  args: readonly string[] = [],
  frames: readonly Frame[] = [],
): Command {
  return { name, text, args, frames, mutates: false };
}

/** A {@link Command} that changes the host. */
export function mutating(name: string, text: string, args: readonly string[], frames: readonly Frame[] = []): Command {
  return { name, text, args, frames, mutates: true };
}

/** Exit codes that drover's own scripts use with one meaning everywhere. */
export const EXIT = {
  /** ENOSPC, as its errno. */
  diskFull: 28,
  /** A lock on the host stayed taken. */
  busy: 75,
  /** The host has seen a newer epoch. */
  stale: 76,
} as const;
