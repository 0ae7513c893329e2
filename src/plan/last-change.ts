import type { Fact } from "../model/fact.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";

/** Who changed a host last, as the epoch guard wrote it down there: `EPOCH FLEET/RUN`. */
export interface LastChange {
  /** 0 where nobody ever did. */
  readonly epoch: number;
  readonly fleet: string | null;
}

function parse(stdout: string): LastChange {
  const [, epoch = "0", who = ""] = /^(\d{1,15})(?: (\S+))?/.exec(stdout) ?? [];
  return { epoch: Number(epoch), fleet: who.includes("/") ? who.slice(0, who.indexOf("/")) : null };
}

/** The epoch and the fleet a host has seen last. */
export const lastChangeFact: Fact<LastChange> = {
  name: "change",
  text: "cat /var/lib/drover/epoch 2>/dev/null || true",
  parse,
};

/** The fleet a run belongs to, and the newest epoch its store has given out. */
export interface Claim {
  readonly fleet: string;
  readonly epoch: number;
  /** The state host, for the way out. */
  readonly stateHost: string;
}

/**
 * Why a host would refuse this fleet, said before anything is changed: it belongs to another fleet, or its epochs were
 * counted by another state host. Both would otherwise only show in the middle of a run.
 */
export function claimProblems(host: string, seen: LastChange, claim: Claim): readonly Failure[] {
  if (seen.fleet !== null && seen.fleet !== claim.fleet) {
    return [
      failure(
        "other-fleet",
        `${host} belongs to the fleet ${seen.fleet}, and this is ${claim.fleet}`,
        `if the fleet was renamed, or the host was handed over: on ${host}, as root: rm /var/lib/drover/epoch`,
      ),
    ];
  }
  if (seen.epoch <= claim.epoch) return [];
  const numbers = `${host} has seen epoch ${String(seen.epoch)}, and ${claim.stateHost} counts only to ${String(claim.epoch)}`;
  return [
    failure(
      "stale-epoch",
      `${numbers}: another state host gave out the lease until now`,
      `if ${claim.stateHost} is to do so from now on: there, as root: mkdir -p -m 700 /var/lib/drover/state && echo ${String(seen.epoch)} > /var/lib/drover/state/epoch`,
    ),
  ];
}
