import Handlebars from "handlebars";
import type { LbApp, LbFile, LbModel } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import { haproxyCount, haproxyName, haproxyTime, probePath, routeHost, routePath, serverAddress } from "./syntax.ts";

/** What a balancer's HAProxy reads: haproxy.cfg, and the files it names. */
export interface LbRender {
  readonly config: string;
  readonly files: readonly LbFile[];
}

/** One `use_backend` rule; the prefix is host, path and a closing slash. */
interface RouteView {
  readonly backend: string;
  readonly prefix: string;
}

interface AppView {
  readonly name: string;
  readonly probe: { readonly path: string; readonly host: string } | null;
  readonly interval: string;
  readonly timeout: string;
  readonly fall: string;
  readonly rise: string;
  readonly servers: readonly { readonly name: string; readonly at: string; readonly mark: string }[];
}

function httpRoutes(app: LbApp): readonly Extract<LbApp["routes"][number], { kind: "http" }>[] {
  return app.routes.filter((route) => route.kind === "http");
}

function appView(app: LbApp, disabled: ReadonlySet<string>): AppView {
  const { health } = app;
  const [first] = httpRoutes(app);
  const host = first?.host ?? "localhost";
  return {
    name: haproxyName(app.app),
    probe: health.probe.kind === "http" ? { path: probePath(health.probe.path), host: routeHost(host) } : null,
    interval: haproxyTime(health.interval),
    timeout: haproxyTime(health.timeout),
    fall: haproxyCount(health.failureThreshold),
    rise: haproxyCount(health.successThreshold),
    servers: app.servers.map((server) => ({
      name: haproxyName(server.name),
      at: serverAddress(server),
      mark: disabled.has(`${app.app}/${server.name}`) ? " disabled" : "",
    })),
  };
}

/** Longest path first, so that HAProxy's first match is the longest; then by text, so that the bytes are stable. */
function byLength(left: RouteView, right: RouteView): number {
  return right.prefix.length - left.prefix.length || (left.prefix < right.prefix ? -1 : 1);
}

function routeViews(apps: readonly LbApp[]): readonly RouteView[] {
  const routes = apps.flatMap((app) =>
    httpRoutes(app).map(({ host, path }) => ({
      backend: haproxyName(app.app),
      prefix: `${routeHost(host ?? "")}${routePath(path)}/`,
    })),
  );
  const owners = new Map<string, string>();
  for (const { prefix, backend } of routes) {
    const owner = owners.get(prefix);
    if (owner !== undefined) {
      throw new DroverError(
        failure("files-invalid", `${owner} and ${backend} both claim the route ${prefix}`, "run drover validate"),
      );
    }
    owners.set(prefix, backend);
  }
  return routes.toSorted(byLength);
}

/**
 * The text of haproxy.cfg: pure and byte-stable, ending in a newline (HAProxy refuses a file that does not).
 * `disabled` holds "backend/server" of servers that must not serve yet or any more; names it does not know are ignored.
 * Throws a DroverError where a value would not be safe in HAProxy's syntax.
 */
export function renderLb(template: string, model: LbModel, disabled: ReadonlySet<string>): LbRender {
  const apps = Object.values(model.apps).toSorted((left, right) => (left.app < right.app ? -1 : 1));
  const text = compiled(template)({ routes: routeViews(apps), apps: apps.map((app) => appView(app, disabled)) });
  return { config: text.endsWith("\n") ? text : `${text}\n`, files: [] };
}

const templates = new Map<string, ReturnType<typeof Handlebars.compile>>();

/** Compiles each template once: it takes far longer than rendering, and a plan renders every balancer many times. */
function compiled(template: string): ReturnType<typeof Handlebars.compile> {
  // An own environment: nobody else's helpers or partials reach this template.
  const render = templates.get(template) ?? Handlebars.create().compile(template, { strict: true, noEscape: true });
  templates.set(template, render);
  return render;
}
