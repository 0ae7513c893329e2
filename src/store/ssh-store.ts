import { mutating, reading } from "../model/command.ts";
import { DroverError, failure } from "../model/errors.ts";
import { exitFailure } from "../model/exit.ts";
import type { Channel, Clock, Limits, Store, Transport } from "../model/ports.ts";
import { parseHolder } from "./holder.ts";
import { LEASE_SCRIPT, STATE_DIRECTORY } from "./lease.pl.ts";
import { keepLease } from "./lease.ts";
import { stateFact } from "./state-facts.ts";

/** What the SSH store stands on. */
export interface SshStoreOptions {
  readonly transport: Transport;
  /** The state host's name. */
  readonly host: string;
  readonly clock: Clock;
}

type Acquired = Awaited<ReturnType<Store["acquire"]>>;
type Who = Parameters<Store["acquire"]>[0];

const READ_SCRIPT = `[ ! -e "$1" ] || cat "$1"`;

/** Lease, epoch and journal on one host of the fleet, over SSH: no server needed. */
export function createSshStore(options: SshStoreOptions): Store {
  const { transport, host } = options;
  return {
    fact: stateFact,
    acquire: (who, limits) => acquire(options, who, limits),
    async read(rollout, limits) {
      const command = reading("state.read", READ_SCRIPT, [`${STATE_DIRECTORY}/journal/${safe(rollout)}.jsonl`]);
      const result = await transport.exec(host, { command, warrant: null, frames: [] }, limits);
      if (result.kind === "failed") throw new DroverError(result.failure);
      if (result.code !== 0) throw new DroverError(exitFailure({ host, doing: "reading the journal", ...result }));
      // What follows the last line break is empty, or a line torn by a crash.
      return result.stdout.split("\n").slice(0, -1);
    },
  };
}

async function acquire(options: SshStoreOptions, who: Who, limits: Limits): Promise<Acquired> {
  const { transport, host, clock } = options;
  const holder = JSON.stringify({ ...who, since: new Date(clock.now()).toISOString() });
  // No warrant: the lease is where the epoch comes from.
  const command = mutating("state.lease", LEASE_SCRIPT, [holder]);
  const opened = await transport.open(host, { command, warrant: null, frames: [] }, limits);
  if (opened.kind === "failed") return opened;
  const { channel } = opened;
  const busy = /^busy (.*)$/s.exec(channel.greeting);
  if (busy !== null) {
    await channel.close();
    return { kind: "busy", holder: parseHolder(busy[1] ?? "") };
  }
  const [, epoch, key] = /^held ([0-9]+) ([0-9a-f]{64})$/.exec(channel.greeting) ?? [];
  if (epoch === undefined || key === undefined) return refuse(channel, host);
  return { kind: "held", lease: keepLease({ channel, clock, host, run: who.run, epoch: Number(epoch), key }) };
}

async function refuse(channel: Channel, host: string): Promise<Acquired> {
  await channel.close();
  return { kind: "failed", failure: failure("bug", `the lease program on ${host} greeted with something unknown`) };
}

/** A rollout's id becomes a file name on the host. */
function safe(rollout: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._~+-]{0,127}$/.test(rollout)) return rollout;
  throw new DroverError(
    failure("usage", `${JSON.stringify(rollout)} is not the id of a rollout`, "see the ids with: drover status"),
  );
}
