import type { LbApp, LbFollow, LbSet } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import { followView } from "./follow.ts";
import type { FollowView } from "./follow.ts";
import { headerViews } from "./headers.ts";
import type { HeaderView } from "./headers.ts";
import { haproxyCount, haproxyName, haproxyTime, probePath, routeHost, serverAddress, wholeNumber } from "./syntax.ts";

/** An app's backend as the template sees it. */
export interface AppView {
  readonly name: string;
  /** True: its traffic is TCP, so that nothing of HTTP applies. */
  readonly tcp: boolean;
  readonly algorithm: string;
  readonly timeouts: readonly { readonly name: string; readonly time: string }[];
  readonly silent: boolean;
  readonly requestHeaders: readonly HeaderView[];
  readonly responseHeaders: readonly HeaderView[];
  /** Seconds; null: no such header. */
  readonly hsts: string | null;
  readonly probe: { readonly path: string; readonly host: string } | null;
  readonly servers: readonly {
    readonly name: string;
    readonly at: string;
    /** Everything after the address but the mark. */
    readonly words: string;
    /** ` disabled`, or nothing: always the end of the line. */
    readonly mark: string;
  }[];
  /** Where its servers are not in the files but in DNS; else null. */
  readonly follow: (FollowView & { readonly words: string }) | null;
}

/** An app, or a service that is followed, without its servers. */
type Routed = Omit<LbApp, "servers">;

/** HAProxy's backends have one mode, and a server is named by app and host alone: so an app has one backend. */
function isTcp(app: Routed): boolean {
  const modes = new Set(
    app.routes.map((route) =>
      route.kind === "passthrough" || (route.kind === "port" && route.mode === "tcp") ? "tcp" : "http",
    ),
  );
  if (modes.size < 2) return modes.has("tcp");
  throw new DroverError(
    failure(
      "files-invalid",
      `${app.app} has routes that carry HTTP and routes that carry TCP`,
      "make two apps of it, or give its routes one mode",
    ),
  );
}

function withoutHeaders(app: Routed): void {
  const { request, response } = app.balancing.headers;
  const [name] = [...Object.keys(request), ...Object.keys(response)];
  if (name === undefined) return;
  const why = `${app.app} sets the header ${name}, but its routes carry TCP`;
  throw new DroverError(failure("files-invalid", why, "take balancing.headers out of it"));
}

/** Takes effect only after maintenance or a failed check; a drained server gets its whole share at once. */
function slowStart(app: Routed): readonly string[] {
  const { slowStart: time } = app.balancing;
  return time === 0 ? [] : ["slowstart", haproxyTime(time)];
}

/**
 * The words of a server's line after its address. All of them are taken by the runtime command "add server" too
 * (management.txt §9.3), which knows no default-server: what is added at runtime is what a reload would make.
 */
function serverWords(app: Routed, sni: string | null): string {
  const { health, balancing } = app;
  const tls = sni === null ? [] : ["check-ssl", "verify", "none", "check-sni", sni];
  return [
    "check",
    ...tls,
    "inter",
    haproxyTime(health.interval),
    "fastinter",
    // While a server changes, the thresholds are what counts, not the interval between checks in quiet times.
    "100ms",
    "fall",
    haproxyCount(health.failureThreshold),
    "rise",
    haproxyCount(health.successThreshold),
    "maxconn",
    wholeNumber("the connections of one instance", balancing.maxConnections, { min: 1, max: 1_000_000 }),
    ...slowStart(app),
  ].join(" ");
}

function timeoutViews(app: Routed): AppView["timeouts"] {
  const { connect, server, queue, tunnel } = app.balancing.timeouts;
  const own = Object.entries({ connect, server, queue, tunnel }).flatMap(([name, time]) =>
    time === null ? [] : [{ name, time: haproxyTime(time) }],
  );
  return [{ name: "check", time: haproxyTime(app.health.timeout) }, ...own];
}

function hstsSeconds(app: Routed, set: LbSet | null): string | null {
  const seconds = app.balancing.hsts ?? set?.settings.tls.hsts ?? 0;
  if (seconds === 0 || (set?.certificates.length ?? 0) === 0) return null;
  return wholeNumber("hsts", seconds, { min: 1, max: 10_000_000_000 });
}

/** An app as its backend is written; `disabled` holds "backend/server". */
export function appView(app: LbApp, set: LbSet | null, disabled: ReadonlySet<string>): AppView {
  const { words, ...backend } = backendView(app, set);
  const servers = app.servers.map((server) => ({
    name: haproxyName(server.name),
    at: serverAddress(server),
    words,
    mark: disabled.has(`${app.app}/${server.name}`) ? " disabled" : "",
  }));
  return { ...backend, servers, follow: null };
}

/** A followed service as its backend is written. */
export function followedView(service: LbFollow, set: LbSet | null): AppView {
  const { words, ...backend } = backendView(service, set);
  return { ...backend, servers: [], follow: { ...followView(service), words } };
}

function backendView(app: Routed, set: LbSet | null): Omit<AppView, "servers" | "follow"> & { readonly words: string } {
  const { health, balancing } = app;
  const name = haproxyName(app.app);
  const tcp = isTcp(app);
  if (tcp) withoutHeaders(app);
  const host = routeHost(app.checkHost ?? "localhost");
  const http = health.probe.kind === "http";
  // An app that ends TLS itself answers its health check over TLS too. Its certificate is the clients' to verify.
  const overTls = http && app.routes.some(({ kind }) => kind === "passthrough");
  const words = serverWords(app, overTls ? host : null);
  return {
    name,
    tcp,
    algorithm: balancing.algorithm === "leastconn" ? "leastconn" : "roundrobin",
    timeouts: timeoutViews(app),
    silent: !balancing.log,
    requestHeaders: headerViews(balancing.headers.request),
    responseHeaders: tcp ? [] : headerViews(set?.settings.responseHeaders ?? {}, balancing.headers.response),
    hsts: tcp ? null : hstsSeconds(app, set),
    probe: health.probe.kind === "http" ? { path: probePath(health.probe.path), host } : null,
    words,
  };
}
