import type { FirewallRule } from "../model/firewall.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import type { Ground, Placement } from "./ground.ts";
import { type Part, matchPort, rulesOfParts } from "./parts.ts";
import { type Addresses, ANYONE, holds, parseAddresses, union } from "./prefixes.ts";

/** Ports of HTTP and HTTPS on balancers. */
const WEB_PORTS: readonly number[] = [80, 443];
const DNS_PORT = 53;
const DNS_SOURCE = "fleet/dns:0";
const LOOPBACK: Addresses = parseAddresses(["127.0.0.0/8", "::1/128"]);

function place(
  ground: Ground,
  where: Pick<FirewallRule, "direction" | "source"> & { readonly hosts: readonly string[] },
  ...parts: readonly Part[]
): readonly Placement[] {
  const { hosts, direction, source } = where;
  const rules = rulesOfParts(ground, { direction, source, sever: ground.firewall.sever }, parts);
  return hosts.length === 0 ? [] : rules.map((rule) => ({ hosts, rule }));
}

function ssh(ground: Ground): readonly Placement[] {
  return place(
    ground,
    { direction: "in", source: "fleet/ssh:0", hosts: ground.hosts },
    {
      matches: [matchPort("tcp", ground.topology.ssh.port)],
      addresses: parseAddresses(ground.firewall.admin),
      apps: [],
    },
  );
}

/** Only hosts' own addresses: balancers speak unicast VRRP from them, never from a VIP (keepalived's unicast_src_ip). */
function vrrp(ground: Ground, { name, hosts, vips }: TopologyBalancer): readonly Placement[] {
  if (vips.length === 0 || hosts.length < 2) return [];
  return hosts.flatMap((host) => {
    const others = ground.topology.hosts.filter((one) => one.name !== host && hosts.includes(one.name));
    const addresses = parseAddresses(others.flatMap((other) => other.addresses));
    const part: Part = { matches: [{ protocol: "vrrp" }], addresses, apps: [] };
    const source = `fleet/vrrp/${name}:0`;
    return [
      ...place(ground, { direction: "in", source, hosts: [host] }, part),
      ...(ground.isolated.has(host) ? place(ground, { direction: "out", source, hosts: [host] }, part) : []),
    ];
  });
}

function dns(ground: Ground): readonly Placement[] {
  const { servers, zone = null } = ground.topology.dns ?? {};
  if (servers === undefined) return [];
  const isolated = ground.hosts.filter((host) => ground.isolated.has(host));
  const out = { direction: "out", source: DNS_SOURCE } as const;
  if (servers.kind === "addresses")
    return place(ground, { ...out, hosts: isolated }, ...partsOfServers(servers.addresses));
  const matches = dnsMatches(DNS_PORT);
  const clients = union(ground.addressesOf(ground.hosts), parseAddresses(ground.firewall.admin));
  // The servers ask each other too, for what changed; and those that drover sets up ask on behalf of the others.
  const asked: Part = { matches, addresses: ground.addressesOf(servers.hosts), apps: [] };
  const beyond: Part = { matches, addresses: parseAddresses(zone?.forwarders ?? []), apps: [] };
  return [
    ...place(
      ground,
      { direction: "in", source: DNS_SOURCE, hosts: servers.hosts },
      { matches, addresses: clients, apps: [] },
    ),
    ...place(ground, { ...out, hosts: isolated.filter((host) => !servers.hosts.includes(host)) }, asked),
    ...place(ground, { ...out, hosts: isolated.filter((host) => servers.hosts.includes(host)) }, asked, beyond),
  ];
}

/** Of servers of somebody else only the way to them is ours to open. */
function partsOfServers(servers: readonly { readonly address: string; readonly port: number }[]): readonly Part[] {
  return [...new Set(servers.map(({ port }) => port))].map((port) => {
    const listening = servers.filter((each) => each.port === port).map(({ address }) => address);
    return { matches: dnsMatches(port), addresses: parseAddresses(listening), apps: [] };
  });
}

function dnsMatches(port: number): Part["matches"] {
  return [matchPort("tcp", port), matchPort("udp", port)];
}

function web(ground: Ground, { name, hosts, follow = [] }: TopologyBalancer): readonly Placement[] {
  const apps = [...ground.apps.values()].filter(({ routes }) =>
    routes.some((route) => route.kind !== "port" && route.lb === name),
  );
  const follows = follow.some(({ routes }) => routes.some(({ kind }) => kind !== "port"));
  if (apps.length === 0 && !follows) return [];
  return place(
    ground,
    { direction: "in", source: `fleet/balancer/${name}:0`, hosts },
    {
      matches: WEB_PORTS.map((port) => matchPort("tcp", port)),
      addresses: ANYONE,
      apps: apps.map((app) => app.name),
    },
  );
}

/** Where balancers answer Prometheus; null: nowhere, or to themselves alone. */
export function metricsPortOf({ settings: { metrics } }: TopologyBalancer): number | null {
  return metrics === null || holds(LOOPBACK, metrics.address) ? null : metrics.port;
}

/** What every fleet needs: operators, balancers among themselves and from outside, DNS. Metrics: from-metrics.ts. */
export function rulesFromFleet(ground: Ground): readonly Placement[] {
  const { balancers } = ground.topology;
  return [
    ...ssh(ground),
    ...balancers.flatMap((set) => vrrp(ground, set)),
    ...dns(ground),
    ...balancers.flatMap((set) => web(ground, set)),
  ];
}
