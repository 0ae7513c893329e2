import { mutating, reading } from "../../../src/model/command.ts";
import type { Command } from "../../../src/model/command.ts";
import type { Limits, Request } from "../../../src/model/ports.ts";

// Commands that exist for the contract alone. The fake host interprets them by name: test/fake/test-commands.ts.

/** Prints every argument, each followed by a NUL. */
export function echoArgs(args: readonly string[]): Command {
  return reading("test.echo-args", `for a in "$@"; do printf '%s\\0' "$a"; done`, args);
}

/** Prints one line on each stream and exits with a code. */
export function exitWith(code: number): Command {
  return reading("test.exit", `echo out; echo err >&2; exit "$1"`, [String(code)]);
}

/** Lasts for some seconds. */
export function sleep(seconds: number): Command {
  return reading("test.sleep", `sleep "$1"; echo woke`, [String(seconds)]);
}

/** Prints its frames one after the other, in hex. */
export function hexFrames(count: number): Command {
  return reading(
    "test.hex-frames",
    `i=0; while [ $i -lt "$1" ]; do take | od -An -v -tx1 | tr -d ' \\n'; echo; i=$((i+1)); done`,
    [String(count)],
  );
}

/** Where to write, and how. */
export interface Target {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
}

/** Writes one frame to a path. */
export function write(target: Target): Command {
  return mutating("test.write", `put "$1" "$2" "$3"`, [target.path, target.mode, target.owner]);
}

/** Prints mode, owner and sha256 of a file, or `absent`. */
export function look(path: string): Command {
  const text = `[ -e "$1" ] || { echo absent; exit 0; }; stat -c '%a %U:%G' "$1"; sha256sum < "$1" | cut -d' ' -f1`;
  return reading("test.look", text, [path]);
}

/** A program that greets with its first argument and answers each request by the same text in upper case. */
export function shout(greeting: string): Command {
  return reading("test.shout", SHOUT, [greeting]);
}

// `die` ends it at once; `slow` takes 300 ms.
const SHOUT = `exec perl -e '
  $| = 1;
  sub say { print length($_[0]) . "\\n" . $_[0] }
  exit 9 if $ARGV[0] eq "no";
  say($ARGV[0]);
  while (defined(my $n = <STDIN>)) {
    read(STDIN, my $text, $n);
    exit 3 if $text eq "die";
    select(undef, undef, undef, 0.3) if $text eq "slow";
    say(uc $text);
  }
' "$1"`;

/** Limits that a healthy call never meets. */
export function relaxed(change: Partial<Limits> = {}): Limits {
  return { deadline: 20_000, signal: new AbortController().signal, ...change };
}

/** A request without warrant, with its frames as bytes or streams. */
export function request(command: Command, frames: Request["frames"] = []): Request {
  return { command, warrant: null, frames };
}

/** A frame of the given bytes. */
export function frame(bytes: Uint8Array): Request["frames"][number] {
  return { size: bytes.length, bytes };
}
