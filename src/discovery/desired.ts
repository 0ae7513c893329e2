import type { DnsServer } from "../model/dns.ts";
import type { Endpoint, HostAddresses, HostEndpoints, ZoneRef } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Host } from "../model/fleet.ts";
import type { DnsSettings, DnsZone } from "../model/zone.ts";
import type { Instance, Topology, TopologyApp } from "../model/topology.ts";
import { appOwnerName, appSet, hostName, hostOwnerName, portSet, setName } from "./names.ts";

/** BIND's limit on records of one set (max-records-per-type, since CVE-2024-1737); one more, and it takes none of them. */
export const MOST_RECORDS = 100;

const DNS_PORT = 53;

/** What DNS should say of an app. */
export interface AppService {
  readonly app: string;
  /** Of its SRV records, in seconds. */
  readonly ttl: number;
  /** All instances, in inventory order. */
  readonly hosts: readonly HostEndpoints[];
}

function hostNamed(topology: Topology, name: string): Host {
  const host = topology.hosts.find((each) => each.name === name);
  if (host === undefined) throw new DroverError(failure("bug", `the DNS server ${name} is no host of the inventory`));
  return host;
}

function serversOf(topology: Topology, { servers }: DnsSettings<{ readonly hosts: readonly string[] }>): DnsServer[] {
  switch (servers.kind) {
    case "hosts":
      return servers.hosts.map((name) => {
        const [address = ""] = hostNamed(topology, name).addresses;
        return { name, address, port: DNS_PORT };
      });
    case "addresses":
      return servers.addresses.map(({ address, port }) => ({ name: nameOf(address, port), address, port }));
  }
}

/** As people write it: the port where it is another than DNS's own. */
function nameOf(address: string, port: number): string {
  if (port === DNS_PORT) return address;
  return address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

/** The zone drover writes to, with its servers; null where the files name none. */
export function zoneRef(topology: Topology): ZoneRef | null {
  const { dns } = topology;
  if (dns === null || dns.zone === null) return null;
  const [primary, ...secondaries] = serversOf(topology, dns);
  if (primary === undefined) return null;
  const { name, onSilent } = dns.zone;
  return { zone: name, owner: topology.fleet, servers: { primary, secondaries, onSilent } };
}

function endpointsOf({ name, ports }: TopologyApp, { port, weight }: Instance): readonly Endpoint[] {
  const own = port === null ? [] : [{ set: appSet(name), priority: 0, weight, port }];
  const named = ports.map((each) => ({
    set: portSet(each.name, each.protocol, name),
    priority: 0,
    weight,
    port: each.port,
  }));
  return [...own, ...named];
}

/** What DNS should say of an app; null for one without ports, and where there is no zone. */
export function serviceOf({ dns }: Pick<Topology, "dns">, app: TopologyApp): AppService | null {
  const zone = dns?.zone ?? null;
  if (zone === null || (app.port === null && app.ports.length === 0)) return null;
  const hosts = app.instances.map((instance) => ({ host: instance.host, endpoints: endpointsOf(app, instance) }));
  return { app: app.name, ttl: seconds(zone.ttl), hosts };
}

/** What DNS should say of hosts: those that run something with a port, and the zone's own servers if they are hosts. */
export function addressesOf(topology: Topology): readonly HostAddresses[] {
  const { dns } = topology;
  if (dns === null || dns.zone === null) return [];
  const services = topology.apps.flatMap((app) => serviceOf(topology, app) ?? []);
  const named = new Set(services.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  const servers = dns.servers.kind === "hosts" ? dns.servers.hosts : [];
  return topology.hosts
    .filter(({ name }) => named.has(name) || servers.includes(name))
    .map(({ name, addresses }) => ({ host: name, addresses }));
}

/** TTLs of hosts' addresses, in seconds; 0 where there is no zone. */
export function addressTtlOf({ dns }: Pick<Topology, "dns">): number {
  return dns?.zone === null || dns === null ? 0 : seconds(dns.zone.addressTtl);
}

/** What of the files cannot be in DNS: names that are none, and record sets that no server would take. */
export function serviceProblems(topology: Topology): readonly Failure[] {
  const zone = topology.dns?.zone ?? null;
  if (zone === null) return [];
  const names = topology.apps.flatMap((app) => serviceOf(topology, app) ?? []).flatMap((each) => badNames(zone, each));
  const hosts = addressesOf(topology).flatMap(({ host }) => [
    ...badName(() => hostName(host, zone.name)),
    ...badName(() => hostOwnerName(host, zone.name)),
  ]);
  const large = topology.apps
    .filter((app) => serviceOf(topology, app) !== null && app.instances.length > MOST_RECORDS)
    .map(({ name, instances }) => tooLarge(setName(appSet(name), zone.name), instances.length));
  const found = [...names, ...hosts, ...large];
  return found.filter((each, index) => found.findIndex(({ message }) => message === each.message) === index);
}

function badNames({ name }: DnsZone, { app, hosts: [first] }: AppService): readonly Failure[] {
  const sets = (first?.endpoints ?? []).map(({ set }) => set);
  return [badName(() => appOwnerName(app, name)), ...sets.map((set) => badName(() => setName(set, name)))].flat();
}

function badName(make: () => string): readonly Failure[] {
  try {
    make();
    return [];
  } catch (error) {
    if (error instanceof DroverError) return [error.failure];
    throw error;
  }
}

/** A record set that BIND would refuse as a whole. */
export function tooLarge(name: string, count: number): Failure {
  return failure(
    "dns-too-large",
    `${name} would have ${String(count)} records: DNS servers take at most ${String(MOST_RECORDS)} of one name and type`,
    "give the app fewer instances, or split it into two apps",
  );
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
