// A lab of its own for a test: real hosts, driven by lab/lab as a person would.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How a command ended: its exit code (128 + n after signal n) and all it printed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What may be given to a command: bytes for its stdin, variables, and a deadline in milliseconds (default 120 s). */
export interface CommandOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

/** One lab. Verbs reject with lab/lab's own output when they fail; `exec` and `run` resolve with the outcome. */
export interface Lab {
  readonly name: string;
  /** The fleet's directory, in which `run` starts. */
  readonly fleet: string;
  up(...options: readonly string[]): Promise<void>;
  down(): Promise<void>;
  status(): Promise<string>;
  /** As root inside a host, without SSH. */
  exec(host: string, argv: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** On the laptop, with `drover` on the PATH. */
  run(argv: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** As `run`, but left running: load, a websocket. Its end is the caller's business; `down` ends it too. */
  background(argv: readonly string[]): ChildProcess;
  stop(host: string): Promise<void>;
  start(host: string): Promise<void>;
  /** Power loss. */
  kill(host: string): Promise<void>;
  /** Cuts a host off from "laptop", from other hosts, or from "all". */
  partition(host: string, ...from: readonly string[]): Promise<void>;
  heal(host?: string): Promise<void>;
}

/** The checkout under test. */
export const checkout: string = join(import.meta.dirname, "../../..");
const program = join(checkout, "lab/lab");

/** Runs lab/lab with a lab's name; resolves however it ends. */
export function labCommand(name: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return command(program, args, { ...options, env: { LAB: name, ...options.env } });
}

/** Runs any program and collects what it prints; rejects only if it cannot be started or exceeds its deadline. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const timeout = options.timeout ?? 120_000;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: checkout, env: { ...process.env, ...options.env } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => undefined); // the command may end without reading it
    child.stdin.end(options.stdin ?? "");
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${file} ${args.join(" ")}: no end within ${timeout} ms\n${Buffer.concat(stderr).toString()}`));
    }, timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const killed = signal === "SIGKILL" ? 137 : 143;
      resolve({
        code: code ?? killed,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** What of the lab's own fleet a scenario is about. */
export interface LabFleet {
  /** Without it the fleet's `dns` is left out: a rollout that keeps DNS in step waits a TTL at every host. */
  readonly dns: boolean;
}

/** The lab of this name; nothing happens until `up`. */
export function lab(name: string, { dns }: LabFleet = { dns: false }): Lab {
  const verb = async (...args: readonly string[]): Promise<string> => {
    const outcome = await labCommand(name, args);
    if (outcome.code !== 0) throw new Error(`lab/lab ${args.join(" ")} ended with ${outcome.code}\n${outcome.stderr}`);
    return outcome.stdout;
  };
  const fleet = join(checkout, ".lab", name, "fleet");
  const quiet = async (...args: readonly string[]): Promise<void> => void (await verb(...args));
  return {
    name,
    fleet,
    up: async (...options) => {
      await quiet("up", ...options);
      if (!dns) await leaveOutDns(fleet);
    },
    down: () => quiet("down"),
    status: () => verb("status"),
    exec: (host, argv, options) => labCommand(name, ["exec", host, "--", ...argv], options),
    run: (argv, options) => labCommand(name, ["run", "--", ...argv], options),
    background: (argv) =>
      spawn(program, ["run", "--", ...argv], { cwd: checkout, env: { ...process.env, LAB: name }, stdio: "pipe" }),
    stop: (host) => quiet("stop", host),
    start: (host) => quiet("start", host),
    kill: (host) => quiet("kill", host),
    partition: (host, ...from) => quiet("partition", host, ...from),
    heal: (host) => (host === undefined ? quiet("heal") : quiet("heal", host)),
  };
}

/**
 * Awaits a condition, asked every 50 ms, or as seldom as asking is dear: a third of the time at the most goes into it.
 * Rejects after `timeout` milliseconds, naming what was awaited. On a busy machine asking may take seconds and tell of a time
 * before the deadline: it is asked once more after it.
 */
export async function until(what: string, condition: () => Promise<boolean>, timeout = 20_000): Promise<void> {
  const deadline = Date.now() + timeout;
  while (true) {
    const asked = Date.now();
    const isLast = asked > deadline;
    if (await condition()) return;
    if (isLast) throw new Error(`gave up after ${timeout} ms: ${what}`);
    const pause = Math.min(1000, Math.max(50, 2 * (Date.now() - asked)));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function leaveOutDns(fleet: string): Promise<void> {
  const path = join(fleet, "drover.yaml");
  await writeFile(path, withoutDns(await readFile(path, "utf8")));
}

/** The lab's drover.yaml without its own `dns`; what a test has written stays. */
export function withoutDns(text: string): string {
  return text.replace('dns: {servers: "role=dns", zone: svc.lab.internal, ttl: 1s, negativeTtl: 1s}\n', "");
}
