/**
 * What passes in a fleet, as a plain reading of its files: the text of Kubernetes' NetworkPolicy and what drover opens
 * by itself, judged packet by packet. It shares no code with src/firewall, knows no rule, no set, no range and no host's
 * model, and is slow where that is simpler.
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
import type { PlacedPeer, Policy, PolicyPort, PolicyRule } from "../../../../src/model/policy.ts";
import type { Topology, TopologyApp, TopologyBalancer } from "../../../../src/model/topology.ts";
import { isWithin } from "./naive-address.ts";
import type { End, Flow } from "./case.ts";

/** One packet that begins something. */
export interface Packet {
  readonly from: End;
  readonly to: End;
  readonly flow: Flow;
}

/** A packet as one end's firewall sees it: it knows its own host, and the other one by the address alone. */
interface Seen extends Packet {
  readonly isFrom: (host: string) => boolean;
  readonly isTo: (host: string) => boolean;
}

/** Whether a packet that begins something is let out where it comes from and let in where it goes to. */
export function passes(topology: Topology, packet: Packet): boolean {
  if (topology.firewall === null || packet.from.name === packet.to.name) return true;
  const has = (address: string) => (host: string) => addressesOf(topology, host).includes(address);
  const { from, to } = packet;
  return (
    leaves(topology, { ...packet, isFrom: (host) => host === from.name, isTo: has(to.address) }) &&
    enters(topology, { ...packet, isFrom: has(from.address), isTo: (host) => host === to.name })
  );
}

/** "By default, a pod is non-isolated for egress": only a policy with an egress list isolates. */
function leaves(topology: Topology, packet: Seen): boolean {
  const policies = policiesOn(topology, packet.from.name).filter((policy) => policy.egress !== null);
  if (policies.length === 0) return true;
  return (
    policies.some((policy) => (policy.egress ?? []).some((rule) => isOut(topology, rule, packet))) ||
    leavesByFleet(topology, packet)
  );
}

/** Unlike in Kubernetes every host of the inventory is isolated for ingress; who is in none has no firewall of ours. */
function enters(topology: Topology, packet: Seen): boolean {
  if (!isHost(topology, packet.to.name)) return true;
  return (
    packet.flow.protocol === "icmp" ||
    policiesOn(topology, packet.to.name).some((policy) =>
      (policy.ingress ?? []).some((rule) => isIn(topology, { policy, rule }, packet)),
    ) ||
    entersByFleet(topology, packet)
  );
}

function policiesOn(topology: Topology, host: string): readonly Policy<PlacedPeer>[] {
  return (topology.firewall?.policies ?? []).filter(({ subject }) => isOf(topology, subject, host));
}

/** Whether a host is named by its label or by what it runs. */
function isOf(topology: Topology, peer: PlacedPeer, host: string): boolean {
  if (peer.kind === "cidr") return false;
  return peer.kind === "hosts" ? peer.hosts.includes(host) : runs(topology, host, peer.app);
}

type On = { readonly policy: Policy<PlacedPeer>; readonly rule: PolicyRule<PlacedPeer> };

/** Within a rule, one of the peers and one of the ports. A policy for an app means that app's ports by their names. */
function isIn(topology: Topology, { policy, rule }: On, { from, isTo, flow }: Seen): boolean {
  const only = policy.subject.kind === "app" ? policy.subject.app : null;
  const isPeer = rule.peers === "anyone" || rule.peers.some((peer) => isAt(topology, peer, from.address));
  return isPeer && (rule.ports === "any" || rule.ports.some((port) => isPort(topology, port, { isTo, flow, only })));
}

/** Names of ports are the destination's; an address outside has none. */
function isOut(topology: Topology, rule: PolicyRule<PlacedPeer>, { to, isTo, flow }: Seen): boolean {
  const { ports } = rule;
  const peers: readonly (PlacedPeer | "anyone")[] = rule.peers === "anyone" ? ["anyone"] : rule.peers;
  return peers.some((peer) => {
    if (peer !== "anyone" && !isAt(topology, peer, to.address)) return false;
    if (ports === "any") return true;
    const isCidr = peer !== "anyone" && peer.kind === "cidr";
    const only = peer !== "anyone" && peer.kind === "app" ? peer.app : null;
    const isMeant = (host: string): boolean => isTo(host) && (peer === "anyone" || isOf(topology, peer, host));
    return ports.some(
      (port) => !(isCidr && port.kind === "name") && isPort(topology, port, { isTo: isMeant, flow, only }),
    );
  });
}

/** "Each entry is OR": an address of a host, of a host that runs the app, or in the block and in none of its exceptions. */
function isAt(topology: Topology, peer: PlacedPeer, address: string): boolean {
  switch (peer.kind) {
    case "hosts":
      return peer.hosts.some((host) => addressesOf(topology, host).includes(address));
    case "app":
      return topology.hosts.some(
        ({ name }) => runs(topology, name, peer.app) && addressesOf(topology, name).includes(address),
      );
    case "cidr":
      return isWithin(address, peer.cidr) && !peer.except.some((except) => isWithin(address, except));
  }
}

type Destination = Pick<Seen, "isTo" | "flow"> & { readonly only: string | null };

function isPort(topology: Topology, port: PolicyPort, { isTo, flow, only }: Destination): boolean {
  if (!("port" in flow)) return false;
  switch (port.kind) {
    case "all":
      return port.protocol === flow.protocol;
    case "range":
      return port.protocol === flow.protocol && port.from <= flow.port && flow.port <= port.to;
    case "name":
      return topology.apps
        .filter((app) => isAny(app, isTo) && (only === null || app.name === only))
        .flatMap((app) => portsOf(app))
        .some(
          (own) =>
            own.name === port.name &&
            own.protocol === flow.protocol &&
            own.port === flow.port &&
            (port.protocol === null || port.protocol === own.protocol),
        );
  }
}

function portsOf(app: TopologyApp): readonly { name: string; protocol: "tcp" | "udp"; port: number }[] {
  return app.port === null ? app.ports : [...app.ports, { name: app.name, protocol: "tcp", port: app.port }];
}

/** What follows from the fleet itself, at the receiving end. */
function entersByFleet(topology: Topology, packet: Seen): boolean {
  const { address } = packet.from;
  const isAdmin = (topology.firewall?.admin ?? []).some((prefix) => isWithin(address, prefix));
  const inFleet = topology.hosts.some(({ name }) => addressesOf(topology, name).includes(address));
  return (
    (isAdmin && isTcp(packet.flow, topology.ssh.port)) ||
    (isDnsOfFleet(topology, packet) && (isAdmin || inFleet)) ||
    (isMetrics(topology, packet) && mayReadMetrics(topology, address)) ||
    isLog(topology, packet, (target) =>
      topology.hosts.some((h) => h.addresses.includes(target) && packet.isTo(h.name)),
    ) ||
    setsOf(topology, packet.to.name).some((set) => entersBalancer(topology, set, { flow: packet.flow, inFleet })) ||
    isBetweenApps(topology, packet)
  );
}

function isTcp(flow: Flow, port: number): boolean {
  return flow.protocol === "tcp" && flow.port === port;
}

/** What both ends know of. */
function isBetweenApps(topology: Topology, packet: Seen): boolean {
  return isVrrp(topology, packet) || isTalk(topology, packet) || isRouted(topology, packet);
}

function entersBalancer(topology: Topology, set: TopologyBalancer, way: { flow: Flow; inFleet: boolean }): boolean {
  const routes = topology.apps.flatMap((app) => app.routes).filter((route) => route.lb === set.name);
  return routes.some((route) =>
    route.kind === "port"
      ? isTcp(way.flow, route.port) && (route.from === "anyone" || way.inFleet)
      : isTcp(way.flow, 80) || isTcp(way.flow, 443),
  );
}

/** And at the sending end, where that is isolated. Readers of metrics are hosts that are named, not ones in a network. */
function leavesByFleet(topology: Topology, packet: Seen): boolean {
  const metrics = topology.firewall?.metrics ?? [];
  const isReader = metrics === "anyone" || metrics.some((peer) => isOf(topology, peer, packet.from.name));
  return (
    isDnsOfFleet(topology, packet) ||
    isDnsOfOthers(topology, packet) ||
    (isReader && isMetrics(topology, packet)) ||
    isLog(topology, packet, (target) => packet.to.address === target) ||
    isBetweenApps(topology, packet)
  );
}

/** An app to the instances of one it talks to. */
function isTalk(topology: Topology, { isFrom, isTo, flow }: Seen): boolean {
  return topology.apps
    .filter((app) => isAny(app, isFrom))
    .flatMap(({ talksTo }) => talksTo.map((name) => appOf(topology, name)))
    .some((app) => isAny(app, isTo) && app.port !== null && isTcp(flow, app.port));
}

/** A balancer to the instances of what it carries. */
function isRouted(topology: Topology, { isFrom, isTo, flow }: Seen): boolean {
  return topology.apps
    .filter((app) => isAny(app, isTo) && app.port !== null && isTcp(flow, app.port))
    .flatMap(({ routes }) => routes)
    .some(({ lb }) => topology.balancers.some(({ name, hosts }) => name === lb && hosts.some(isFrom)));
}

/** Balancers of one set with a VIP speak VRRP from their own addresses. */
function isVrrp(topology: Topology, { from, to, flow }: Packet): boolean {
  if (flow.protocol !== "vrrp") return false;
  return topology.balancers.some(
    ({ vips, hosts }) =>
      vips.length > 0 &&
      [from, to].every((end) => hosts.some((host) => ownAddresses(topology, host).includes(end.address))),
  );
}

/** Balancers to where their set's log goes. */
function isLog(topology: Topology, { isFrom, flow }: Seen, isThere: (target: string) => boolean): boolean {
  return topology.balancers.some(({ hosts, settings: { log } }) => {
    const colon = log.target.lastIndexOf(":");
    const address = log.target.slice(0, colon).replaceAll(/[[\]]/g, "");
    return (
      colon > 0 &&
      hosts.some(isFrom) &&
      flow.protocol === "udp" &&
      String(flow.port) === log.target.slice(colon + 1) &&
      isThere(address)
    );
  });
}

function isDnsOfFleet(topology: Topology, { isTo, flow }: Seen): boolean {
  const servers = topology.dns?.servers;
  return "port" in flow && flow.port === 53 && servers?.kind === "hosts" && servers.hosts.some(isTo);
}

/** Servers of somebody else, and those that the fleet's own ask in turn. */
function isDnsOfOthers(topology: Topology, { from, to, flow }: Seen): boolean {
  const { servers, zone = null } = topology.dns ?? {};
  if (!("port" in flow) || servers === undefined) return false;
  if (servers.kind === "addresses")
    return servers.addresses.some(({ address, port }) => address === to.address && port === flow.port);
  const forwarders = zone?.forwarders ?? [];
  return flow.port === 53 && servers.hosts.includes(from.name) && forwarders.includes(to.address);
}

function isMetrics(topology: Topology, { isTo, flow }: Seen): boolean {
  const ofBalancer = topology.balancers.some(({ hosts, settings: { metrics } }) => {
    const isOpen = metrics !== null && !metrics.address.startsWith("127.") && metrics.address !== "::1";
    return isOpen && hosts.some(isTo) && isTcp(flow, metrics.port);
  });
  const ofApp = topology.apps
    .filter((app) => isAny(app, isTo))
    .flatMap(({ ports }) => ports)
    .some(
      ({ name, protocol, port }) =>
        name === "metrics" && "port" in flow && protocol === flow.protocol && port === flow.port,
    );
  return ofBalancer || ofApp;
}

function mayReadMetrics(topology: Topology, address: string): boolean {
  const peers = topology.firewall?.metrics ?? [];
  return peers === "anyone" || peers.some((peer) => isAt(topology, peer, address));
}

function isHost(topology: Topology, name: string): boolean {
  return topology.hosts.some((host) => host.name === name);
}

function appOf(topology: Topology, name: string): TopologyApp {
  const app = topology.apps.find((each) => each.name === name);
  if (app === undefined) throw new Error(`no app ${name}`);
  return app;
}

function runs(topology: Topology, host: string, app: string): boolean {
  return appOf(topology, app).instances.some((instance) => instance.host === host);
}

/** Whether one of the hosts that run an app is meant. */
function isAny({ instances }: TopologyApp, isHostMeant: (host: string) => boolean): boolean {
  return instances.some(({ host }) => isHostMeant(host));
}

function setsOf(topology: Topology, host: string): readonly TopologyBalancer[] {
  return topology.balancers.filter(({ hosts }) => hosts.includes(host));
}

function ownAddresses(topology: Topology, host: string): readonly string[] {
  return topology.hosts.find(({ name }) => name === host)?.addresses ?? [];
}

/** A balancer may also speak from its set's VIPs, whether it holds them right now or not. */
function addressesOf(topology: Topology, host: string): readonly string[] {
  const vips = setsOf(topology, host).flatMap((set) => set.vips.map(({ address }) => address));
  return [...ownAddresses(topology, host), ...vips];
}
