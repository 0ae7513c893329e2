import type { FirewallCut, FirewallModel } from "../model/firewall.ts";
import { effectOf, within } from "./effect.ts";
import { parseAddresses, toPrefixes } from "./prefixes.ts";
import {
  type Allowance,
  allowanceOf,
  EVERYTHING,
  intersectAllowance,
  minusAllowance,
  slicesOf,
  unionAllowance,
} from "./regions.ts";

/** What a model's own words let pass where closing it cuts connections. */
function severing(model: FirewallModel | null, direction: "in" | "out"): Allowance {
  return allowanceOf(
    (model?.rules ?? []).filter(({ sever }) => sever),
    direction,
  );
}

function cutsIn(direction: "in" | "out", closed: Allowance): readonly FirewallCut[] {
  return slicesOf(closed).flatMap(({ match, addresses }): readonly FirewallCut[] => {
    const peers = toPrefixes(addresses);
    switch (match.protocol) {
      case "tcp":
      case "udp":
        return [{ direction, peers, match: { protocol: match.protocol, ports: match.ports } }];
      case "any":
        return [{ direction, peers, match: { protocol: "any" } }];
      // VRRP has no connections; what is left of other protocols alone cannot be named, only all of them together.
      case "vrrp":
      case "other":
        return [];
    }
  });
}

/**
 * What has to be cut on a host that goes from one model to another (null: not managed): connections that passed before and
 * may not any more, where the rule that let them pass says so, and in any case those with addresses that have been
 * released: they belong to nobody any more, or to another host. What still may pass is never cut.
 */
export function cutsOf(
  before: FirewallModel | null,
  after: FirewallModel | null,
  { released }: { readonly released: readonly string[] },
): readonly FirewallCut[] {
  const [old, now] = [effectOf(before), effectOf(after)];
  const gone = within(EVERYTHING, parseAddresses(released));
  return (["in", "out"] as const).flatMap((direction) => {
    const cut = unionAllowance(severing(before, direction), gone);
    return cutsIn(direction, minusAllowance(intersectAllowance(old[direction], cut), now[direction]));
  });
}
