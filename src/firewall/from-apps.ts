import type { FirewallRule } from "../model/firewall.ts";
import type { Route } from "../model/fleet.ts";
import type { TopologyApp } from "../model/topology.ts";
import { type Ground, hostsOfApp, type Placement } from "./ground.ts";
import { matchPort, rulesOfParts } from "./parts.ts";
import { type Addresses, ANYONE } from "./prefixes.ts";

/** From some hosts to others at one port, for these apps. */
interface Flow {
  readonly source: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly port: number;
  readonly apps: readonly string[];
}

function place(ground: Ground, flow: Flow, direction: FirewallRule["direction"], addresses: Addresses): Placement[] {
  const { source, port, apps } = flow;
  const hosts = direction === "in" ? flow.to : flow.from.filter((host) => ground.isolated.has(host));
  if (hosts.length === 0) return [];
  const head = { direction, source, sever: ground.firewall.sever };
  const parts = [{ matches: [matchPort("tcp", port)], addresses, apps }];
  return rulesOfParts(ground, head, parts).map((rule) => ({ hosts, rule }));
}

function bothEnds(ground: Ground, flow: Flow): readonly Placement[] {
  return [
    ...place(ground, flow, "in", ground.addressesOf(flow.from)),
    ...place(ground, flow, "out", ground.addressesOf(flow.to)),
  ];
}

function fromRoute(ground: Ground, app: TopologyApp, route: Route, source: string): readonly Placement[] {
  const balancers = ground.topology.balancers.find(({ name }) => name === route.lb)?.hosts ?? [];
  const to = hostsOfApp(ground, app.name);
  const apps = [app.name];
  const inside = app.port === null ? [] : bothEnds(ground, { source, from: balancers, to, port: app.port, apps });
  if (route.kind !== "port") return inside;
  const clients = route.from === "anyone" ? ANYONE : ground.addressesOf(ground.hosts);
  const flow: Flow = { source, from: [], to: balancers, port: route.port, apps };
  return [...place(ground, flow, "in", clients), ...inside];
}

function fromTalk(ground: Ground, app: TopologyApp, to: string, source: string): readonly Placement[] {
  const port = ground.apps.get(to)?.port ?? null;
  if (port === null) return [];
  const [from, there] = [hostsOfApp(ground, app.name), hostsOfApp(ground, to)];
  return bothEnds(ground, { source, from, to: there, port, apps: [app.name, to] });
}

/** What the apps' files say: `routes` (also for health checks, which come from the balancers) and `talksTo`. */
export function rulesFromApps(ground: Ground): readonly Placement[] {
  return [...ground.apps.values()].flatMap((app) => [
    ...app.routes.flatMap((route, index) => fromRoute(ground, app, route, `app/${app.name}/routes:${String(index)}`)),
    ...app.talksTo.flatMap((to, index) => fromTalk(ground, app, to, `app/${app.name}/talksTo:${String(index)}`)),
  ]);
}
