import type { FirewallModel } from "../model/firewall.ts";
import { cutRules, effectOf, within } from "../firewall/effect.ts";
import { keepForApps } from "../firewall/merge.ts";
import { parseAddresses } from "../firewall/prefixes.ts";
import type { Allowance } from "../firewall/regions.ts";
import { isEmptyAllowance, minusAllowance } from "../firewall/regions.ts";
import { releasedAddresses } from "./firewall-ledger.ts";
import type { FirewallTargets } from "./firewall-targets.ts";
import type { PlanInput } from "./input.ts";

/**
 * What every host would let in if all that the files no longer ask for went, and nothing came: what can be done while
 * somebody is silent. What is there for apps stays: nobody knows yet whether it is still needed.
 */
export function closingTargets({ before, after }: FirewallTargets): ReadonlyMap<string, FirewallModel> {
  return changed(before, (host, was) => {
    const to = after.get(host) ?? null;
    const apps = was.rules.flatMap((rule) => rule.apps);
    return to === null ? null : lost(was, keepForApps(apps, was, to));
  });
}

/** What every host would let in without what addresses were let in for that another host has by now. */
export function releasedTargets(
  { before, after }: FirewallTargets,
  { topology, ledger }: PlanInput,
): ReadonlyMap<string, FirewallModel> {
  const reused = releasedAddresses(topology, ledger).flatMap(({ address, now }) => (now === null ? [] : [address]));
  if (reused.length === 0) return new Map();
  const addresses = parseAddresses(reused);
  return changed(before, (host, was) => {
    const to = after.get(host) ?? null;
    return to === null ? null : within(lost(was, to), addresses);
  });
}

/** Hosts that would let less in, without the part that is taken out. */
function changed(
  before: FirewallTargets["before"],
  takenOut: (host: string, was: FirewallModel) => Allowance | null,
): ReadonlyMap<string, FirewallModel> {
  return new Map(
    [...before].flatMap(([host, was]) => {
      const cut = was === null ? null : takenOut(host, was);
      if (was === null || cut === null || isEmptyAllowance(cut)) return [];
      const incoming = was.rules.filter(({ direction }) => direction === "in");
      const outgoing = was.rules.filter(({ direction }) => direction === "out");
      return [[host, { ...was, rules: [...cutRules(incoming, cut), ...outgoing] }] as const];
    }),
  );
}

function lost(before: FirewallModel, after: FirewallModel): Allowance {
  return minusAllowance(effectOf(before).in, effectOf(after).in);
}
