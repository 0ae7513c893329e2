import type { FirewallModel, FirewallRule } from "../model/firewall.ts";
import { across, cutRules, doMeet, type Effect, effectOf, reachOf, sameEffect, touches } from "./effect.ts";
import { joinRules, sameModel } from "./merge.ts";
import { type Addresses, parseAddresses } from "./prefixes.ts";
import {
  type Allowance,
  intersectAllowance,
  isEmptyAllowance,
  minusAllowance,
  NOTHING,
  sameAllowance,
  unionAllowance,
} from "./regions.ts";

/** From which models a fleet goes to which. */
export interface FirewallChange {
  /** Null: not managed, everything is open in both directions. A host that is missing is as null. */
  readonly before: ReadonlyMap<string, FirewallModel | null>;
  /** Null or missing: nothing is done there, whatever it had stays in force. */
  readonly after: ReadonlyMap<string, FirewallModel | null>;
  /** Hosts that run nothing yet: one that was not managed is brought under its rules before anything else. */
  readonly isolate: ReadonlySet<string>;
  /** Every address that a host is known by; VIPs are addresses of several. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

/** Hosts that change side by side, in any order, with a barrier before and after. */
export interface FirewallPass {
  /** `expand` comes before apps move, `contract` after. */
  readonly phase: "isolate" | "expand" | "contract";
  readonly direction: "in" | "out" | "both";
  /** What lies on a host after the pass; only hosts for which it differs from what lay there. Sorted by host. */
  readonly targets: ReadonlyMap<string, FirewallModel>;
}

/** A host that changes. */
interface Move {
  readonly host: string;
  readonly from: FirewallModel | null;
  readonly to: FirewallModel;
  readonly addresses: Addresses;
  readonly gained: Effect;
  readonly lost: Effect;
  /** Gained here but lost at the other end: the two must not meet, so it comes last. */
  readonly late: Effect;
}

/** Says in rules that everything goes out: only where something has to be taken out of that for a while. */
const OPEN: FirewallRule = {
  direction: "out",
  peers: "anyone",
  match: { protocol: "any" },
  source: "fleet/egress:0",
  apps: [],
  sever: false,
};

const NO_EFFECT: Effect = { in: NOTHING, out: NOTHING };

function rulesOf({ rules }: FirewallModel, direction: "in" | "out"): readonly FirewallRule[] {
  return rules.filter((rule) => rule.direction === direction);
}

function outOf(model: FirewallModel): readonly FirewallRule[] {
  return model.egress ? rulesOf(model, "out") : [OPEN];
}

function isOpen({ source, peers, match }: FirewallRule): boolean {
  return source === OPEN.source && peers === "anyone" && match.protocol === "any";
}

function modelWith(
  base: FirewallModel,
  incoming: readonly FirewallRule[],
  outgoing: readonly FirewallRule[],
): FirewallModel {
  const isIsolated = !outgoing.some(isOpen);
  return { ...base, egress: isIsolated, rules: joinRules(incoming, isIsolated ? outgoing : []) };
}

function movesOf({ before, after, addresses }: FirewallChange): readonly Move[] {
  const moves: Move[] = [];
  for (const host of [...after.keys()].toSorted()) {
    const [from, to] = [before.get(host) ?? null, after.get(host) ?? null];
    if (to === null || sameModel(from, to)) continue;
    const [old, now] = [effectOf(from), effectOf(to)];
    moves.push({
      host,
      from,
      to,
      addresses: parseAddresses(addresses.get(host) ?? []),
      gained: { in: minusAllowance(now.in, old.in), out: minusAllowance(now.out, old.out) },
      lost: { in: minusAllowance(old.in, now.in), out: minusAllowance(old.out, now.out) },
      late: NO_EFFECT,
    });
  }
  return moves;
}

const OPPOSITE = { in: "out", out: "in" } as const;

/** What each host gains in one direction although another host loses the other end of it. */
function crossings(moves: readonly Move[], direction: "in" | "out"): ReadonlyMap<string, Allowance> {
  const opposite = OPPOSITE[direction];
  const losing = moves.filter(({ lost }) => !isEmptyAllowance(lost[opposite]));
  const crossing = ({ host: own, gained, addresses: here }: Move): Allowance => {
    if (losing.length === 0 || isEmptyAllowance(gained[direction])) return NOTHING;
    const reach = reachOf(gained[direction]);
    return losing.reduce((late, { host, addresses, lost }) => {
      if (host === own || !touches(reach, addresses)) return late;
      if (!doMeet([gained[direction], addresses], [lost[opposite], here])) return late;
      return unionAllowance(late, intersectAllowance(gained[direction], across(lost[opposite], here, addresses)));
    }, NOTHING);
  };
  return new Map(moves.map((move) => [move.host, crossing(move)]));
}

function hasLate({ late }: Move): boolean {
  return !isEmptyAllowance(late.in) || !isEmptyAllowance(late.out);
}

/** What a host gets in each of the five passes after the isolation; null: nothing. `now` is what it has by then. */
type Stage = (move: Move, now: FirewallModel) => FirewallModel;

/** Both what came in before and what comes in afterwards. */
const widenIn: Stage = ({ to, late }, now) =>
  modelWith(now, [...rulesOf(now, "in"), ...cutRules(rulesOf(to, "in"), late.in)], outOf(now));

const widenOut: Stage = ({ to, late }, now) =>
  modelWith(now, rulesOf(now, "in"), [...outOf(now), ...cutRules(outOf(to), late.out)]);

const narrowOut: Stage = ({ to, late }, now) => modelWith(now, rulesOf(now, "in"), cutRules(outOf(to), late.out));

const narrow: Stage = (move) => {
  const { to, late } = move;
  if (!hasLate(move)) return to;
  return modelWith(to, cutRules(rulesOf(to, "in"), late.in), cutRules(outOf(to), late.out));
};

const settle: Stage = ({ to }) => to;

function directionOf(moved: readonly (readonly [Effect, Effect])[]): FirewallPass["direction"] {
  const isIn = moved.some(([a, b]) => !sameAllowance(a.in, b.in));
  const isOut = moved.some(([a, b]) => !sameAllowance(a.out, b.out));
  if (isIn === isOut) return "both";
  return isIn ? "in" : "out";
}

/** One pass over hosts, remembered in `now`; null where it changes nothing. */
function pass(
  phase: FirewallPass["phase"],
  moves: readonly Move[],
  stage: Stage,
  now: Map<string, FirewallModel>,
): FirewallPass | null {
  const targets = new Map<string, FirewallModel>();
  const moved: (readonly [Effect, Effect])[] = [];
  for (const move of moves) {
    const current = now.get(move.host) ?? null;
    const staged = current === null ? move.to : stage(move, current);
    const effects = [effectOf(current), effectOf(staged)] as const;
    // Only the last word on a host also corrects what is no matter of what passes: a source's new name, the log.
    if (staged === move.to ? sameModel(current, staged) : sameEffect(...effects)) continue;
    // Where nothing is lost the wider model is the last word already: a host is not changed twice.
    const target = sameEffect(effects[1], effectOf(move.to)) ? move.to : staged;
    targets.set(move.host, target);
    moved.push(effects);
    now.set(move.host, target);
  }
  return targets.size === 0 ? null : { phase, direction: directionOf(moved), targets };
}

/**
 * The passes that bring a fleet from one set of models to another. At every moment, in whichever order the hosts of a
 * pass change, every pair of hosts that may talk before and afterwards may talk, and none may that may neither before nor
 * afterwards: for every protocol and port. Sources close before destinations and open after them, so that what is
 * refused in the end is refused at once and not left to time out.
 *
 * | pass | destination lets in | source lets out |
 * |---|---|---|
 * | expand in | old ∪ (new − late) | old |
 * | expand out | | old ∪ (new − late) |
 * | contract out | | new − late |
 * | contract in | new − late | |
 * | contract, the rest | new | new |
 *
 * `late` is what one end gains while the other end loses it: old and new both refuse it, their union would not. Hosts
 * that were not managed come under their rules with the destinations' contraction, in both directions at once.
 */
export function transition(change: FirewallChange): readonly FirewallPass[] {
  const all = movesOf(change);
  const isolated = all.filter(({ host, from }) => from === null && change.isolate.has(host));
  const others = all.filter((move) => !isolated.includes(move));
  const [lateIn, lateOut] = [crossings(others, "in"), crossings(others, "out")];
  const moves = others.map((move) => ({
    ...move,
    late: { in: lateIn.get(move.host) ?? NOTHING, out: lateOut.get(move.host) ?? NOTHING },
  }));
  const managed = moves.filter(({ from }) => from !== null);
  const now = new Map(managed.flatMap(({ host, from }) => (from === null ? [] : [[host, from] as const])));
  return [
    pass("isolate", isolated, settle, now),
    pass("expand", managed, widenIn, now),
    pass("expand", managed, widenOut, now),
    pass("contract", managed, narrowOut, now),
    pass("contract", moves, narrow, now),
    pass("contract", moves.filter(hasLate), settle, now),
  ].filter((one) => one !== null);
}
