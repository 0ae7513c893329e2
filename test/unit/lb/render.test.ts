import { checkHost } from "../../../src/lb/check-host.ts";
import { afterAll, describe, expect, test } from "vitest";
import { sectionsOf } from "../../../src/lb/origins.ts";
import type { LbRender } from "../../../src/lb/render.ts";
import { renderLb } from "../../../src/lb/render.ts";
import type { LbApp, LbModel, LbRoute, LbSet } from "../../../src/model/lb.ts";
import { BALANCING, EDGE, HAPROXY_TEMPLATE, HEALTH, shopModel } from "../../support/balancer.ts";
import { realHaproxy } from "../../support/haproxy.ts";

const SERVERS = [{ name: "app1", address: "192.0.2.1", port: 8080 }];
const SECURE: LbSet = { ...EDGE, certificates: [{ name: "shop", fingerprint: "aa", names: [] }] };

function app(name: string, routes: readonly LbRoute[], over: Partial<LbApp> = {}): LbApp {
  return {
    app: name,
    routes,
    checkHost: checkHost(routes),
    health: HEALTH,
    balancing: BALANCING,
    servers: SERVERS,
    ...over,
  };
}

function model(apps: readonly LbApp[], set: LbSet = EDGE): LbModel {
  return { set, apps: Object.fromEntries(apps.map((each) => [each.app, each])) };
}

const render = (of: LbModel, template = HAPROXY_TEMPLATE): LbRender => renderLb(template, of, new Set());
const http = (host: string | null, path = "/", tls: "none" | "redirect" = "none"): LbRoute => ({
  kind: "http",
  host,
  path,
  tls,
});
const port = (number: number, mode: "tcp" | "http" = "tcp"): LbRoute => ({
  kind: "port",
  port: number,
  mode,
  from: "anyone",
});
const through = (host: string): LbRoute => ({ kind: "passthrough", host });

describe("what cannot be", () => {
  const header = (name: string, value: string): LbApp =>
    app("shop", [http("a.internal")], {
      balancing: { ...BALANCING, headers: { request: {}, response: { [name]: value } } },
    });

  test.for<[string, LbModel, string]>([
    [
      "two apps on one route",
      model([app("a", [http("x.internal")]), app("b", [http("x.internal")])]),
      "a and b both claim the route x.internal/",
    ],
    ["a route twice", model([app("a", [http(null, "/x"), http(null, "/x/")])]), "a claims the route */x/ twice"],
    [
      "a name both opened and passed through",
      model([app("a", [http("x.internal", "/", "redirect")]), app("b", [through("x.internal")])], SECURE),
      "a and b both claim the route x.internal",
    ],
    [
      "https without a certificate",
      model([app("a", [http("x.internal", "/", "redirect")])]),
      "a wants https on edge, which has no certificate",
    ],
    [
      "HTTP and TCP in one app",
      model([app("a", [http("x.internal"), port(5432)])]),
      "a has routes that carry HTTP and routes that carry TCP",
    ],
    [
      "headers in TCP",
      model([{ ...header("X-A", "b"), routes: [port(5432)] }]),
      "shop sets the header X-A, but its routes carry TCP",
    ],
    [
      "a header of HAProxy's own",
      model([header("Transfer-Encoding", "chunked")]),
      "the header Transfer-Encoding is HAProxy's own",
    ],
    ["a header of two lines", model([header("X-A", "b\r\nX-C: d")]), "the value of header X-A"],
    [
      "a port taken by routes",
      model([app("a", [port(80)])]),
      "port 80 is bound by frontend drover_http and by frontend drover_port_80",
    ],
    ["a port of two apps", model([app("a", [port(5432)]), app("b", [port(5432)])]), "port 5432 is bound by"],
    ["the port of metrics", model([app("a", [port(8404)])]), "port 8404 is bound by"],
  ])("%s is refused", ([, of, says]) => {
    expect(() => render(of)).toThrow(says);
  });

  test.for<[string, string, string]>([
    ["a name that is not there", HAPROXY_TEMPLATE.replace("{{hardStopAfter}}", "{{hardStop}}"), "cannot be filled in"],
    ["broken handlebars", `${HAPROXY_TEMPLATE}{{#if`, "cannot be filled in"],
    [
      "no backend for a map's value",
      HAPROXY_TEMPLATE.replace("backend {{name}}", "backend x{{name}}"),
      "sends shop.lab.internal/ to shop",
    ],
    [
      "a file that is not sent",
      `${HAPROXY_TEMPLATE}# /etc/haproxy/drover/errors/503\nx /etc/haproxy/drover/503`,
      "it names /etc/haproxy/drover/503",
    ],
    [
      "no servers",
      HAPROXY_TEMPLATE.replace("    server {{name}} {{at}} {{words}}{{mark}}\n", ""),
      "has no server app1 at",
    ],
    ["servers elsewhere", HAPROXY_TEMPLATE.replace("{{at}}", "192.0.2.99:80"), "has no server app1 at"],
    ["no socket", HAPROXY_TEMPLATE.replace(/    stats socket .*\n/, ""), 'it has no line "stats socket'],
    ["a socket that takes no orders", HAPROXY_TEMPLATE.replace(" level admin", ""), 'it has no line "stats socket'],
    ["no state file", HAPROXY_TEMPLATE.replace(/    server-state-file .*\n/, ""), 'it has no line "server-state-file'],
    [
      "a state file nobody reads",
      HAPROXY_TEMPLATE.replace(/    load-server-state.*\n/, ""),
      'it has no line "load-server',
    ],
    [
      "nobody who answers keepalived",
      HAPROXY_TEMPLATE.replace("bind {{alive}}", "bind 127.0.0.1:1"),
      'it has no line "bind',
    ],
  ])("a template with %s is refused", ([, template, says]) => {
    expect(() => render(shopModel(), template)).toThrow(says);
  });

  test("a template that drops the marks is refused as soon as there is one", () => {
    const template = HAPROXY_TEMPLATE.replace("{{words}}{{mark}}", "{{mark}} {{words}}");
    expect(() => renderLb(template, shopModel(), new Set(["shop/app1"]))).toThrow("does not end with its mark");
  });

  test("a template that ends without a newline gets one", () => {
    expect(render(shopModel(), `${HAPROXY_TEMPLATE}# end`).config.endsWith("# end\n")).toBe(true);
  });
});

describe("a server's line", () => {
  test("holds all that a server is, so that it can be added at runtime", () => {
    const balancing = { ...BALANCING, slowStart: 10_000, maxConnections: 9 };
    const { config } = render(model([app("shop", [through("x.internal")], { balancing })]));
    expect(config).not.toContain("default-server");
    expect(config).toContain(
      "    server app1 192.0.2.1:8080 check check-ssl verify none check-sni x.internal inter 1s fastinter 100ms fall 3 rise 3 maxconn 9 slowstart 10s\n",
    );
  });
});

describe("where each part comes from", () => {
  test("every part names its template and its file, and together they are the whole", () => {
    const of = model([app("shop", [http("a.internal", "/", "redirect")]), app("db", [port(5432)])], SECURE);
    const rendered = render(of);
    const parts = sectionsOf(
      rendered,
      new Map([
        ["shop", "apps/shop.yaml"],
        ["db", "apps/db.yaml"],
      ]),
      "haproxy.cfg.hbs",
    );
    const headings = parts.map(({ heading }) => heading);
    expect(headings).toContain("haproxy.cfg, backend shop: from haproxy.cfg.hbs and apps/shop.yaml");
    expect(headings).toContain("haproxy.cfg, frontend drover_port_5432: from haproxy.cfg.hbs and apps/db.yaml");
    expect(headings).toContain("haproxy.cfg, frontend drover_http: from haproxy.cfg.hbs and drover.yaml");
    expect(headings).toContain("/etc/haproxy/drover/maps/https.map: from apps/shop.yaml");
    expect(headings).toContain("/etc/haproxy/drover/certs/shop.pem: from drover.yaml");
    const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
    const config = parts.filter(({ heading }) => heading.startsWith("haproxy.cfg")).map(({ text }) => text);
    expect(lines(config.join("\n"))).toEqual(lines(rendered.config));
  });
});

describe("size", () => {
  const real = realHaproxy();
  afterAll(() => real?.close());
  const servers = Array.from({ length: 20 }, (_, n) => ({ name: `app${n}`, address: `10.0.${n}.1`, port: 8080 }));
  const apps = Array.from({ length: 500 }, (_, n) =>
    app(`app-${n}`, [http(`app-${n}.internal`), http("www.internal", `/app-${n}`)], { servers }),
  );

  test("500 apps of 20 instances render in under a second, and HAProxy takes them", () => {
    const began = performance.now();
    const rendered = render(model(apps));
    const took = performance.now() - began;
    console.log(`500 apps x 20 instances: rendered in ${took.toFixed(0)} ms, ${rendered.config.length} characters`);
    expect(rendered.config.match(/^ +server /gm)).toHaveLength(10_000);
    if (process.env["DROVER_PROVE"] !== undefined) expect(took).toBeLessThan(1000);
    if (real !== null) expect(real.refusal(rendered)).toBeNull();
  });
});
