import type { LbApp, LbFile, LbModel } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import { routedBy } from "./follow.ts";
import { CERTS, CRT_LIST, MAPS } from "./paths.ts";
import { certificateName, haproxyName, ipAddress, routeHost, routePath } from "./syntax.ts";

/** The maps, by what they decide. */
export const MAP_FILES: Readonly<Record<"http" | "https" | "sni" | "fleet", string>> = {
  http: `${MAPS}/http.map`,
  https: `${MAPS}/https.map`,
  sni: `${MAPS}/sni.map`,
  fleet: `${MAPS}/fleet.map`,
};

/** Helper backends that a map may name; the template has to define them. */
const REDIRECT = "drover_redirect";
const MISDIRECTED = "drover_misdirected";
const TERMINATED = "drover_tls";

/** Answers over plain http even where the rest is redirected: a certificate's issuer asks here (RFC 8555 §8.3). */
const ACME = "/.well-known/acme-challenge";

/** One line of a map, with the app that wants it. */
interface Entry {
  readonly key: string;
  readonly value: string;
  readonly app: string;
}

type HttpRoute = Extract<LbApp["routes"][number], { kind: "http" }>;

/** An http route in the words of the maps: any host is `*`, and a path has no slash at its end. */
interface Claim {
  readonly app: string;
  readonly host: string;
  readonly path: string;
  readonly tls: HttpRoute["tls"];
}

/** All http routes of all apps that `want` picks. */
function httpRoutes(model: LbModel, want: (route: HttpRoute) => boolean): readonly Claim[] {
  return routedBy(model).flatMap(({ app, routes }) =>
    routes
      .filter((route) => route.kind === "http")
      .filter(want)
      .map(({ host, path, tls }) => ({
        app: haproxyName(app),
        host: host === null ? "*" : routeHost(host),
        path: routePath(path),
        tls,
      })),
  );
}

function passthroughHosts(model: LbModel): readonly { readonly app: string; readonly host: string }[] {
  return routedBy(model).flatMap(({ app, routes }) =>
    routes
      .filter((route) => route.kind === "passthrough")
      .map(({ host }) => ({ app: haproxyName(app), host: routeHost(host) })),
  );
}

/** The entry that keeps the challenge's path of one host out of the redirect, if some route of that host covers it. */
function acmeEntry(routes: readonly Claim[]): readonly Entry[] {
  const covering = routes
    .filter(({ path }) => `${ACME}/`.startsWith(`${path}/`))
    .toSorted((left, right) => right.path.length - left.path.length)[0];
  if (covering?.tls !== "redirect" || covering.path === ACME) return [];
  return [{ key: `${covering.host}${ACME}/`, value: covering.app, app: covering.app }];
}

function httpEntries(model: LbModel): readonly Entry[] {
  const routes = httpRoutes(model, () => true);
  const challenges = [...Map.groupBy(routes, ({ host }) => host).values()].flatMap(acmeEntry);
  const entries = routes.map(({ app, host, path, tls }) => ({
    key: `${host}${path}/`,
    value: tls === "redirect" && !`${path}/`.startsWith(`${ACME}/`) ? REDIRECT : app,
    app,
  }));
  return [...entries, ...challenges];
}

/** A passthrough name that arrives here came over the connection of another name, whose certificate covers both. */
function httpsEntries(model: LbModel): readonly Entry[] {
  const routes = httpRoutes(model, ({ tls }) => tls !== "none");
  return [
    ...routes.map(({ app, host, path }) => ({ key: `${host}${path}/`, value: app, app })),
    ...passthroughHosts(model).map(({ app, host }) => ({ key: `${host}/`, value: MISDIRECTED, app })),
  ];
}

/** Names served here are in it too, so that one of them wins over a passthrough wildcard. */
function sniEntries(model: LbModel): readonly Entry[] {
  const here = new Set(httpRoutes(model, ({ host, tls }) => host !== null && tls !== "none").map(({ host }) => host));
  const taken = passthroughHosts(model).find(({ host }) => here.has(host));
  if (taken !== undefined) {
    const [owner] = httpRoutes(model, ({ host, tls }) => host === taken.host && tls !== "none");
    throw claimed(owner?.app ?? "", taken.app, taken.host);
  }
  return [
    ...passthroughHosts(model).map(({ app, host }) => ({ key: host, value: app, app })),
    ...[...here].map((host) => ({ key: host, value: TERMINATED, app: "" })),
  ];
}

function claimed(one: string, other: string, route: string): DroverError {
  const who =
    one === other ? `${one} claims the route ${route} twice` : `${one} and ${other} both claim the route ${route}`;
  return new DroverError(failure("files-invalid", who, "run drover validate"));
}

/** The text of a map: a comment, then one entry per line in byte order. Throws where two entries have one key. */
function mapText(says: string, entries: readonly Entry[]): string {
  const byKey = new Map<string, Entry>();
  for (const entry of entries) {
    const other = byKey.get(entry.key);
    if (other !== undefined) throw claimed(other.app, entry.app, entry.key);
    byKey.set(entry.key, entry);
  }
  const lines = [...byKey.values()]
    .toSorted((left, right) => (left.key < right.key ? -1 : 1))
    .map(({ key, value }) => `${key} ${value}\n`);
  return `# Written by drover: ${says}.\n${lines.join("")}`;
}

function text(path: string, content: string): LbFile {
  return { kind: "text", path, text: content };
}

/** True when some app's TLS is handed through unopened. */
export function passesThrough(model: LbModel): boolean {
  return passthroughHosts(model).length > 0;
}

/** True when some route is open to the fleet's hosts only. */
function fleetOnly(app: Pick<LbApp, "routes">): boolean {
  return app.routes.some((route) => route.kind === "port" && route.from === "fleet");
}

function certificateFiles({ set }: LbModel): readonly LbFile[] {
  if (set === null || set.certificates.length === 0) return [];
  const files = set.certificates.map(({ name, fingerprint }): LbFile => {
    const path = `${CERTS}/${certificateName(name)}.pem`;
    return { kind: "certificate", path, ref: `lb/${set.name}/${name}`, fingerprint };
  });
  return [text(CRT_LIST, files.map(({ path }) => `${path}\n`).join("")), ...files];
}

/**
 * The files beside haproxy.cfg, in the order of their paths: pure and byte-stable. Which of them exist follows from the
 * set, not from single routes, so that a route that comes or goes changes entries only.
 */
export function lbFiles(model: LbModel): readonly LbFile[] {
  const { set } = model;
  if (set === null) return [];
  const files = [text(MAP_FILES.http, mapText("where plain http requests go, by host and path", httpEntries(model)))];
  const secure = set.certificates.length > 0;
  if (!secure) {
    const [naked] = httpRoutes(model, ({ tls }) => tls !== "none");
    if (naked !== undefined) {
      const why = `${naked.app} wants https on ${set.name}, which has no certificate`;
      throw new DroverError(failure("files-invalid", why, `give loadBalancers.${set.name} certificates`));
    }
  }
  if (secure)
    files.push(text(MAP_FILES.https, mapText("where https requests go, by host and path", httpsEntries(model))));
  if (passesThrough(model)) {
    files.push(text(MAP_FILES.sni, mapText("where TLS goes, by the name the client asks for", sniEntries(model))));
  }
  if (routedBy(model).some(fleetOnly)) {
    const members = set.fleet.map((address) => ({ key: ipAddress(address), value: "1", app: "" }));
    files.push(text(MAP_FILES.fleet, mapText("the addresses of the fleet's hosts", members)));
  }
  return [...files, ...certificateFiles(model)].toSorted((left, right) => (left.path < right.path ? -1 : 1));
}
