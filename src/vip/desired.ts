import { DroverError, failure } from "../model/errors.ts";
import type { Topology, TopologyBalancer } from "../model/topology.ts";
import type { VipModel } from "../model/vip.ts";
import { addressKey, familyOf, isInNetworkOf } from "./normalize.ts";

/** The first balancer of the inventory; 255 is reserved for the owner of an address (RFC 3768 §5.3.4). */
const HIGHEST = 250;
/** Between two balancers: enough to see in a packet dump, and twenty-five of them fit. */
const DISTANCE = 10;

/** The address from which a host speaks VRRP: of the anchor's family, in its network if the host has one there. */
function speakingAddress(topology: Topology, host: string, set: TopologyBalancer): string {
  const [anchor] = set.vips;
  const addresses = topology.hosts.find(({ name }) => name === host)?.addresses ?? [];
  const candidates = addresses.filter(
    (address) => anchor !== undefined && familyOf(address) === familyOf(anchor.address),
  );
  const chosen = candidates.find((address) => anchor !== undefined && isInNetworkOf(anchor, address)) ?? candidates[0];
  if (chosen !== undefined) return chosen;
  const family = anchor === undefined ? "" : `IPv${String(familyOf(anchor.address))} `;
  throw new DroverError(
    failure(
      "files-invalid",
      `${host} has no ${family}address, but the first VIP of ${set.name} is one`,
      `give ${host} such an address in the inventory, or name a VIP of its family first`,
    ),
  );
}

function setOf(topology: Topology, host: string): TopologyBalancer | null {
  const sets = topology.balancers.filter(({ hosts, vips }) => hosts.includes(host) && vips.length > 0);
  const [first, second] = sets;
  if (second === undefined) return first ?? null;
  throw new DroverError(
    failure(
      "files-invalid",
      `${host} is in two balancer sets with a VIP, ${first?.name ?? ""} and ${second.name}`,
      "give one of them the VIPs of both, or other hosts",
    ),
  );
}

/**
 * What one balancer's keepalived should do; null where its sets have no VIP. `interfaces` tells which interface carries
 * which address there (from the facts; null: not known, and then the model has no interface and cannot be installed).
 * Pure and byte-stable. Throws a DroverError when the files cannot be carried out.
 */
export function desiredVip(
  topology: Topology,
  host: string,
  interfaces: Readonly<Record<string, string>> | null,
): VipModel | null {
  const set = setOf(topology, host);
  if (set === null) return null;
  const address = speakingAddress(topology, host, set);
  const found = Object.entries(interfaces ?? {}).find(([own]) => addressKey(own) === addressKey(address));
  const name = set.interface ?? found?.[1] ?? null;
  if (name === null && interfaces !== null) {
    throw new DroverError(
      failure(
        "files-invalid",
        `no interface of ${host} carries its address ${address}`,
        `correct the address in the inventory, or name the interface: loadBalancers.${set.name}.interface`,
      ),
    );
  }
  if (set.virtualRouterId === null) {
    throw new DroverError(failure("bug", `the balancer set ${set.name} has a VIP but no virtualRouterId`));
  }
  return {
    set: set.name,
    host,
    address,
    peers: set.hosts.filter((peer) => peer !== host).map((peer) => speakingAddress(topology, peer, set)),
    interface: name,
    virtualRouterId: set.virtualRouterId,
    priority: HIGHEST - DISTANCE * set.hosts.indexOf(host),
    failover: set.failover,
    vips: set.vips,
  };
}
