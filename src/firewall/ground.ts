import type { FirewallRule } from "../model/firewall.ts";
import type { NamedPort } from "../model/fleet.ts";
import type { PlacedFirewall, PlacedPeer, Policy } from "../model/policy.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";
import { addressesByHost } from "./addresses.ts";
import { type Addresses, parseAddresses, peersOf, unionOf } from "./prefixes.ts";

/** What all sources of rules look up; each set of addresses and each list of prefixes is computed once for a fleet. */
export interface Ground {
  readonly topology: Topology;
  readonly firewall: PlacedFirewall;
  /** All hosts, in inventory order. */
  readonly hosts: readonly string[];
  readonly apps: ReadonlyMap<string, TopologyApp>;
  /** Apps with an instance there, sorted by name. */
  readonly appsOn: ReadonlyMap<string, readonly TopologyApp[]>;
  /** Hosts that a policy with `egress` selects: nothing goes out there but what a rule lets. */
  readonly isolated: ReadonlySet<string>;
  /** All addresses of these hosts. */
  readonly addressesOf: (hosts: readonly string[]) => Addresses;
  /** A set as peers of a rule. */
  readonly textOf: (addresses: Addresses) => FirewallRule["peers"];
}

/** One rule and the hosts that have it. */
export interface Placement {
  readonly hosts: readonly string[];
  readonly rule: FirewallRule;
}

/** Text in code point order, whatever the language of the machine. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The hosts with an instance of an app; none where there is no such app. */
export function hostsOfApp({ apps }: Pick<Ground, "apps">, app: string): readonly string[] {
  return apps.get(app)?.instances.map(({ host }) => host) ?? [];
}

/** The hosts that a peer or a policy's subject stands for; none for addresses. */
export function hostsOfPeer(ground: Pick<Ground, "apps">, peer: PlacedPeer): readonly string[] {
  switch (peer.kind) {
    case "hosts":
      return peer.hosts;
    case "app":
      return hostsOfApp(ground, peer.app);
    case "cidr":
      return [];
  }
}

/** The ports of an app by name; its main port is called as the app. */
export function namedPorts({ name, port, ports }: TopologyApp): readonly NamedPort[] {
  return port === null ? ports : [{ name, protocol: "tcp", port }, ...ports];
}

function isolatedBy(ground: Pick<Ground, "apps">, policies: readonly Policy<PlacedPeer>[]): ReadonlySet<string> {
  const isolating = policies.filter(({ egress }) => egress !== null);
  return new Set(isolating.flatMap(({ subject }) => hostsOfPeer(ground, subject)));
}

function placeApps(topology: Topology): Pick<Ground, "apps" | "appsOn"> {
  const sorted = topology.apps.toSorted((a, b) => compareText(a.name, b.name));
  const appsOn = new Map<string, TopologyApp[]>();
  for (const app of sorted) {
    for (const { host } of app.instances) appsOn.set(host, [...(appsOn.get(host) ?? []), app]);
  }
  return { apps: new Map(sorted.map((app) => [app.name, app])), appsOn };
}

/** Prepares what the sources of rules look up. */
export function groundOf(topology: Topology, firewall: PlacedFirewall): Ground {
  const placed = placeApps(topology);
  const single = new Map([...addressesByHost(topology)].map(([host, texts]) => [host, parseAddresses(texts)]));
  const sets = new Map<string, Addresses>();
  const texts = new WeakMap<Addresses, FirewallRule["peers"]>();
  return {
    topology,
    firewall,
    hosts: topology.hosts.map(({ name }) => name),
    ...placed,
    isolated: isolatedBy(placed, firewall.policies),
    addressesOf: (hosts) => {
      const key = hosts.join(" ");
      const known = sets.get(key) ?? unionOf(hosts.flatMap((host) => single.get(host) ?? []));
      sets.set(key, known);
      return known;
    },
    textOf: (addresses) => {
      const known = texts.get(addresses) ?? peersOf(addresses);
      texts.set(addresses, known);
      return known;
    },
  };
}
