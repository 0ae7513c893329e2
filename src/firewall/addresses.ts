import type { Topology } from "../model/topology.ts";

/**
 * Every host's addresses: its own, and the VIPs of the sets it is a balancer of. HAProxy may speak from a VIP, and
 * clients connect to it; which of the balancers holds it is not asked. Own ones first.
 */
export function addressesByHost({ hosts, balancers }: Topology): ReadonlyMap<string, readonly string[]> {
  const vips = new Map<string, string[]>();
  for (const set of balancers) {
    for (const host of set.hosts) {
      vips.set(host, [...(vips.get(host) ?? []), ...set.vips.map(({ address }) => address)]);
    }
  }
  return new Map(hosts.map(({ name, addresses }) => [name, [...addresses, ...(vips.get(name) ?? [])]]));
}
