import type { FirewallMatch, FirewallModel, FirewallRule } from "../model/firewall.ts";
import { compareRules } from "./desired.ts";
import { compareText } from "./ground.ts";

/** Whatever a rule lets pass, and for which source; not which apps it is there for. */
function keyOf({ direction, source, match, peers }: FirewallRule): string {
  return JSON.stringify([direction, source, match.protocol, "ports" in match ? match.ports : null, peers]);
}

/** Rules of several models in one, sorted; of those that let the same pass for the same source the last remains, for the apps of all. */
export function joinRules(...lists: readonly (readonly FirewallRule[])[]): readonly FirewallRule[] {
  const joined = new Map<string, FirewallRule>();
  for (const rule of lists.flat()) {
    const key = keyOf(rule);
    const apps = [...new Set([...(joined.get(key)?.apps ?? []), ...rule.apps])].toSorted(compareText);
    joined.set(key, { ...rule, apps });
  }
  return [...joined.values()].toSorted(compareRules);
}

function samePeers(a: FirewallRule["peers"], b: FirewallRule["peers"]): boolean {
  if (a === b) return true;
  return a !== "anyone" && b !== "anyone" && a.length === b.length && a.every((prefix, index) => prefix === b[index]);
}

function samePorts(a: FirewallMatch, b: FirewallMatch): boolean {
  const [one, other] = [a, b].map((match) => ("ports" in match ? match.ports : null));
  if (!one || !other) return one === other;
  return (
    one.length === other.length &&
    one.every(({ from, to }, index) => from === other[index]?.from && to === other[index].to)
  );
}

function sameRule(a: FirewallRule, b: FirewallRule | undefined): boolean {
  if (a === b) return true;
  return (
    b !== undefined &&
    a.direction === b.direction &&
    a.source === b.source &&
    a.sever === b.sever &&
    a.match.protocol === b.match.protocol &&
    samePorts(a.match, b.match) &&
    samePeers(a.peers, b.peers)
  );
}

/** Whether two models say the same. Which apps a rule is there for plays no part: nothing on a host depends on it. */
export function sameModel(a: FirewallModel | null, b: FirewallModel | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.egress !== b.egress || a.log !== b.log) return false;
  if (a.rules.length !== b.rules.length) return false;
  if (a.rules.every((rule, index) => sameRule(rule, b.rules[index]))) return true;
  const [one, other] = [a, b].map(({ rules }) => rules.toSorted(compareRules));
  return one?.every((rule, index) => sameRule(rule, other?.[index])) ?? false;
}

/** A model's rules without those that its direction's openness makes idle: where everything goes out no rule says so. */
function fitting(rules: readonly FirewallRule[], egress: boolean): readonly FirewallRule[] {
  return egress ? rules : rules.filter(({ direction }) => direction === "in");
}

/**
 * The model of a host in a change of one app: rules that are there for it are taken from what is desired, all others
 * stay as before. A rule that it shares with other apps is followed by what replaces it for them, and one that is desired
 * as it is stays in any case. Null where there was no model before: the first one is only ever applied as a whole.
 */
export function mergeForApp(app: string, before: FirewallModel | null, desired: FirewallModel): FirewallModel | null {
  if (before === null) return null;
  const wanted = new Set(desired.rules.map(keyOf));
  const isOpening = before.egress && !desired.egress;
  const stays = (rule: FirewallRule): boolean =>
    !rule.apps.includes(app) || wanted.has(keyOf(rule)) || (isOpening && rule.direction === "out");
  const replaced = before.rules.filter((rule) => !stays(rule));
  const replaces = (rule: FirewallRule): boolean =>
    replaced.some(
      ({ direction, source, apps }) =>
        direction === rule.direction &&
        source === rule.source &&
        rule.apps.some((other) => other !== app && apps.includes(other)),
    );
  const taken = desired.rules.filter((rule) => rule.apps.includes(app) || replaces(rule));
  return { ...before, rules: joinRules(before.rules.filter(stays), fitting(taken, before.egress)) };
}

/**
 * What is desired beside what some apps have: their rules stay although they are not desired any more, e.g. while a
 * rollout of theirs is open. Null before: nothing has to stay.
 */
export function keepForApps(
  apps: readonly string[],
  before: FirewallModel | null,
  desired: FirewallModel,
): FirewallModel {
  const kept = (before?.rules ?? []).filter((rule) => rule.apps.some((app) => apps.includes(app)));
  if (kept.length === 0) return desired;
  return { ...desired, rules: joinRules(fitting(kept, desired.egress), desired.rules) };
}
