import { formatPlace } from "../inventory/diagnostics.ts";
import { covers, holds, parseAddresses } from "../firewall/prefixes.ts";
import type { FirewallMatch, FirewallRule, PortRange } from "../model/firewall.ts";
import type { Fleet } from "../model/fleet.ts";
import type { Topology } from "../model/topology.ts";
import type { ShownRule } from "../report/firewall-show.ts";

/** What turns addresses into names, and sources into places. */
export interface RuleWords {
  readonly topology: Topology;
  readonly rulePlaces: Fleet["rulePlaces"];
}

/** An address of the fleet, and whose it is. */
interface Owned {
  readonly address: string;
  readonly owner: string;
}

/** Rules as people read them; what one source lets the same peers do stands together. In the model's order. */
export function shownRules(rules: readonly FirewallRule[], { topology, rulePlaces }: RuleWords): readonly ShownRule[] {
  const owned = ownedAddresses(topology);
  const merged = new Map<string, FirewallRule[]>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.direction, rule.source, rule.peers]);
    const same = merged.get(key);
    if (same === undefined) merged.set(key, [rule]);
    else same.push(rule);
  }
  return [...merged.values()].flatMap((same): readonly ShownRule[] => {
    const [first] = same;
    if (first === undefined) return [];
    const { direction, source, peers } = first;
    const place = rulePlaces[`${direction} ${source}`];
    return [
      {
        direction,
        peers: peers === "anyone" ? [peers] : peersInWords(peers, owned),
        ports: same.flatMap(({ match }) => matchInWords(match)),
        source,
        place: place === undefined ? null : formatPlace(place),
      },
    ];
  });
}

/** `tcp/80`, `udp/5000-5010`, `tcp/*`, `vrrp`, `any`. */
function matchInWords(match: FirewallMatch): readonly string[] {
  if (!("ports" in match)) return [match.protocol];
  const { protocol, ports } = match;
  return ports === null ? [`${protocol}/*`] : ports.map((range) => `${protocol}/${rangeInWords(range)}`);
}

function rangeInWords({ from, to }: PortRange): string {
  return from === to ? String(from) : `${String(from)}-${String(to)}`;
}

function ownedAddresses({ hosts, balancers }: Topology): readonly Owned[] {
  return [
    ...hosts.flatMap(({ name, addresses }) => addresses.map((address) => ({ address, owner: name }))),
    ...balancers.flatMap(({ name, vips }) => vips.map(({ address }) => ({ address, owner: `VIP of ${name}` }))),
  ];
}

/**
 * Prefixes as names, as far as nothing but addresses of the fleet lies in them: a host of which only some addresses are
 * meant is followed by them.
 */
function peersInWords(prefixes: readonly string[], owned: readonly Owned[]): readonly string[] {
  const fleet = parseAddresses(owned.map(({ address }) => address));
  const named = prefixes.filter((prefix) => covers(fleet, parseAddresses([prefix])));
  const meant = parseAddresses(named);
  const owners = [...new Set(owned.flatMap(({ address, owner }) => (holds(meant, address) ? [owner] : [])))];
  const names = owners.map((name) => {
    const all = owned.filter(({ owner }) => owner === name).map(({ address }) => address);
    const some = all.filter((address) => holds(meant, address));
    return some.length === all.length ? name : `${name} (${some.join(" ")})`;
  });
  return [...names, ...prefixes.filter((prefix) => !named.includes(prefix)).map(bare)];
}

function bare(prefix: string): string {
  return prefix.replace(prefix.includes(":") ? /\/128$/ : /\/32$/, "");
}
