import type { FirewallModel } from "../model/firewall.ts";
import { across, doMeet, type Effect, effectOf, reachOf, sameEffect, touches } from "./effect.ts";
import { sameModel } from "./merge.ts";
import { type Addresses, parseAddresses } from "./prefixes.ts";
import {
  type Allowance,
  intersectAllowance,
  isEmptyAllowance,
  minusAllowance,
  slicesOf,
  unionAllowance,
} from "./regions.ts";
import type { FirewallChange, FirewallPass } from "./transition.ts";
import { type Naming, namingOf, portsInWords, whoInWords } from "./words.ts";

type Change = Omit<FirewallChange, "isolate">;

const DIRECTIONS = ["in", "out"] as const;

/** A host that changes, and what it can let pass at this moment: during a pass both what it had and what it gets. */
interface End {
  readonly host: string;
  readonly addresses: Addresses;
  readonly old: Effect;
  readonly new: Effect;
  /** Null: nothing. */
  readonly gained: Parts;
  readonly lost: Parts;
  now: Effect;
  next: Effect;
}

interface Parts {
  readonly in: Allowance | null;
  readonly out: Allowance | null;
}

function lacking(of: Effect, than: Effect): Parts {
  const part = (direction: "in" | "out"): Allowance | null => {
    const rest = minusAllowance(of[direction], than[direction]);
    return isEmptyAllowance(rest) ? null : rest;
  };
  return { in: part("in"), out: part("out") };
}

function endsOf({ before, after, addresses }: Change, passes: readonly FirewallPass[]): readonly End[] {
  const touched = new Set(passes.flatMap(({ targets }) => [...targets.keys()]));
  const differs = (host: string, to: FirewallModel | null): boolean =>
    to !== null && !sameModel(before.get(host) ?? null, to);
  for (const [host, to] of after) if (differs(host, to)) touched.add(host);
  return [...touched].toSorted().map((host) => {
    const from = before.get(host) ?? null;
    const [old, wanted] = [effectOf(from), effectOf(after.get(host) ?? from)];
    return {
      host,
      addresses: parseAddresses(addresses.get(host) ?? []),
      old,
      new: wanted,
      gained: lacking(wanted, old),
      lost: lacking(old, wanted),
      now: old,
      next: old,
    };
  });
}

/** The first part of what should not be, in words. */
function partInWords(allowance: Allowance, naming: Naming): { readonly who: string; readonly at: string } | null {
  const [part] = slicesOf(allowance);
  if (part === undefined) return null;
  return { who: whoInWords(part.addresses, naming), at: portsInWords(part.match) };
}

/** Of one host alone: nothing less than what it lets pass before and afterwards, nothing more than either. */
function boundsOf({ host, old, new: after, next }: End, naming: Naming): string | null {
  for (const direction of DIRECTIONS) {
    const [one, two, at] = [old[direction], after[direction], next[direction]];
    const missing = partInWords(minusAllowance(intersectAllowance(one, two), at), naming);
    const lets = (who: string): string => (direction === "in" ? `let ${who} in` : `open connections to ${who}`);
    if (missing !== null) {
      return `${host} would not ${lets(missing.who)} ${missing.at}, although that is allowed before and afterwards`;
    }
    const extra = partInWords(minusAllowance(at, unionAllowance(one, two)), naming);
    if (extra !== null) {
      return `${host} would ${lets(extra.who)} ${extra.at}, which is allowed neither before nor afterwards`;
    }
  }
  return null;
}

/** All that an end may let pass while the pass is under way. */
function meanwhile({ now, next }: End, direction: "in" | "out"): Allowance {
  return now === next ? now[direction] : unionAllowance(now[direction], next[direction]);
}

/** What one end gains and the other loses must not meet. */
function meeting(source: End, destination: End, [coming, going]: readonly [Allowance, Allowance]): Allowance {
  return intersectAllowance(
    intersectAllowance(coming, meanwhile(destination, "in")),
    across(intersectAllowance(going, meanwhile(source, "out")), destination.addresses, source.addresses),
  );
}

/** A source and a destination of which one gains what the other loses. */
interface Crossing {
  readonly source: End;
  readonly destination: End;
  readonly parts: readonly [Allowance, Allowance];
}

/** Only pairs of which one end gains and the other loses can let something pass that is allowed neither before nor after. */
function crossingsOf(ends: readonly End[]): readonly Crossing[] {
  return (
    [
      ["gained", "lost"],
      ["lost", "gained"],
    ] as const
  ).flatMap(([mine, theirs]) => {
    const sources = ends.flatMap((end) => {
      const going = end[theirs].out;
      return going === null ? [] : [{ end, going }];
    });
    return ends.flatMap((destination) => {
      const coming = destination[mine].in;
      if (coming === null || sources.length === 0) return [];
      const reach = reachOf(coming);
      return sources
        .filter(({ end }) => end !== destination && touches(reach, end.addresses))
        .filter(({ end, going }) => doMeet([coming, end.addresses], [going, destination.addresses]))
        .map(({ end, going }): Crossing => ({ source: end, destination, parts: [coming, going] }));
    });
  });
}

/** Those of which a pass changes an end, held against each other. */
function meetings(crossings: readonly Crossing[], targets: FirewallPass["targets"], naming: Naming): string | null {
  for (const { source, destination, parts } of crossings) {
    if (!targets.has(source.host) && !targets.has(destination.host)) continue;
    const met = partInWords(meeting(source, destination, parts), naming);
    if (met !== null) {
      return `${destination.host} would let ${met.who} in ${met.at} and ${source.host} let it out, which is allowed neither before nor afterwards`;
    }
  }
  return null;
}

/**
 * Walks the passes and says the first thing that would be wrong, null: nothing. Within a pass hosts may change in any
 * order, so each is held against all others both as they are and as they will be. In the end every host has to let pass
 * exactly what is wanted of it. Looks only at hosts that change.
 */
export function checkPasses(change: Change, passes: readonly FirewallPass[]): string | null {
  const naming = namingOf(change.addresses);
  const ends = endsOf(change, passes);
  const crossings = crossingsOf(ends);
  for (const [index, { phase, targets }] of passes.entries()) {
    const moving = ends.filter(({ host }) => targets.has(host));
    for (const end of moving) end.next = effectOf(targets.get(end.host) ?? null);
    for (const end of moving) {
      const wrong = boundsOf(end, naming);
      if (wrong !== null) return `${wrong} (pass ${String(index + 1)}, ${phase})`;
    }
    const wrong = meetings(crossings, targets, naming);
    if (wrong !== null) return `${wrong} (pass ${String(index + 1)}, ${phase})`;
    for (const end of moving) end.now = end.next;
  }
  const unlike = ends.find((end) => !sameEffect(end.now, end.new));
  return unlike === undefined ? null : `${unlike.host} would not end with what is wanted of it`;
}
