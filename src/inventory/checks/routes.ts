import type { Diagnostic, Place, Route } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, formatPlace, keyPlaceOf, placeOf } from "../diagnostics.ts";
import type { Path } from "../places.ts";
import { suggest } from "../suggest.ts";
import { claimsOf } from "./claims.ts";
import { routedIn } from "./routed.ts";
import type { Routed } from "./routed.ts";
import type { PlacedApp, World } from "./world.ts";

/** One route where it is written. */
interface Written {
  readonly to: Routed;
  readonly path: Path;
  readonly route: Route;
}

/** Routes lead from a balancer set that can carry them to what has a port, and each to one place only. */
export function checkRoutes(world: World): readonly Diagnostic[] {
  const all = routedIn(world);
  const written = all.flatMap((to) =>
    to.routes.map((route, index): Written => ({ to, path: [...to.at, "routes", index], route })),
  );
  return [
    ...world.apps.flatMap(checkApp),
    ...all.flatMap(checkKinds),
    ...written.flatMap((each) => checkSet(world, each)),
    ...checkClaims(world, written),
  ];
}

function checkApp({ file, fields: { routes = [], port } }: PlacedApp): readonly Diagnostic[] {
  if (routes.length === 0 || port !== null) return [];
  return [complain(file, ["routes"], "expected no routes, got some for an app without port (add port: NUMBER)")];
}

function checkKinds(to: Routed): readonly Diagnostic[] {
  return [...to.routes.flatMap((route, index) => checkLayer(to, route, index)), ...checkHeaders(to)];
}

/** An app is one backend on its balancers, and a backend either reads requests or hands bytes through. */
function checkLayer({ file, at, kind, routes }: Routed, route: Route, index: number): readonly Diagnostic[] {
  const [first] = routes;
  if (first === undefined || isTcp(route) === isTcp(first)) return [];
  const says = (each: Route): string => (isTcp(each) ? "hands connections through" : "reads requests");
  const other = formatPlace(placeOf(file, [...at, "routes", 0]));
  const message = `expected a route that ${says(first)}, like the first (${other}), got one that ${says(route)}: ${kind} has one kind`;
  return [complain(file, [...at, "routes", index], message)];
}

function checkHeaders({ file, at, kind, routes, balancing }: Routed): readonly Diagnostic[] {
  const { request = {}, response = {} } = balancing?.headers ?? {};
  const has = Object.keys(request).length + Object.keys(response).length > 0;
  if (!has || !routes.some(isTcp)) return [];
  const message = `expected none, got some for ${kind} whose requests nobody reads`;
  return [complain(file, [...at, "balancing", "headers"], message)];
}

function isTcp(route: Route): boolean {
  return route.kind === "passthrough" || (route.kind === "port" && route.mode === "tcp");
}

/** The route's set exists, has the certificates it needs, and its balancers do not need the route's port themselves. */
function checkSet(world: World, { to, path, route }: Written): readonly Diagnostic[] {
  const { balancers, drover } = world;
  if (balancers === null) return [];
  const set = balancers.find(({ name }) => name === route.lb);
  if (set === undefined) {
    const names = balancers.map(({ name }) => name);
    return [complain(to.file, [...path, "lb"], unknownSet(route.lb, names))];
  }
  const at = (key: string): string => formatPlace(keyPlaceOf(drover.file, ["loadBalancers", set.name, key]));
  if (route.kind === "http" && route.tls === "terminate" && set.fields.certificates.length === 0)
    return [
      complain(to.file, [...path, "tls"], `expected a set with certificates, got ${set.name} (${at("hosts")}) without`),
    ];
  if (route.kind !== "port") return [];
  const wrong = (owner: string): Diagnostic =>
    complain(to.file, [...path, "port"], `expected a port that is free on ${set.name}, got ${route.port} of ${owner}`);
  const { ssh } = drover.fields;
  if (ssh?.port === route.port) return [wrong(`sshd (${formatPlace(placeOf(drover.file, ["ssh", "port"]))})`)];
  return set.fields.settings.metrics?.port === route.port ? [wrong(`its metrics (${at("metrics")})`)] : [];
}

function unknownSet(lb: string, names: readonly string[]): string {
  const meant = suggest(lb, names);
  const hint = meant === null ? "" : `, did you mean ${quote(meant)}?`;
  const expected =
    names.length === 0
      ? "a balancer set of drover.yaml, which has none"
      : `${names.length === 1 ? "" : "one of "}${names.join(", ")}`;
  return `expected ${expected}, got ${quote(lb)}${hint}`;
}

/** No two routes may want the same requests. */
function checkClaims({ balancers }: World, written: readonly Written[]): readonly Diagnostic[] {
  const first = new Map<string, { readonly to: Routed; readonly place: Place }>();
  const wrong: Diagnostic[] = [];
  for (const { to, path, route } of written) {
    const hasTls = (balancers?.find(({ name }) => name === route.lb)?.fields.certificates.length ?? 0) > 0;
    const list = placesOfHosts(path, route);
    for (const { takes, minds, host, says } of claimsOf(route, hasTls)) {
      const at = list[host] ?? path;
      const other = minds.map((key) => first.get(key)).find((claim) => claim !== undefined);
      for (const key of takes) if (!first.has(key)) first.set(key, { to, place: placeOf(to.file, at) });
      if (other === undefined) continue;
      const owner = `${other.to.name ?? "another app"} (${formatPlace(other.place)})`;
      const got = `${says} on ${route.lb}, which leads to ${owner}`;
      wrong.push(complain(to.file, at, `expected a route of its own, got ${got}`));
    }
  }
  return wrong;
}

/** Where each host of a list stands; none where the route names a single one, and so stands for it. */
function placesOfHosts(path: Path, route: Route): readonly Path[] {
  if (route.kind === "port" || route.hosts.length < 2) return [];
  return route.hosts.map((_host, index) => [...path, "host", index]);
}
