import type { LbApp, LbModel } from "../model/lb.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";

/** The text order that canonical JSON uses: by code unit, not by locale. */
function byText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function lbApp(app: TopologyApp, sets: ReadonlySet<string>): LbApp {
  const routes = app.routes
    .filter((route) => sets.has(route.lb))
    .map(({ host, path }) => ({ host, path }))
    .toSorted((left, right) => byText(left.host, right.host) || byText(left.path, right.path));
  const servers = app.instances.flatMap(({ host, address, port }) =>
    port === null ? [] : [{ name: host, address, port }],
  );
  return { app: app.name, routes, health: app.health, servers };
}

/**
 * What one balancer should route: every app with a port and a route on a set this host belongs to.
 * Pure and byte-stable; a host in no set gets an empty model.
 */
export function desiredLb(topology: Topology, balancerHost: string): LbModel {
  const sets = new Set(topology.balancers.filter(({ hosts }) => hosts.includes(balancerHost)).map(({ name }) => name));
  const apps = topology.apps
    .filter((app) => app.port !== null && app.routes.some((route) => sets.has(route.lb)))
    .map((app) => [app.name, lbApp(app, sets)] as const)
    .toSorted(([left], [right]) => byText(left, right));
  return { apps: Object.fromEntries(apps) };
}
