import type { App, Fleet } from "../model/fleet.ts";
import type { DnsSettings } from "../model/zone.ts";
import type { FirewallSettings, Peer, Peers, PlacedFirewall, PlacedPeer, PolicyRule } from "../model/policy.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";
import { compareText } from "./diagnostics.ts";
import { selectHosts } from "./selector/match.ts";
import { parseSelector } from "./selector/parse.ts";

/** The hosts of a selector, in inventory order. */
type Choose = (text: string) => Fleet["hosts"];

/** Their names. */
type Names = (text: string) => readonly string[];

/**
 * Derives the one value that every domain starts from. Hosts and instances keep inventory order, lists where the place of
 * an item names it stay as written, and all else is sorted: the same fleet gives the same canonical JSON. The fleet has to
 * come from {@link assembleFleet}.
 */
export function compileTopology(fleet: Fleet): Topology {
  const choose = chooser(fleet);
  const names: Names = (text) => choose(text).map((host) => host.name);
  const balancers = fleet.loadBalancers
    .map(({ selector, ...set }) => ({ ...set, hosts: names(selector) }))
    .toSorted((left, right) => compareText(left.name, right.name));
  return {
    fleet: fleet.name,
    hosts: fleet.hosts,
    balancers,
    apps: fleet.apps
      .map((app) => place(app, choose, names))
      .toSorted((left, right) => compareText(left.name, right.name)),
    state: fleet.state,
    ssh: { port: fleet.ssh.port },
    dns: fleet.dns === null ? null : placeDns(fleet.dns, names),
    firewall: fleet.firewall === null ? null : placeFirewall(fleet.firewall, names),
  };
}

function place(app: App, choose: Choose, names: Names): TopologyApp {
  const weightOn = weigher(app, names);
  const instances = choose(app.selector).map(({ name, addresses: [address = ""] }) => ({
    app: app.name,
    host: name,
    address,
    port: app.port,
    weight: weightOn(name),
  }));
  return { ...app, instances };
}

/** How much a host counts in an app's SRV records: of the rules that take it, the last. */
function weigher({ srv }: App, names: Names): (host: string) => number {
  const rules = srv.weights.map(({ selector, weight }) => ({ hosts: new Set(names(selector)), weight }));
  return (host) => rules.findLast(({ hosts }) => hosts.has(host))?.weight ?? srv.weight;
}

function placeDns({ servers, zone }: DnsSettings, names: Names): Topology["dns"] {
  return { servers: servers.kind === "hosts" ? { kind: "hosts", hosts: names(servers.selector) } : servers, zone };
}

function placeFirewall(firewall: FirewallSettings, names: Names): PlacedFirewall {
  const hosts = (peer: Extract<Peer, { readonly kind: "hosts" }>): Extract<PlacedPeer, { readonly kind: "hosts" }> => ({
    ...peer,
    hosts: names(peer.selector),
  });
  const peers = (written: Peers): Peers<PlacedPeer> =>
    written === "anyone" ? written : written.map((peer) => (peer.kind === "hosts" ? hosts(peer) : peer));
  const rules = (written: readonly PolicyRule[] | null): readonly PolicyRule<PlacedPeer>[] | null =>
    written === null ? null : written.map((rule) => ({ ...rule, peers: peers(rule.peers) }));
  return {
    ...firewall,
    metrics: peers(firewall.metrics),
    policies: firewall.policies.map(({ subject, ingress, egress, ...policy }) => ({
      ...policy,
      subject: subject.kind === "hosts" ? hosts(subject) : subject,
      ingress: rules(ingress),
      egress: rules(egress),
    })),
  };
}

/** Many ends are given by few selectors: each is looked up once. */
function chooser({ hosts }: Fleet): Choose {
  const known = new Map<string, Fleet["hosts"]>();
  return (text) => {
    const found = known.get(text) ?? chosen(hosts, text);
    known.set(text, found);
    return found;
  };
}

function chosen(hosts: Fleet["hosts"], text: string): Fleet["hosts"] {
  const parsed = parseSelector(text);
  if (parsed.kind === "error") throw new TypeError(`a checked selector does not parse: ${text}`);
  return selectHosts(hosts, parsed.selector);
}
