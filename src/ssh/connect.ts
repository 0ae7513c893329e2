import { createHash } from "node:crypto";
import { connect as connectTcp } from "node:net";
import ssh2 from "ssh2";
import type { Client, ConnectConfig } from "ssh2";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import { startDeadline } from "./deadline.ts";
import { connectFailure, connectTimeout, isBusyServer, readError } from "./failures.ts";
import type { Endpoint } from "./failures.ts";
import type { KnownHosts } from "./host-keys.ts";
import { hostKeyFailure, keysOf } from "./host-keys.ts";
import type { Identity } from "./identity.ts";
import { algorithmsFor, judge } from "./known-hosts.ts";

/** A live connection. */
export interface Connection {
  readonly endpoint: Endpoint;
  readonly client: Client;
  /** Null while it lives; then why it ended. */
  lost(): string | null;
  /** Resolves when it has ended, with why. */
  readonly ended: Promise<string>;
  /** Calls back once when it ends; gives what takes that back. A session must not outlive itself in a promise's list. */
  onEnd(listener: (why: string) => void): () => void;
}

/** Who we are and whom we trust: the same for all hosts of a run. */
export interface Trust {
  readonly identity: Identity;
  readonly known: KnownHosts;
}

/** Milliseconds for TCP, handshake and login together. */
const CONNECT_DEADLINE = 10_000;
/** A dead peer is noticed after at most 20 s: four intervals. The lease notices earlier, by its own heartbeat. */
const KEEPALIVE = { keepaliveInterval: 5_000, keepaliveCountMax: 3 };
/** Attempts when sshd hangs up before its first word, and the pause before the next one, which grows. */
const ATTEMPTS = 4;
const RETRY_PAUSE = 150;

/** What became of an attempt to connect. */
export type Attempt =
  | { readonly kind: "connected"; readonly connection: Connection }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Connects and logs in. Never throws; ends by itself within 10 seconds, or when the signal aborts. */
export async function connect(endpoint: Endpoint, trust: Trust, signal: AbortSignal): Promise<Attempt> {
  const deadline = startDeadline({ deadline: CONNECT_DEADLINE, signal });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const result = await attemptOnce(endpoint, trust, deadline.signal);
      if (result.kind === "aborted") {
        if (deadline.passed()) return { kind: "failed", failure: connectTimeout(endpoint, CONNECT_DEADLINE) };
        return { kind: "failed", failure: failure("interrupted", `stopped while connecting to ${endpoint.host}`) };
      }
      if (result.kind === "connected" || !result.busy || attempt === ATTEMPTS) return result;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE * attempt * (1 + Math.random())));
    }
  } finally {
    deadline.clear();
  }
}

type Once = (Attempt & { readonly busy?: boolean }) | { readonly kind: "aborted" };

function attemptOnce(endpoint: Endpoint, trust: Trust, signal: AbortSignal): Promise<Once> {
  const client = new ssh2.Client();
  // Nagle's algorithm together with delayed acknowledgements costs 40 ms at about six places of a connection.
  const sock = connectTcp({ host: endpoint.address, port: endpoint.port, noDelay: true });
  let untrusted: Failure | null = null;
  let why: string | null = null;
  let closed: string | null = null;
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const listeners = new Set<(why: string) => void>();
  const onEnd = (listener: (why: string) => void): (() => void) => {
    const already = closed;
    if (already !== null) queueMicrotask(() => listener(already));
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  return new Promise((resolve) => {
    const settle = (once: Once): void => {
      signal.removeEventListener("abort", abort);
      if (once.kind !== "connected") sock.destroy();
      resolve(once);
    };
    const abort = (): void => settle({ kind: "aborted" });
    client.on("error", (error) => {
      const read = readError(error);
      // A broken agent is not the end: ssh2 goes on to the next method by itself.
      if (read.level === "agent") return;
      why ??= read.message;
      const cause = untrusted ?? connectFailure(endpoint, read, trust.identity.names);
      settle({ kind: "failed", failure: cause, busy: untrusted === null && isBusyServer(read) });
    });
    client.on("close", () => {
      why ??= "the other side closed it";
      closed = why;
      end(why);
      for (const listener of listeners) listener(why);
      settle({
        kind: "failed",
        failure: untrusted ?? connectFailure(endpoint, { message: why, code: "", level: "" }, []),
      });
    });
    client.on("ready", () =>
      settle({ kind: "connected", connection: { endpoint, client, ended, onEnd, lost: () => why } }),
    );
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    client.connect({ ...settings(endpoint, trust, (cause) => (untrusted = cause)), sock });
  });
}

function settings(endpoint: Endpoint, trust: Trust, refuse: (cause: Failure) => void): ConnectConfig {
  const about = keysOf(endpoint, trust.known.keys);
  const methods = [...trust.identity.methods];
  return {
    username: endpoint.user,
    algorithms: { serverHostKey: algorithmsFor(about) },
    ...KEEPALIVE,
    // The deadline is ours: ssh2's own would not cover name resolution.
    readyTimeout: 0,
    hostVerifier: (key: Buffer) => {
      const fingerprint = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
      const cause = hostKeyFailure(endpoint, judge(about, key), fingerprint, trust.known);
      if (cause !== null) refuse(cause);
      return cause === null;
    },
    // Our list is all there is: no `none` probe first, which would cost a round trip.
    authHandler: (_left, _partial, next) => {
      // ssh2 documents `false` for "no more"; its types do not know it.
      next(methods.shift() ?? (false as never));
    },
  };
}
