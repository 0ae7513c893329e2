import { failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { Attempt, Connection } from "./connect.ts";
import { aborted } from "./deadline.ts";
import type { Deadline } from "./deadline.ts";
import { createDialer } from "./dial.ts";
import { place } from "./failures.ts";
import type { Endpoint } from "./failures.ts";
import { createLimiter } from "./limiter.ts";
import type { Limiter } from "./limiter.ts";
import type { SshOptions } from "./options.ts";

/** A connection with one of its places for a channel taken, until `release`. */
export type Lent =
  | { readonly kind: "lent"; readonly connection: Connection; readonly reused: boolean; readonly release: () => void }
  | { readonly kind: "failed"; readonly failure: Failure };

/** One connection per host, made when first needed and kept. */
export interface Pool {
  /** `fresh`: a connection made for this one call, which nobody else gets; its `release` hangs it up. */
  borrow(host: string, deadline: Deadline, fresh?: boolean): Promise<Lent>;
  /** Begins to connect to those that are not connected yet; what fails then is tried again by whoever borrows. */
  expect(hosts: readonly string[]): void;
  /** Drops a connection that turned out to be dead. */
  forget(connection: Connection): void;
  close(): Promise<void>;
}

/** Channels at once on one connection: sshd's MaxSessions is 10, and two are kept for stopping commands. */
const CHANNELS = 8;

interface Slot {
  readonly connecting: Promise<Attempt>;
  readonly channels: Limiter;
}

/** A rollout that is taken back may name a host that has left the inventory since it began. */
function absent(host: string): Failure {
  return failure("host-unresolved", `${host} is not in the inventory`, `put ${host} back into the inventory`);
}

/** Makes a {@link Pool}. */
export function createPool(options: SshOptions): Pool {
  const slots = new Map<string, Slot>();
  const endpoints = new Map(options.hosts.map((host) => [host.name, endpointOf(options, host.name, host.addresses)]));
  const closing = new AbortController();
  const dial = createDialer(options, closing.signal);
  const singles = createSingles(dial);

  const slotOf = (endpoint: Endpoint): { readonly slot: Slot; readonly reused: boolean } => {
    const present = slots.get(endpoint.host);
    if (present !== undefined) return { slot: present, reused: true };
    const slot: Slot = { connecting: dial(endpoint), channels: createLimiter(CHANNELS) };
    slots.set(endpoint.host, slot);
    const drop = (): void => {
      if (slots.get(endpoint.host) === slot) slots.delete(endpoint.host);
    };
    // What failed is tried again by the next call; what ended makes room for a new connection.
    slot.connecting.then(
      (attempt) => (attempt.kind === "failed" ? drop() : void attempt.connection.ended.then(drop)),
      drop,
    );
    return { slot, reused: false };
  };

  return {
    async borrow(host, deadline, fresh = false) {
      const endpoint = endpoints.get(host);
      if (endpoint === undefined) return { kind: "failed", failure: absent(host) };
      if (fresh) return await singles.make(endpoint, deadline);
      const { slot, reused } = slotOf(endpoint);
      const attempt = await Promise.race([slot.connecting, aborted(deadline.signal)]);
      if (attempt === undefined) return { kind: "failed", failure: noConnection(endpoint, deadline) };
      if (attempt.kind === "failed") return attempt;
      const release = await slot.channels.enter(deadline.signal);
      if (release === null) return { kind: "failed", failure: noTurn(endpoint, deadline) };
      return { kind: "lent", connection: attempt.connection, reused, release };
    },
    expect(hosts) {
      for (const host of hosts) {
        const endpoint = endpoints.get(host);
        if (endpoint !== undefined) slotOf(endpoint);
      }
    },
    forget(connection) {
      slots.delete(connection.endpoint.host);
      connection.client.destroy();
    },
    async close() {
      closing.abort();
      const attempts = await Promise.allSettled([...slots.values()].map((slot) => slot.connecting));
      const live = attempts.flatMap((each) =>
        each.status === "fulfilled" && each.value.kind === "connected" ? [each.value.connection] : [],
      );
      await Promise.all([...live, ...singles.live].map(hangUp));
    },
  };
}

interface Singles {
  make(endpoint: Endpoint, deadline: Deadline): Promise<Lent>;
  /** Those that have not ended yet. */
  readonly live: ReadonlySet<Connection>;
}

/** Connections that serve one call each. */
function createSingles(dial: (endpoint: Endpoint) => Promise<Attempt>): Singles {
  const live = new Set<Connection>();
  return {
    live,
    async make(endpoint, deadline) {
      const connecting = dial(endpoint);
      const attempt = await Promise.race([connecting, aborted(deadline.signal)]);
      if (attempt === undefined) {
        // What connects after its caller has given up is of no use to anybody.
        void connecting.then((late) => late.kind === "connected" && late.connection.client.end());
        return { kind: "failed", failure: noConnection(endpoint, deadline) };
      }
      if (attempt.kind === "failed") return attempt;
      const { connection } = attempt;
      live.add(connection);
      void connection.ended.then(() => live.delete(connection));
      return { kind: "lent", connection, reused: false, release: () => void hangUp(connection) };
    },
  };
}

async function hangUp(connection: Connection): Promise<void> {
  connection.client.end();
  const late = new Promise((resolve) => setTimeout(resolve, 500, "late"));
  if ((await Promise.race([connection.ended, late])) === "late") connection.client.destroy();
}

function endpointOf(options: SshOptions, host: string, addresses: readonly string[]): Endpoint {
  return { host, address: addresses[0] ?? host, port: options.ssh.port, user: options.ssh.user };
}

function noConnection(endpoint: Endpoint, deadline: Deadline): Failure {
  if (!deadline.passed()) return failure("interrupted", `stopped while connecting to ${endpoint.host}`);
  return failure(
    "host-timeout",
    `${place(endpoint)} did not answer in time`,
    `try: ssh -p ${endpoint.port} ${endpoint.user}@${endpoint.address}`,
  );
}

function noTurn(endpoint: Endpoint, deadline: Deadline): Failure {
  if (!deadline.passed()) return failure("interrupted", `stopped while waiting for a turn on ${endpoint.host}`);
  return failure(
    "command-timeout",
    `${endpoint.host} was busy with ${CHANNELS} other commands of this run until time was up`,
  );
}
