import { DroverError, failure } from "../model/errors.ts";
import type { DnsZone } from "../model/zone.ts";
import type { ResolverModel } from "../model/resolver.ts";
import type { Topology } from "../model/topology.ts";
import { familyOf } from "./normalize.ts";

/** resolv.conf(5): MAXNS. */
export const MOST_SERVERS = 3;
/** resolv.conf(5) knows no other. */
const PORT = 53;

/** Addresses at which a resolver could ask, most wanted first; of a server that drover sets up the first one that will do. */
function addressesFor(topology: Topology, families: ReadonlySet<4 | 6>): readonly string[] {
  const servers = topology.dns?.servers;
  if (servers === undefined) return [];
  switch (servers.kind) {
    case "hosts":
      // One of each: a second address of the same server would take the place of another server.
      return servers.hosts.flatMap((name) => {
        const addresses = topology.hosts.find((host) => host.name === name)?.addresses ?? [];
        const first = addresses.find((address) => families.has(familyOf(address)));
        return first === undefined ? [] : [first];
      });
    case "addresses":
      return servers.addresses
        .filter(({ address, port }) => port === PORT && families.has(familyOf(address)))
        .map(({ address }) => address);
  }
}

function noServer(host: string, zone: DnsZone): DroverError {
  return new DroverError(
    failure(
      "files-invalid",
      `${host} cannot resolve names of ${zone.name}: no DNS server has an address of its kind, on port 53`,
      "give a server or the host such an address, or say in drover.yaml: dns: {resolver: false}",
    ),
  );
}

/**
 * How a host should find names of the zone; null: drover leaves that to the host (no zone, not wanted, or nothing on the
 * host talks to other apps). Pure and byte-stable. Throws a DroverError where no server could be asked.
 */
export function desiredResolver(topology: Topology, host: string): ResolverModel | null {
  const { dns } = topology;
  if (dns === null || dns.zone === null || !dns.zone.resolver) return null;
  const talks = topology.apps.some(
    ({ talksTo, instances }) => talksTo.length > 0 && instances.some((instance) => instance.host === host),
  );
  if (!talks) return null;
  const own = topology.hosts.find(({ name }) => name === host)?.addresses ?? [];
  const servers = addressesFor(topology, new Set(own.map(familyOf))).slice(0, MOST_SERVERS);
  if (servers.length === 0) throw noServer(host, dns.zone);
  return { zone: dns.zone.name, servers, recursive: dns.servers.kind === "hosts" };
}
