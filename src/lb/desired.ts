import type { Follow, Route } from "../model/fleet.ts";
import type { LbApp, LbCertificate, LbFollow, LbModel, LbRoute, LbSet, ServerAddress } from "../model/lb.ts";
import type { Topology, TopologyApp, TopologyBalancer } from "../model/topology.ts";
import { checkHost } from "./check-host.ts";

/** The text order that canonical JSON uses: by code unit, not by locale. */
function byText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

/** `auto` follows the set: where nothing can be shown to a TLS client, plain http is all there is. */
function tlsOf(route: Extract<Route, { kind: "http" }>, certified: boolean): "none" | "redirect" | "both" {
  if (route.tls === "none" || (route.tls === "auto" && !certified)) return "none";
  return route.redirect ? "redirect" : "both";
}

/** One route per host name; no host name is any host. */
function expanded(route: Route, certified: boolean): readonly LbRoute[] {
  switch (route.kind) {
    case "http": {
      const tls = tlsOf(route, certified);
      const hosts = route.hosts.length === 0 ? [null] : route.hosts;
      return hosts.map((host) => ({ kind: "http", host, path: route.path, tls }));
    }
    case "passthrough":
      return route.hosts.map((host) => ({ kind: "passthrough", host }));
    case "port":
      return [{ kind: "port", port: route.port, mode: route.mode, from: route.from }];
  }
}

/** Any order would do, as long as it is always the same; http by host and path reads best. */
function sortKey(route: LbRoute): string {
  switch (route.kind) {
    case "http":
      return `http ${route.host ?? ""} ${route.path}`;
    case "passthrough":
      return `passthrough ${route.host}`;
    case "port":
      return `port ${String(route.port).padStart(5, "0")}`;
  }
}

/** What an app and a followed service have in common. */
function routed(
  { name, routes, health, balancing }: Pick<TopologyApp | Follow, "name" | "routes" | "health" | "balancing">,
  set: string,
  certified: boolean,
): Omit<LbApp, "servers"> {
  const written = routes.filter((route) => route.lb === set).flatMap((route) => expanded(route, certified));
  const sorted = written.toSorted((left, right) => byText(sortKey(left), sortKey(right)));
  return { app: name, routes: sorted, checkHost: checkHost(written), health, balancing };
}

function lbApp(app: TopologyApp, set: string, certified: boolean): LbApp {
  const servers = app.instances.flatMap(({ host, address, port }) =>
    port === null ? [] : [{ name: host, address, port }],
  );
  return { ...routed(app, set, certified), servers };
}

function lbFollow(
  service: Follow,
  of: { readonly set: string; readonly certified: boolean; readonly fleetServers: readonly ServerAddress[] },
): LbFollow {
  const { srv, servers, nameservers } = service;
  const asked = nameservers ?? of.fleetServers;
  if (asked.length === 0) throw new TypeError(`${service.name} is followed and nobody can be asked`);
  return { ...routed(service, of.set, of.certified), srv, slots: servers, nameservers: asked };
}

function fleetOnly(app: Pick<LbApp, "routes">): boolean {
  return app.routes.some((route) => route.kind === "port" && route.from === "fleet");
}

/** A set that follows nothing has no such key, so that it is what it was before there was one. */
function lbSet(
  balancer: TopologyBalancer,
  certificates: readonly LbCertificate[],
  of: { readonly fleet: readonly string[]; readonly follow: readonly LbFollow[] },
): LbSet {
  const { fleet, follow } = of;
  const set = { name: balancer.name, settings: balancer.settings, certificates, fleet };
  return follow.length === 0 ? set : { ...set, follow };
}

/** Addresses of the fleet's hosts, and the VIPs: a balancer that asks its own VIP comes from there. */
function fleetAddresses({ hosts, balancers }: Topology): readonly string[] {
  const vips = balancers.flatMap((each) => each.vips.map(({ address }) => address));
  return [...new Set([...hosts.flatMap(({ addresses }) => addresses), ...vips])].toSorted(byText);
}

/** Where BIND listens on hosts that drover sets up. */
const DNS_PORT = 53;

/** The fleet's own DNS servers. */
function fleetServers({ dns, hosts }: Topology): readonly ServerAddress[] {
  if (dns === null) return [];
  const { servers } = dns;
  if (servers.kind === "addresses") return servers.addresses;
  return servers.hosts.flatMap((name) => {
    const address = hosts.find((host) => host.name === name)?.addresses[0];
    return address === undefined ? [] : [{ address, port: DNS_PORT }];
  });
}

/**
 * What one balancer should route: every app with a port and a route on the set this host belongs to. `certificates` are
 * those of that set, in its order; with none of them, a route's `tls: auto` means plain http. Pure and byte-stable; a host
 * in no set gets an empty model.
 */
export function desiredLb(topology: Topology, balancerHost: string, certificates: readonly LbCertificate[]): LbModel {
  const balancer = topology.balancers.find(({ hosts }) => hosts.includes(balancerHost));
  if (balancer === undefined) return { set: null, apps: {} };
  const apps = topology.apps
    .filter((app) => app.port !== null && app.routes.some((route) => route.lb === balancer.name))
    .map((app) => lbApp(app, balancer.name, certificates.length > 0))
    .toSorted((left, right) => byText(left.app, right.app));
  const common = { set: balancer.name, certified: certificates.length > 0, fleetServers: fleetServers(topology) };
  const follow = (balancer.follow ?? [])
    .map((service) => lbFollow(service, common))
    .toSorted((left, right) => byText(left.app, right.app));
  const fleet = [...apps, ...follow].some(fleetOnly) ? fleetAddresses(topology) : [];
  return {
    set: lbSet(balancer, certificates, { fleet, follow }),
    apps: Object.fromEntries(apps.map((app) => [app.app, app])),
  };
}
