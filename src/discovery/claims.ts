import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { AppRecords, HostRecords } from "./facts.ts";
import type { OwnerState } from "./owner.ts";

/** Why drover must not write: what is there is another's, or nothing can stand beside it. */

const SEE = "see what is there: drover dns show";

function adoptHint(subject: string, from: string | null): string {
  const whose = from === null ? "" : ` --from ${from}`;
  return `if it is to be this fleet's, take it over as it is: drover dns adopt ${subject}${whose}`;
}

function aliasProblem(name: string, target: string): Failure {
  const says = `${name} is a CNAME, for ${target}: no other record can stand there (RFC 1034 §3.6.2)`;
  return failure("dns-conflict", says, "take the CNAME out of the zone");
}

function ownerProblem(subject: string, owner: OwnerState): Failure | null {
  if (owner.kind !== "foreign") return null;
  if (owner.owner !== null) {
    const says = `${subject} in DNS belongs to the fleet ${owner.owner}`;
    return failure("dns-foreign", says, adoptHint(subject, owner.owner));
  }
  const says = `the owner record of ${subject} in DNS is none that drover understands`;
  const texts = owner.seen.flatMap((record) => (record.type === "TXT" ? [record.texts.join(" ")] : []));
  return failure("dns-foreign", says, SEE, texts);
}

/** Whether an app's record sets are owned: those that its owner record names. */
export function ownedSets({ owner }: Pick<AppRecords, "owner">): readonly string[] {
  return owner.kind === "ours" ? owner.record.sets : [];
}

/** Why an app's `sets` must not be written to; null where they may. */
export function appProblem(found: AppRecords, sets: Iterable<string>): Failure | null {
  const { app, owner } = found;
  const foreign = ownerProblem(app, owner);
  if (foreign !== null) return foreign;
  const owned = new Set(ownedSets(found));
  for (const set of sets) {
    const alias = found.aliases.get(set);
    if (alias !== undefined) return aliasProblem(set, alias);
    const records = found.sets.get(set)?.records ?? [];
    if (records.length > 0 && !owned.has(set)) {
      const says = `${set} has records in DNS that drover did not write`;
      const lines = records.map(({ priority, weight, port, target }) => [priority, weight, port, target].join(" "));
      return failure("dns-foreign", says, adoptHint(app, null), lines);
    }
  }
  return null;
}

/** Why a host's addresses must not be written; null where they may. */
export function hostProblem({ host, owner, alias, addresses }: HostRecords): Failure | null {
  const foreign = ownerProblem(host, owner);
  if (foreign !== null) return foreign;
  if (alias !== null) return aliasProblem(host, alias);
  if (addresses.length === 0 || owner.kind === "ours") return null;
  const says = `${host} has addresses in DNS that drover did not write`;
  return failure("dns-foreign", says, adoptHint(host, null), addresses);
}

/** Why a newer run's records must not be written to; null where ours is the newest. */
export function epochProblem(subject: string, owner: OwnerState, epoch: number): Failure | null {
  if (owner.kind !== "ours" || owner.record.epoch <= epoch) return null;
  const says = `${subject} in DNS has been changed by a newer run (${owner.record.run})`;
  return failure("stale-epoch", says, "start anew: drover plan");
}

/** Why something is not to be had from the fleet `from` (null: from nobody); null where it is. */
export function takeoverProblem(name: string, owner: OwnerState, from: string | null): Failure | null {
  if (owner.kind !== "foreign" || (from !== null && owner.owner === from)) return null;
  if (owner.owner === null) {
    const says = `the owner record of ${name} in DNS is none that drover understands`;
    return failure("dns-foreign", says, "take that TXT record out of the zone yourself, if nobody needs it");
  }
  const says = `${name} in DNS belongs to the fleet ${owner.owner}${from === null ? "" : `, not to ${from}`}`;
  return failure("dns-foreign", says, `if it is to be this fleet's: drover dns adopt ${name} --from ${owner.owner}`);
}

/** What there is nothing of to take over. */
export function nothingThere(name: string): Failure {
  return failure("dns-conflict", `there is nothing of ${name} in DNS to take over`, "drover apply publishes it");
}
