import type { Command } from "./command.ts";
import type { ServiceLedger } from "./discovery.ts";
import type { DnsKey, DnsProbed, DnsQueried, DnsQuestion, DnsServer, DnsUpdate, DnsUpdated } from "./dns.ts";
import type { Failure } from "./errors.ts";
import type { Fact } from "./fact.ts";
import type { FirewallLedger } from "./firewall.ts";

/** How a command ended. A host that fails is a result, not an exception. */
export type ExecResult =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Limits of one call: it ends by itself after `deadline` milliseconds, or at once when `signal` aborts. */
export interface Limits {
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** What a mutating command proves itself with: the host refuses an epoch older than the newest it has seen. */
export interface Warrant {
  readonly run: string;
  readonly epoch: number;
}

/** A command as the transport takes it: frames resolved to bytes, the warrant attached. */
export interface Request {
  readonly command: Command;
  readonly warrant: Warrant | null;
  /** True: over a connection made for this request alone and closed after it. */
  readonly fresh?: boolean;
  /** One stream or byte string per frame of the command, in order, with its exact length in bytes. */
  readonly frames: readonly { readonly size: number; readonly bytes: AsyncIterable<Uint8Array> | Uint8Array }[];
}

/**
 * A long-lived program on a host that answers length-framed requests in order: the HAProxy relay, the lease.
 * Both directions: the length in bytes as a decimal line, then the bytes.
 */
export interface Channel {
  /** The program's first frame, sent by itself when it is ready. */
  readonly greeting: string;
  /** Sends one request and resolves with its answer, or with why there is none. Requests may be pipelined. */
  ask(
    payload: string,
    limits: Limits,
  ): Promise<{ kind: "answer"; text: string } | { kind: "failed"; failure: Failure }>;
  /** Resolves once, when the channel has ended for whatever reason. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** The way to the hosts: one connection per host and run, reused by every call. Host keys are checked strictly. */
export interface Transport {
  exec(host: string, request: Request, limits: Limits): Promise<ExecResult>;
  open(
    host: string,
    request: Request,
    limits: Limits,
  ): Promise<{ kind: "open"; channel: Channel } | { kind: "failed"; failure: Failure }>;
  /**
   * These will be asked soon: connects to them meanwhile, one after the other where they are many. Returns at once and
   * tells nothing; a connection that fails is tried again, and told, by the call that needs it.
   */
  expect(hosts: readonly string[]): void;
  /** How many execs each host has served, for the "one exec per host" guarantee. Channels do not count. */
  execs(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** The controller's own disk and programs, seen from the fleet's folder. Paths are relative to it or absolute. */
export interface Files {
  read(path: string): Promise<Uint8Array | null>;
  /** File names in a folder, sorted; null if it is not a folder. */
  list(path: string): Promise<readonly string[] | null>;
  /** Size and sha256 of a file, streamed; null if it is not there. */
  digest(path: string): Promise<{ readonly size: number; readonly sha256: string } | null>;
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Atomic replacement: temp file, fsync, rename; keeps the mode of the file that was there. */
  write(path: string, text: string): Promise<void>;
  /** Runs a program without a shell; never throws for a non-zero exit. */
  run(
    argv: readonly string[],
    limits: Limits,
  ): Promise<{ readonly code: number; readonly stdout: Uint8Array; readonly stderr: string }>;
  /** Downloads an https URL into drover's cache, checks the sha256, gives the local path. Throws a DroverError. */
  fetch(url: string, sha256: string, limits: Limits): Promise<string>;
}

/**
 * The way to DNS servers: over TCP only, one connection per server and run, kept for as long as it serves. What a server
 * does is a result, never an exception.
 */
export interface DnsClient {
  /** Asks without recursion (RD=0), several questions at once (RFC 7766 §6.2.1.1); replies in the order of the questions. */
  query(server: DnsServer, questions: readonly DnsQuestion[], limits: Limits): Promise<DnsQueried>;
  /** One RFC 2136 message, with a new id, time and signature (RFC 8945) at every attempt; the reply's signature is checked. */
  update(server: DnsServer, update: DnsUpdate, key: DnsKey, limits: Limits): Promise<DnsUpdated>;
  /** Whether the key may write to the zone, by a message that adds a TXT record at `name` and takes it away again. */
  probe(server: DnsServer, zone: string, name: string, key: DnsKey, limits: Limits): Promise<DnsProbed>;
  close(): Promise<void>;
}

/** Time as an input. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or early (never rejecting) when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What is known of whoever holds the lease. */
export interface Holder {
  readonly run: string;
  readonly operator: string;
  readonly purpose: string;
  readonly since: string;
}

/** Why a host is out of service, and by whom: it stays so until `undrain`, whatever else runs. */
export interface HostDrain {
  /** One line of printable text, 1 to 200 characters. */
  readonly reason: string;
  readonly operator: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** The right to change the fleet, held; losing it is an event, not an exception. */
export interface Lease {
  readonly epoch: number;
  readonly run: string;
  /** Hex; the fleet's key for secrets' fingerprints. */
  readonly fingerprintKey: string;
  /** Aborts when the lease is lost, not when it is released. */
  readonly lost: AbortSignal;
  /** Appends whole lines to a rollout's journal; resolves when they are on disk. Throws a DroverError. */
  append(rollout: string, lines: readonly string[]): Promise<void>;
  /** Names the open rollout of an app (`null`: none any more). Throws a DroverError. */
  setOpen(app: string, rollout: string | null): Promise<void>;
  /** Records that a host is drained, and why (`null`: not any more); resolves when it is on disk. Throws a DroverError. */
  setDrain(host: string, drain: HostDrain | null): Promise<void>;
  /** Remembers addresses and debts of the firewall, as a whole; resolves when it is on disk. Throws a DroverError. */
  setLedger(ledger: FirewallLedger): Promise<void>;
  /** Remembers which names drover may have written in which zone, as a whole; resolves when it is on disk. Throws a DroverError. */
  setServices(ledger: ServiceLedger): Promise<void>;
  release(): Promise<void>;
}

/** What the store tells anybody who asks, without the lease. */
export interface StateFacts {
  /** Hex; null until a first lease has made it. */
  readonly fingerprintKey: string | null;
  /** The open rollout of each app that has one. */
  readonly open: Readonly<Record<string, string>>;
  /** The drained hosts. */
  readonly drains: Readonly<Record<string, HostDrain>>;
  /** Null until a firewall has been applied. */
  readonly ledger: FirewallLedger | null;
  /** Null until something has been published. */
  readonly services: ServiceLedger | null;
  /** Who holds the lease right now. */
  readonly holder: Holder | null;
  readonly epoch: number;
}

/** Lease, epoch, journal: on the state host over SSH, or elsewhere later. */
export interface Store {
  /** Asked of the state host in its one exec. */
  readonly fact: Fact<StateFacts>;
  acquire(
    who: { readonly run: string; readonly operator: string; readonly purpose: string },
    limits: Limits,
  ): Promise<
    { kind: "held"; lease: Lease } | { kind: "busy"; holder: Holder | null } | { kind: "failed"; failure: Failure }
  >;
  /** The journal's lines, oldest first; a torn last line is left out. Throws a DroverError. */
  read(rollout: string, limits: Limits): Promise<readonly string[]>;
}
