import type { NamedModel } from "../model/named.ts";
import type { Topology } from "../model/topology.ts";
import { networks } from "./normalize.ts";

/** Milliseconds of the files to the seconds of DNS. */
const SECOND = 1000;

/**
 * What one host's BIND should do; null where it is not one of the zone's DNS hosts. The first in inventory order is the
 * primary. The fleet's hosts and its operators' networks may have other names looked up; operators who may come from
 * everywhere (`0.0.0.0/0`) may not. `key` is of the zone's TSIG key. Pure and byte-stable.
 */
export function desiredNamed(
  topology: Topology,
  host: string,
  key: { readonly fingerprint: string },
): NamedModel | null {
  const { dns, hosts } = topology;
  if (dns === null || dns.zone === null || dns.servers.kind !== "hosts" || !dns.servers.hosts.includes(host))
    return null;
  const { zone } = dns;
  const servers = dns.servers.hosts.map((name) => ({
    host: name,
    addresses: hosts.find((each) => each.name === name)?.addresses ?? [],
  }));
  const isPrimary = servers[0]?.host === host;
  const peers = isPrimary ? servers.slice(1) : servers.slice(0, 1);
  return {
    zone: zone.name,
    role: isPrimary ? "primary" : "secondary",
    peers: peers.flatMap(({ addresses }) => addresses),
    key: { name: zone.key.name, algorithm: zone.key.algorithm, fingerprint: key.fingerprint },
    clients: networks([...hosts.flatMap(({ addresses }) => addresses), ...(topology.firewall?.admin ?? [])]),
    forwarders: zone.forwarders,
    initial: isPrimary
      ? {
          negativeTtl: zone.negativeTtl / SECOND,
          addressTtl: zone.addressTtl / SECOND,
          owner: topology.fleet,
          servers,
        }
      : null,
  };
}
