import type { FirewallRule } from "../model/firewall.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import { type Ground, type Placement } from "./ground.ts";
import { matchPort, type Part, rulesOfParts } from "./parts.ts";
import { ANYONE, parseAddresses } from "./prefixes.ts";

/**
 * What balancers that follow services by name need besides: ports of those services are open, and isolated balancers get out
 * to the name servers they are told. Where the servers themselves are, only DNS knows: letting balancers out to them is a
 * policy's business.
 */
export function rulesFromFollow(ground: Ground): readonly Placement[] {
  return ground.topology.balancers.flatMap((set) => [
    ...place(ground, set, "in", portsOf(ground, set)),
    ...place(ground, set, "out", nameserversOf(set)),
  ]);
}

function place(
  ground: Ground,
  { name, hosts }: TopologyBalancer,
  direction: FirewallRule["direction"],
  parts: readonly Part[],
): readonly Placement[] {
  const on = direction === "in" ? hosts : hosts.filter((host) => ground.isolated.has(host));
  if (on.length === 0 || parts.length === 0) return [];
  const head = { direction, source: `fleet/follow/${name}:0`, sever: ground.firewall.sever };
  return rulesOfParts(ground, head, parts).map((rule) => ({ hosts: on, rule }));
}

function portsOf(ground: Ground, { follow = [] }: TopologyBalancer): readonly Part[] {
  return follow.flatMap(({ routes }) =>
    routes.flatMap((route): readonly Part[] => {
      if (route.kind !== "port") return [];
      const addresses = route.from === "anyone" ? ANYONE : ground.addressesOf(ground.hosts);
      return [{ matches: [matchPort("tcp", route.port)], addresses, apps: [] }];
    }),
  );
}

/** Those of the fleet itself have a rule already, which is every host's. They are asked over TCP alone. */
function nameserversOf({ follow = [] }: TopologyBalancer): readonly Part[] {
  const servers = follow.flatMap(({ nameservers }) => nameservers ?? []);
  return [...Map.groupBy(servers, ({ port }) => port)].map(([port, all]) => ({
    matches: [matchPort("tcp", port)],
    addresses: parseAddresses(all.map(({ address }) => address)),
    apps: [],
  }));
}
