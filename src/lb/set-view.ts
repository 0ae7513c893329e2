import type { LbSettings } from "../model/fleet.ts";
import type { LbApp, LbModel, LbSet } from "../model/lb.ts";
import { routedBy } from "./follow.ts";
import { headerViews } from "./headers.ts";
import type { HeaderView } from "./headers.ts";
import { MAP_FILES, passesThrough } from "./maps.ts";
import { CRT_LIST } from "./paths.ts";
import { cipherList, haproxyName, haproxyTime, logTarget, serverAddress, tcpPort, wholeNumber } from "./syntax.ts";

/** Where keepalived asks whether HAProxy lives. */
const ALIVE = "127.0.0.1:8405";

/** Connections beyond what one frontend takes, so that checks and metrics get through when it is full. */
const SPARE_CONNECTIONS = 100;

/** What clients may not say of themselves: apps believe these headers because a balancer sets or drops them. */
const CLIENT_HEADERS: readonly string[] = [
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Proto",
  "X-Real-IP",
  "Forwarded",
];

/** What a host in no set runs: nothing that a client could reach. */
const NO_SET: LbSettings = {
  maxConnections: 1000,
  timeouts: {
    connect: 3000,
    client: 30_000,
    server: 60_000,
    queue: 5000,
    httpRequest: 10_000,
    httpKeepAlive: 10_000,
    tunnel: 3_600_000,
    clientFin: 5000,
  },
  hardStopAfter: 300_000,
  tls: { minVersion: "TLSv1.2", ciphers: [], cipherSuites: [], hsts: 0, http2: true },
  metrics: null,
  log: { target: "/dev/log", requests: true },
  responseHeaders: {},
};

/** A port of an app's own. */
interface PortView {
  readonly name: string;
  readonly port: number;
  readonly tcp: boolean;
  readonly fleetOnly: boolean;
  readonly backend: string;
}

/** Everything of a balancer but its apps' backends, as the template sees it. */
export interface SetView {
  readonly log: { readonly target: string; readonly requests: boolean };
  readonly maxConnections: { readonly process: string; readonly frontend: string };
  readonly hardStopAfter: string;
  readonly timeouts: Readonly<Record<string, string>>;
  /** Null: the set has no certificate. */
  readonly tls: {
    readonly minVersion: string;
    readonly ciphers: string;
    readonly cipherSuites: string;
    readonly crtList: string;
    readonly alpn: string;
  } | null;
  readonly alive: string;
  /** Null: nowhere. */
  readonly metrics: string | null;
  /** False: the host is in no set, and listens for nobody. */
  readonly listens: boolean;
  readonly passthrough: boolean;
  readonly clientHeaders: readonly string[];
  readonly responseHeaders: readonly HeaderView[];
  readonly maps: Readonly<Record<"http" | "https" | "sni" | "fleet", string>>;
  readonly ports: readonly PortView[];
}

function tlsView(set: LbSet | null): SetView["tls"] {
  if (set === null || set.certificates.length === 0) return null;
  const { minVersion, ciphers, cipherSuites, http2 } = set.settings.tls;
  return {
    minVersion: minVersion === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: cipherList(ciphers),
    cipherSuites: cipherList(cipherSuites),
    crtList: CRT_LIST,
    alpn: http2 ? "h2,http/1.1" : "http/1.1",
  };
}

function portViews(apps: readonly Pick<LbApp, "app" | "routes">[]): readonly PortView[] {
  return apps
    .flatMap(({ app, routes }) =>
      routes
        .filter((route) => route.kind === "port")
        .map((route) => ({
          name: `drover_port_${tcpPort(route.port)}`,
          port: route.port,
          tcp: route.mode === "tcp",
          fleetOnly: route.from === "fleet",
          backend: haproxyName(app),
        })),
    )
    .toSorted((left, right) => left.port - right.port);
}

function metricsAt({ metrics }: LbSettings): string | null {
  if (metrics === null) return null;
  return metrics.address === "*" ? `*:${tcpPort(metrics.port)}` : serverAddress(metrics);
}

/** A balancer as the template sees it, without its apps' backends. */
export function setView(model: LbModel): SetView {
  const { set } = model;
  const settings = set?.settings ?? NO_SET;
  const connections = wholeNumber("maxConnections", settings.maxConnections, { min: 1, max: 10_000_000 });
  return {
    log: { target: logTarget(settings.log.target), requests: settings.log.requests },
    maxConnections: { process: String(settings.maxConnections + SPARE_CONNECTIONS), frontend: connections },
    hardStopAfter: haproxyTime(settings.hardStopAfter),
    timeouts: Object.fromEntries(Object.entries(settings.timeouts).map(([name, time]) => [name, haproxyTime(time)])),
    tls: tlsView(set),
    alive: ALIVE,
    metrics: metricsAt(settings),
    listens: set !== null,
    passthrough: set !== null && passesThrough(model),
    clientHeaders: CLIENT_HEADERS,
    responseHeaders: headerViews(settings.responseHeaders),
    maps: MAP_FILES,
    ports: set === null ? [] : portViews(routedBy(model)),
  };
}
