import { DEFAULT_SETTINGS } from "../../src/inventory/schema/defaults.ts";
import type { App, Route } from "../../src/model/fleet.ts";
import type { DnsServers } from "../../src/model/zone.ts";
import type { FirewallMatch, FirewallModel, FirewallRule } from "../../src/model/firewall.ts";
import type { PlacedFirewall, PlacedPeer, Policy, PolicyPort, PolicyRule } from "../../src/model/policy.ts";
import type { Topology, TopologyBalancer } from "../../src/model/topology.ts";
import { exampleApp } from "./release.ts";
import { exampleZone } from "./zone.ts";

/** A fleet in as few words as a test of the firewall needs. */
export interface FirewallSketch {
  /** Addresses by host, in inventory order. */
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  /** `on`: the hosts with an instance. Port 8080 unless told. */
  readonly apps?: Readonly<Record<string, Partial<App> & { readonly on: readonly string[] }>>;
  readonly sets?: Readonly<Record<string, Partial<TopologyBalancer> & { readonly on: readonly string[] }>>;
  /** Hosts of the fleet, or servers of somebody else. */
  readonly dns?: readonly string[] | Extract<DnsServers<object>, { readonly kind: "addresses" }>;
  /** Of a zone; nothing: there is none. */
  readonly forwarders?: readonly string[];
  /** Nothing: managed, operators come from 192.168.56.1. Null: not managed. */
  readonly firewall?: Partial<PlacedFirewall> | null;
}

const FIREWALL: PlacedFirewall = {
  admin: ["192.168.56.1/32"],
  metrics: [],
  policies: [],
  confirm: 60_000,
  sever: false,
  log: true,
};

/** A whole topology from a sketch. */
export function topologyWith({
  hosts,
  apps = {},
  sets = {},
  dns,
  forwarders,
  firewall = {},
}: FirewallSketch): Topology {
  return {
    fleet: "example",
    hosts: Object.entries(hosts).map(([name, addresses]) => ({ name, addresses, tags: {} })),
    balancers: Object.entries(sets)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { on, ...over }]) => ({
        name,
        hosts: on,
        vips: [],
        virtualRouterId: null,
        failover: "standard",
        interface: null,
        certificates: [],
        settings: { ...DEFAULT_SETTINGS, metrics: null },
        ...over,
      })),
    apps: Object.entries(apps)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { on, ...over }]) => {
        const app = exampleApp({ name, file: `apps/${name}.yaml`, ...over });
        return {
          ...app,
          instances: on.map((host) => ({
            app: name,
            host,
            address: hosts[host]?.[0] ?? "",
            port: app.port,
            weight: 1,
          })),
        };
      }),
    state: { store: "ssh", host: Object.keys(hosts)[0] ?? "" },
    ssh: { port: 22 },
    dns:
      dns === undefined
        ? null
        : {
            servers: "kind" in dns ? dns : { kind: "hosts", hosts: dns },
            zone: forwarders === undefined ? null : exampleZone({ forwarders }),
          },
    firewall: firewall === null ? null : { ...FIREWALL, ...firewall },
  };
}

/** Hosts as a peer or a subject. */
export function hosts(...names: readonly string[]): Extract<PlacedPeer, { kind: "hosts" }> {
  return { kind: "hosts", selector: `host=${names.join(",")}`, hosts: names };
}

/** The hosts of an app as a peer or a subject. */
export function app(name: string): Extract<PlacedPeer, { kind: "app" }> {
  return { kind: "app", app: name };
}

/** Addresses as a peer. */
export function cidr(prefix: string, ...except: readonly string[]): PlacedPeer {
  return { kind: "cidr", cidr: prefix, except };
}

/** A port of TCP or UDP, or a range of them. */
export function port(protocol: "tcp" | "udp", from: number, to: number = from): PolicyPort {
  return { kind: "range", protocol, from, to };
}

/** A port by name. */
export function named(name: string, protocol: "tcp" | "udp" | null = null): PolicyPort {
  return { kind: "name", name, protocol };
}

/** One rule of a policy. */
export function allow(
  peers: PolicyRule<PlacedPeer>["peers"],
  ...ports: readonly PolicyPort[] | readonly ["any"]
): PolicyRule<PlacedPeer> {
  const [first] = ports;
  return first === "any" ? { peers, ports: "any" } : { peers, ports: ports.filter((one) => one !== "any") };
}

/** A policy; a direction that is not given is not spoken of. */
export function policy(
  name: string,
  subject: Policy<PlacedPeer>["subject"],
  over: Partial<Pick<Policy<PlacedPeer>, "ingress" | "egress" | "sever">>,
): Policy<PlacedPeer> {
  return { name, subject, ingress: null, egress: null, sever: null, ...over };
}

/** A route by host name over a set. */
export function httpRoute(lb: string): Route {
  return { kind: "http", lb, hosts: ["shop.example.com"], path: "/", tls: "auto", redirect: true };
}

/** A route by a port of its own. */
export function portRoute(lb: string, number: number, from: "anyone" | "fleet" = "anyone"): Route {
  return { kind: "port", lb, port: number, mode: "tcp", from };
}

/** TCP or UDP ports as a rule matches them; none: every port. */
export function match(protocol: "tcp" | "udp", ...ports: readonly number[]): FirewallMatch {
  return { protocol, ports: ports.length === 0 ? null : ports.map((number) => ({ from: number, to: number })) };
}

/** A compiled rule; inwards unless told. */
export function ruleFor(source: string, peers: FirewallRule["peers"], over: Partial<FirewallRule> = {}): FirewallRule {
  return { direction: "in", source, peers, match: match("tcp", 80), apps: [], sever: false, ...over };
}

/** A compiled host; isolated outwards where it has rules of that direction. */
export function modelWith(rules: readonly FirewallRule[], over: Partial<FirewallModel> = {}): FirewallModel {
  return { rules, egress: rules.some(({ direction }) => direction === "out"), log: true, ...over };
}
