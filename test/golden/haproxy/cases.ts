import { checkHost } from "../../../src/lb/check-host.ts";
import type { LbApp, LbFollow, LbModel, LbRoute, LbSet } from "../../../src/model/lb.ts";
import { BALANCING, EDGE, HEALTH, SETTINGS } from "../../support/balancer.ts";

/** What a case renders. */
export interface Case {
  readonly model: LbModel;
  readonly disabled: readonly string[];
}

const CERTIFICATES: LbSet["certificates"] = [
  { name: "shop", fingerprint: "aa", names: ["shop.example.com"] },
  { name: "wild.example.com", fingerprint: "bb", names: ["*.example.com"] },
];
const SECURE: Partial<LbSet> = { certificates: CERTIFICATES };

function app(name: string, routes: readonly LbRoute[], over: Partial<LbApp> = {}): LbApp {
  const servers = [1, 2].map((n) => ({ name: `app${n}`, address: `192.168.56.${20 + n}`, port: 8080 }));
  return { app: name, routes, checkHost: checkHost(routes), health: HEALTH, balancing: BALANCING, servers, ...over };
}

function of(apps: readonly LbApp[], set: Partial<LbSet> = {}, disabled: readonly string[] = []): Case {
  const byName = Object.fromEntries(apps.map((each) => [each.app, each]));
  return { model: { set: { ...EDGE, ...set }, apps: byName }, disabled };
}

function follow(name: string, routes: readonly LbRoute[], over: Partial<LbFollow> = {}): LbFollow {
  const { servers: _, ...rest } = app(name, routes);
  const nameservers = [{ address: "192.168.56.31", port: 53 }];
  return { ...rest, srv: `_${name}._tcp.svc.example.com`, slots: 10, nameservers, ...over };
}

function http(host: string | null, path = "/", tls: "none" | "redirect" | "both" = "none"): LbRoute {
  return { kind: "http", host, path, tls };
}

const HEADERS = {
  request: { "X-Team": "web 100%", "X-Quote": `it's "5$" \\ # {x}` },
  response: { "Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "SAMEORIGIN" },
};

/** By the name of its folder: one feature each. */
export const CASES: Readonly<Record<string, Case>> = {
  empty: { model: { set: null, apps: {} }, disabled: [] },
  "no-apps": of([]),
  "one-app": of([app("shop", [http("shop.example.com")])]),
  marked: of([app("shop", [http("shop.example.com")])], {}, ["shop/app2", "shop/unknown"]),
  "hosts-list": of([app("shop", [http("shop.example.com"), http("www.example.com")])]),
  wildcard: of([app("shop", [http("shop.example.com")]), app("tenants", [http("*.example.com"), http("*.example.com", "/x")])]),
  "any-host": of([app("shop", [http("shop.example.com")]), app("fallback", [http(null)]), app("robots", [http(null, "/robots.txt")])]),
  prefixes: of([
    app("shop", [http("shop.example.com")]),
    app("api", [http("shop.example.com", "/api"), http("shop.example.com", "/api/v2/")]),
  ]),
  "tls-terminate": of([app("shop", [http("shop.example.com", "/", "redirect")])], SECURE),
  "tls-both": of([app("shop", [http("shop.example.com", "/", "both"), http("shop.example.com", "/plain", "none")])], SECURE),
  "tls-settings": of([app("shop", [http("shop.example.com", "/", "redirect")], { balancing: { ...BALANCING, hsts: 0 } })], {
    ...SECURE,
    settings: { ...SETTINGS, tls: { ...SETTINGS.tls, minVersion: "TLSv1.3", ciphers: [], http2: false } },
  }),
  redirect: of(
    [
      app("shop", [http("shop.example.com", "/", "redirect"), http("*.shop.example.com", "/", "redirect")]),
      app("issuer", [http("shop.example.com", "/.well-known", "redirect")]),
    ],
    SECURE,
  ),
  passthrough: of([app("vault", [{ kind: "passthrough", host: "vault.example.com" }, { kind: "passthrough", host: "*.vault.example.com" }])]),
  "passthrough-and-terminate": of(
    [
      app("vault", [{ kind: "passthrough", host: "*.example.com" }]),
      app("shop", [http("shop.example.com", "/", "redirect")]),
    ],
    SECURE,
  ),
  "port-tcp": of([
    app("db", [{ kind: "port", port: 5432, mode: "tcp", from: "anyone" }], { health: { ...HEALTH, probe: { kind: "tcp" } } }),
  ]),
  "port-http-from-fleet": of([app("orders", [{ kind: "port", port: 9000, mode: "http", from: "fleet" }])], {
    fleet: ["192.168.56.21", "192.168.56.22", "fd00:56::21"],
  }),
  follow: of([app("shop", [http("shop.example.com", "/", "redirect")])], {
    ...SECURE,
    follow: [
      follow("billing", [http("shop.example.com", "/billing", "redirect")], {
        slots: 20,
        nameservers: [
          { address: "192.168.56.31", port: 53 },
          { address: "fd00:56::31", port: 5353 },
        ],
      }),
    ],
  }),
  "follow-tcp": of([], {
    fleet: ["192.168.56.21"],
    follow: [
      follow("ledger", [{ kind: "port", port: 5432, mode: "tcp", from: "fleet" }], {
        health: { ...HEALTH, probe: { kind: "tcp" } },
        balancing: { ...BALANCING, algorithm: "leastconn", log: false },
      }),
      follow("vault", [{ kind: "passthrough", host: "vault.example.com" }]),
    ],
  }),
  headers: of([app("shop", [http("shop.example.com")], { balancing: { ...BALANCING, headers: HEADERS, log: false } })], {
    settings: { ...SETTINGS, responseHeaders: { "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff" } },
  }),
  timeouts: of(
    [
      app("shop", [http("shop.example.com")], {
        balancing: { ...BALANCING, timeouts: { connect: 1500, server: 120_000, queue: 2000, tunnel: 7_200_000 } },
      }),
    ],
    { settings: { ...SETTINGS, hardStopAfter: 900_000, maxConnections: 2000, timeouts: { ...SETTINGS.timeouts, client: 45_000 } } },
  ),
  "leastconn-slowstart": of([
    app("shop", [http("shop.example.com")], {
      balancing: { ...BALANCING, algorithm: "leastconn", slowStart: 10_000, maxConnections: 50 },
    }),
  ]),
  "metrics-and-logs-off": of([app("shop", [http("shop.example.com")])], {
    settings: { ...SETTINGS, metrics: null, log: { target: "192.168.56.9:514", requests: false } },
  }),
  ipv6: of(
    [
      app("shop", [http("shop.example.com")], {
        health: { ...HEALTH, probe: { kind: "tcp" } },
        servers: [{ name: "app1.zone-b", address: "fd00:56::21", port: 8081 }],
      }),
    ],
    { settings: { ...SETTINGS, metrics: { address: "::1", port: 8404 } } },
  ),
};
