import { DroverError, failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import { EXIT } from "../model/command.ts";
import type { Channel, Clock, Lease } from "../model/ports.ts";
import { LEASE_LIMIT } from "./lease.pl.ts";

/** Milliseconds between heartbeats. */
const BEAT = 2_000;
/**
 * The lease counts as lost this long after the last answered heartbeat was *sent*. The host heard that heartbeat no
 * earlier than it was sent and waits ten seconds from then, so we always stop at least two seconds before it can give
 * the lease to somebody else, however long the answer took.
 */
const PATIENCE = (LEASE_LIMIT - 2) * 1000;
/** Longest wait for one write to the journal. */
const WRITE_DEADLINE = PATIENCE;

/** What a held lease stands on. */
export interface Held {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly host: string;
  readonly run: string;
  readonly epoch: number;
  readonly key: string;
}

/** Keeps a lease alive by heartbeats, and tells when it is lost. */
export function keepLease(held: Held): Lease {
  const { channel, host } = held;
  const lost = new AbortController();
  const stop = new AbortController();
  let released = false;
  const lose = (): void => {
    stop.abort();
    if (!released) lost.abort();
  };
  void channel.closed.then(lose);
  void heartbeat(held, stop.signal, lose);

  /** One request that must be answered `ok`. */
  const must = async (payload: string): Promise<void> => {
    if (lost.signal.aborted) throw new DroverError(leaseLost(host));
    const reply = await channel.ask(payload, { deadline: WRITE_DEADLINE, signal: lost.signal });
    if (reply.kind === "failed") throw new DroverError(lost.signal.aborted ? leaseLost(host) : reply.failure);
    if (reply.text !== "ok") throw new DroverError(storeFailure(host, reply.text));
  };

  return {
    epoch: held.epoch,
    run: held.run,
    fingerprintKey: held.key,
    lost: lost.signal,
    async append(rollout, lines) {
      if (lines.length > 0) await must(`append ${rollout}\n${lines.map(whole).join("")}`);
    },
    setOpen: (app, rollout) => must(rollout === null ? `close ${app}` : `open ${app} ${rollout}`),
    setDrain: (drained, drain) =>
      must(drain === null ? `undrain ${drained}` : `drain ${drained} ${JSON.stringify(drain)}`),
    setLedger: (ledger) => must(`ledger ${JSON.stringify(ledger)}`),
    setServices: (ledger) => must(`services ${JSON.stringify(ledger)}`),
    async release() {
      if (released) return;
      released = true;
      stop.abort();
      if (!lost.signal.aborted) await channel.ask("release", { deadline: 2_000, signal: lost.signal });
      await channel.close();
    },
  };
}

async function heartbeat(held: Held, stop: AbortSignal, lose: () => void): Promise<void> {
  const watch = stopwatch(held.clock);
  let answered = watch();
  while (!stop.aborted) {
    const sent = watch();
    const left = PATIENCE - (sent - answered);
    if (left <= 0) return lose();
    const reply = await held.channel.ask("beat", { deadline: left, signal: stop });
    if (stop.aborted) return;
    // A frozen process wakes up here, long after: the answer came in time once, but it is old now.
    if (reply.kind === "failed" || watch() - sent > PATIENCE) return lose();
    answered = sent;
    await held.clock.sleep(Math.max(0, BEAT - (watch() - sent)), stop);
  }
}

/** Milliseconds since it was made, by whichever clock says more: one stands still in suspend, the other may be set back. */
function stopwatch(clock: Clock): () => number {
  const wall = clock.now();
  const steady = performance.now();
  return () => Math.max(clock.now() - wall, performance.now() - steady);
}

function whole(line: string): string {
  if (line.includes("\n"))
    throw new DroverError(failure("bug", "a journal line contains a line break", "", [line.slice(0, 200)]));
  return `${line}\n`;
}

function leaseLost(host: string): Failure {
  return failure(
    "lease-lost",
    `the lease on ${host} was lost: no answer to a heartbeat for ${PATIENCE / 1000} s, or the connection ended`,
    "another run may hold the fleet by now; when it has ended, run: drover status",
  );
}

/** The failure for an `error ERRNO WORDS` of the lease program. */
function storeFailure(host: string, text: string): Failure {
  const [, errno = "", words = text] = /^error ([0-9]+) (.*)/s.exec(text) ?? [];
  if (Number(errno) === EXIT.diskFull)
    return failure(
      "disk-full",
      `the state host ${host} cannot write: its disk is full`,
      `make room there, in /var/lib/drover`,
      [words.trim()],
    );
  return failure("command-failed", `the state host ${host} cannot write`, "look at /var/lib/drover/state there", [
    words.trim(),
  ]);
}
