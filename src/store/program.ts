import { spawn } from "node:child_process";
import { constants } from "node:os";
import { DroverError, failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { Limits } from "../model/ports.ts";

/** How a local program ended. */
export interface ProgramResult {
  /** Its exit code; 128 + n when signal n ended it, 127 when there is no such program. */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** More than a program may print: 16 MiB. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;
/** Milliseconds between asking a program to end and ending it. */
const KILL_GRACE = 1_000;

/**
 * Runs a program without a shell and without stdin. Throws a DroverError only when the deadline or the caller ended it,
 * or it printed more than 16 MiB.
 */
export function runProgram(argv: readonly string[], directory: string, limits: Limits): Promise<ProgramResult> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  let stopped: Failure | null = null;
  let killer: NodeJS.Timeout | undefined;

  const stop = (why: Failure): void => {
    if (stopped !== null) return;
    stopped = why;
    child.kill("SIGTERM");
    killer = setTimeout(() => child.kill("SIGKILL"), KILL_GRACE);
  };
  const collect = (into: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length;
    if (size > OUTPUT_LIMIT)
      stop(failure("command-failed", `${command} printed more than ${OUTPUT_LIMIT / 1024 / 1024} MiB`));
    else into.push(chunk);
  };
  child.stdout.on("data", collect(stdout));
  child.stderr.on("data", collect(stderr));
  const timer = setTimeout(
    () => stop(failure("command-timeout", `${command} did not finish within ${limits.deadline / 1000} s`)),
    limits.deadline,
  );
  const abort = (): void => stop(failure("interrupted", `${command} was stopped`));
  if (limits.signal.aborted) abort();
  else limits.signal.addEventListener("abort", abort, { once: true });

  return new Promise<ProgramResult>((resolve, reject) => {
    const end = (code: number, said: string): void => {
      if (stopped === null) resolve({ code, stdout: Buffer.concat(stdout), stderr: said });
      else reject(new DroverError(stopped));
    };
    child.on("error", (error) => end(127, error.message));
    child.on("close", (code, signal) => {
      end(code ?? 128 + (signal === null ? 0 : constants.signals[signal]), Buffer.concat(stderr).toString());
    });
  }).finally(() => {
    clearTimeout(timer);
    clearTimeout(killer);
    limits.signal.removeEventListener("abort", abort);
  });
}
