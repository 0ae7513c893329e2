import type { Command } from "./command.ts";
import type { DnsQueried, DnsQuestion, DnsServer, DnsUpdate, DnsUpdated } from "./dns.ts";
import type { Failure } from "./errors.ts";
import type { Warrant } from "./ports.ts";

/**
 * An operation is how an action is carried out, written as a pure generator: it yields what it wants done, gets the
 * answer, and returns an outcome. It does no input or output of its own, so that a test can drive it by hand and exec
 * can time it, abort it and run it against the real thing or the fake.
 */
export type Ask =
  /** `fresh`: over a connection made for it alone, so that it proves a new one gets through. */
  | { readonly kind: "exec"; readonly host: string; readonly command: Command; readonly fresh?: boolean }
  /** Lines for HAProxy's sockets on a balancer, through the run's relay; one reply per line, sent together. */
  | {
      readonly kind: "haproxy";
      readonly host: string;
      readonly socket: "admin" | "master";
      readonly lines: readonly string[];
      readonly mutates: boolean;
    }
  /** Questions to one server over one connection. A server that does not answer is an answer. */
  | { readonly kind: "dns-query"; readonly server: DnsServer; readonly questions: readonly DnsQuestion[] }
  /** An update, signed afresh with the fleet's key. */
  | { readonly kind: "dns-update"; readonly server: DnsServer; readonly update: DnsUpdate }
  | { readonly kind: "sleep"; readonly ms: number }
  /** Replaces one scalar in one of the fleet's own YAML files, keeping comments; fails if it is neither `from` nor `to`. */
  | { readonly kind: "edit"; readonly file: string; readonly key: string; readonly from: string; readonly to: string };

/** The answer to the {@link Ask} of the same kind. `elapsed` counts milliseconds since the operation began. */
export type Answer =
  | {
      readonly kind: "exec";
      readonly elapsed: number;
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
      /** Why a fresh connection did not come about, or broke: `code` is -1 then. Any other lost one ends the operation. */
      readonly lost?: Failure;
    }
  | { readonly kind: "haproxy"; readonly elapsed: number; readonly replies: readonly string[] }
  | { readonly kind: "dns-query"; readonly elapsed: number; readonly queried: DnsQueried; readonly warrant: Warrant }
  | { readonly kind: "dns-update"; readonly elapsed: number; readonly updated: DnsUpdated }
  | { readonly kind: "sleep"; readonly elapsed: number }
  | { readonly kind: "edit"; readonly elapsed: number };

/** How an operation ended. Lost hosts, timeouts and aborts never reach the generator: exec ends it itself. */
export type Outcome =
  /** `note`: a few words worth printing, e.g. "2 sessions closed at the deadline". */
  { readonly kind: "done"; readonly note: string } | { readonly kind: "failed"; readonly failure: Failure };

export type Operation = Generator<Ask, Outcome, Answer>;

/** The operation succeeded. */
export function done(note = ""): Outcome {
  return { kind: "done", note };
}

/** The operation failed. */
export function failed(failure: Failure): Outcome {
  return { kind: "failed", failure };
}

/** What `run` gives back: a command's end as the generator sees it. */
export interface Ran {
  readonly elapsed: number;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of {@link runAnew} alone, see {@link Answer}. */
  readonly lost?: Failure;
}

/** Yields an exec and narrows its answer. */
export function* run(host: string, command: Command): Generator<Ask, Ran, Answer> {
  const answer = yield { kind: "exec", host, command };
  if (answer.kind !== "exec") throw new TypeError(`asked for exec, was answered ${answer.kind}`);
  return answer;
}

/** Like {@link run}, over a connection made for it alone: that it answers proves that a new one gets through. */
export function* runAnew(host: string, command: Command): Generator<Ask, Ran, Answer> {
  const answer = yield { kind: "exec", host, command, fresh: true };
  if (answer.kind !== "exec") throw new TypeError(`asked for exec, was answered ${answer.kind}`);
  return answer;
}

/** Yields lines for one of HAProxy's sockets and narrows the answer. */
export function* haproxy(
  host: string,
  socket: "admin" | "master",
  lines: readonly string[],
  mutates = false,
): Generator<Ask, { readonly elapsed: number; readonly replies: readonly string[] }, Answer> {
  const answer = yield { kind: "haproxy", host, socket, lines, mutates };
  if (answer.kind !== "haproxy") throw new TypeError(`asked for haproxy, was answered ${answer.kind}`);
  return answer;
}

/**
 * Yields questions for one server and narrows the answer. `warrant` is what the run proves itself with, for what it leaves
 * behind in a zone.
 */
export function* queryDns(
  server: DnsServer,
  questions: readonly DnsQuestion[],
): Generator<Ask, { readonly elapsed: number; readonly queried: DnsQueried; readonly warrant: Warrant }, Answer> {
  const answer = yield { kind: "dns-query", server, questions };
  if (answer.kind !== "dns-query") throw new TypeError(`asked for dns-query, was answered ${answer.kind}`);
  return answer;
}

/** Yields an update and narrows the answer. */
export function* updateDns(
  server: DnsServer,
  update: DnsUpdate,
): Generator<Ask, { readonly elapsed: number; readonly updated: DnsUpdated }, Answer> {
  const answer = yield { kind: "dns-update", server, update };
  if (answer.kind !== "dns-update") throw new TypeError(`asked for dns-update, was answered ${answer.kind}`);
  return answer;
}

/** Yields a pause and gives the milliseconds since the operation began. */
export function* pause(ms: number): Generator<Ask, number, Answer> {
  return (yield { kind: "sleep", ms }).elapsed;
}
