import { DroverError, failure } from "../../src/model/errors.ts";
import type { Failure } from "../../src/model/errors.ts";
import type { Channel, Clock, ExecResult, Limits, Request, Transport } from "../../src/model/ports.ts";
import { quoteAll } from "../../src/ssh/quote.ts";
import { FakeExit, FakeHost } from "./host.ts";

/** What an interpreter gets: the host to change, and the command's arguments and frames. */
export interface FakeCall {
  readonly host: FakeHost;
  readonly args: readonly string[];
  readonly frames: readonly Uint8Array[];
  readonly clock: Clock;
  /** Aborts when the call is given up; what runs should stop then. */
  readonly signal: AbortSignal;
}

/** What a command printed; its exit code is 0 unless it says or throws otherwise. */
export interface FakeOutput {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

/** Does in memory what a command's script does on a host. */
export type Interpreter = (call: FakeCall) => FakeOutput | Promise<FakeOutput>;

/** A long-lived program in memory: its greeting, and an answer per request; null ends it. */
export interface FakeProgram {
  readonly greeting: string;
  answer(payload: string): string | null | Promise<string | null>;
  /** Called once when the channel is gone. */
  ended?(): void;
}

/** Starts a program; throws a {@link FakeExit} when it does not get as far as its greeting. */
export type Starter = (call: FakeCall) => FakeProgram;

/** Looks at each call before it runs, to inject faults: `lost` before or after the command did its work. */
export type Interceptor = (host: FakeHost, request: Request) => "pass" | "lose-before" | "lose-after";

/** The fleet in memory, behind the same port as the real one. */
export class FakeFleet {
  readonly clock: Clock;
  readonly hosts: Map<string, FakeHost> = new Map();
  /** By the command's name. */
  readonly interpreters: Map<string, Interpreter> = new Map();
  readonly programs: Map<string, Starter> = new Map();
  intercept: Interceptor = () => "pass";

  constructor(names: readonly string[], clock: Clock) {
    this.clock = clock;
    for (const name of names) this.hosts.set(name, new FakeHost(name));
  }

  /** The host of that name; throws when there is none. */
  host(name: string): FakeHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`the fake fleet has no host ${name}`);
    return host;
  }
}

/** One run's transport to a fake fleet. */
export function createFakeTransport(fleet: FakeFleet): Transport {
  const counts: Record<string, number> = {};
  const closing = new AbortController();
  /** Hosts that this run has its one connection to. */
  const connected = new Set<FakeHost>();

  /** A host by the way a call takes to it, or why there is none; what is silent ends at the call's deadline. */
  const reach = async (name: string, limits: Limits, fresh = false): Promise<FakeHost | Failure> => {
    if (closing.signal.aborted) return failure("interrupted", "the transport is closed");
    const host = fleet.host(name);
    const way = host.way.kind === "open" && (fresh || !connected.has(host)) ? host.newcomers() : host.way;
    if (way.kind === "refused") return way.failure;
    if (way.kind === "silent") {
      await fleet.clock.sleep(limits.deadline, limits.signal);
      return limits.signal.aborted ? interrupted(name) : failure("host-timeout", `${name} did not answer in time`);
    }
    if (fresh || !connected.has(host)) {
      host.connections.made += 1;
      host.connections.live += 1;
    }
    if (!fresh) connected.add(host);
    return host;
  };

  return {
    async exec(name, request, limits): Promise<ExecResult> {
      const fresh = request.fresh === true;
      const host = await reach(name, limits, fresh);
      if (!(host instanceof FakeHost)) return { kind: "failed", failure: host };
      const result = await runOnce(fleet, host, request, limits);
      if (fresh) host.connections.live -= 1;
      counts[name] = (counts[name] ?? 0) + 1;
      return result;
    },
    async open(name, request, limits) {
      const host = await reach(name, limits);
      if (!(host instanceof FakeHost)) return { kind: "failed", failure: host };
      const start = fleet.programs.get(request.command.name);
      if (start === undefined) throw new Error(`the fake fleet has no program ${request.command.name}`);
      try {
        const call = await prepare(fleet, host, request, limits.signal);
        return { kind: "open", channel: createFakeChannel(fleet, host, start(call), closing.signal) };
      } catch (error) {
        if (error instanceof DroverError) return { kind: "failed", failure: error.failure };
        if (!(error instanceof FakeExit)) throw error;
        return { kind: "failed", failure: failure("command-failed", `${request.command.name}: ${error.message}`) };
      }
    },
    expect: (names) => {
      if (closing.signal.aborted) return;
      for (const host of names.map((name) => fleet.host(name))) {
        if (connected.has(host) || host.way.kind !== "open" || host.newcomers().kind !== "open") continue;
        host.connections.made += 1;
        host.connections.live += 1;
        connected.add(host);
      }
    },
    execs: () => ({ ...counts }),
    close() {
      closing.abort();
      for (const host of connected) host.connections.live -= 1;
      connected.clear();
      return Promise.resolve();
    },
  };
}

async function runOnce(fleet: FakeFleet, host: FakeHost, request: Request, limits: Limits): Promise<ExecResult> {
  const { name } = request.command;
  const interpret = fleet.interpreters.get(name);
  if (interpret === undefined) throw new Error(`the fake fleet has no interpreter for ${name}`);
  const fault = fleet.intercept(host, request);
  if (fault === "lose-before") return { kind: "failed", failure: lost(host.name) };
  return within(fleet, limits, name, async (signal) => {
    const result = await execute(fleet, host, request, { interpret, signal });
    return fault === "lose-after" ? { kind: "failed" as const, failure: lost(host.name) } : result;
  });
}

/** What `work` gives, or the failure for a deadline or an abort that came first; `work` is told either way. */
async function within<Result>(
  fleet: FakeFleet,
  limits: Limits,
  what: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | { kind: "failed"; failure: Failure }> {
  const over = new AbortController();
  const abort = (): void => over.abort();
  limits.signal.addEventListener("abort", abort, { once: true });
  if (limits.signal.aborted) abort();
  const late = fleet.clock.sleep(limits.deadline, over.signal).then(() => "late" as const);
  try {
    const result = await Promise.race([work(over.signal), late]);
    if (result !== "late") return result;
    if (limits.signal.aborted) return { kind: "failed", failure: interrupted(what) };
    return { kind: "failed", failure: failure("command-timeout", `${what} did not finish in time and was stopped`) };
  } finally {
    abort();
    limits.signal.removeEventListener("abort", abort);
  }
}

async function execute(
  fleet: FakeFleet,
  host: FakeHost,
  request: Request,
  how: { readonly interpret: Interpreter; readonly signal: AbortSignal },
): Promise<ExecResult> {
  try {
    const call = await prepare(fleet, host, request, how.signal);
    host.ran.push(request.command.name);
    const output = await how.interpret(call);
    return { kind: "exited", code: output.code ?? 0, stdout: output.stdout ?? "", stderr: output.stderr ?? "" };
  } catch (error) {
    if (error instanceof FakeExit)
      return { kind: "exited", code: error.code, stdout: "", stderr: `${error.message}\n` };
    if (error instanceof DroverError) return { kind: "failed", failure: error.failure };
    throw error;
  }
}

/** Quotes (for the refusal of NUL), collects the frames, and asks the epoch guard, as the real script does. */
async function prepare(fleet: FakeFleet, host: FakeHost, request: Request, signal: AbortSignal): Promise<FakeCall> {
  quoteAll(request.command.args);
  if (request.warrant !== null) host.guard(request.warrant.epoch);
  const frames: Uint8Array[] = [];
  for (const frame of request.frames) {
    const bytes = frame.bytes instanceof Uint8Array ? frame.bytes : await collect(frame.bytes, signal);
    if (bytes.length !== frame.size)
      throw new DroverError(failure("artifact", "a file changed while it was being sent"));
    frames.push(bytes);
  }
  return { host, args: request.command.args, frames, clock: fleet.clock, signal };
}

async function collect(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) {
    if (signal.aborted) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function createFakeChannel(fleet: FakeFleet, host: FakeHost, program: FakeProgram, closing: AbortSignal): Channel {
  let over = false;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const end = (): void => {
    if (over) return;
    over = true;
    program.ended?.();
    resolve();
  };
  closing.addEventListener("abort", end, { once: true });
  let queue: Promise<unknown> = Promise.resolve();
  return {
    greeting: program.greeting,
    closed,
    async ask(payload, limits) {
      if (over || host.way.kind === "refused") {
        end();
        return { kind: "failed", failure: lost(host.name) };
      }
      const turn = queue.then(() => (over ? null : program.answer(payload)));
      queue = turn;
      return within(fleet, limits, "an answer", async () => {
        // A silent host's answer never comes; the deadline ends the wait.
        const answer = await (host.way.kind === "silent"
          ? closed.then(() => null)
          : Promise.race([turn, closed.then(() => null)]));
        if (answer !== null) return { kind: "answer" as const, text: answer };
        end();
        return { kind: "failed" as const, failure: lost(host.name) };
      });
    },
    close() {
      end();
      return Promise.resolve();
    },
  };
}

function lost(host: string): Failure {
  return failure("host-lost", `the connection to ${host} was lost`);
}

function interrupted(what: string): Failure {
  return failure("interrupted", `${what} was stopped`);
}
