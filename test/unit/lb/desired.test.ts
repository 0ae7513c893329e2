import { describe, expect, test } from "vitest";
import { desiredLb } from "../../../src/lb/desired.ts";
import type { Route } from "../../../src/model/fleet.ts";
import type { LbCertificate } from "../../../src/model/lb.ts";
import type { Topology, TopologyApp, TopologyBalancer } from "../../../src/model/topology.ts";
import { BALANCING, SETTINGS } from "../../support/balancer.ts";
import { exampleApp } from "../../support/release.ts";

const CERTIFICATE: LbCertificate = { name: "shop", fingerprint: "aa", names: ["shop.internal"] };

function balancer(name: string, hosts: readonly string[]): TopologyBalancer {
  return {
    name,
    hosts,
    vips: [{ address: "192.0.2.10", prefix: 24 }],
    virtualRouterId: 51,
    failover: "standard",
    interface: null,
    certificates: [],
    settings: SETTINGS,
  };
}

function http(
  lb: string,
  hosts: readonly string[],
  path: string,
  over: Partial<Extract<Route, { kind: "http" }>> = {},
): Route {
  return { kind: "http", lb, hosts, path, tls: "auto", redirect: true, ...over };
}

function app(
  name: string,
  hosts: readonly string[],
  routes: readonly Route[],
  port: number | null = 8080,
): TopologyApp {
  const instances = hosts.map((host) => ({ app: name, host, address: `192.0.2.${host.slice(-1)}`, port, weight: 1 }));
  return { ...exampleApp({ name, port, routes, balancing: BALANCING }), instances };
}

const topology = (...apps: readonly TopologyApp[]): Topology => ({
  fleet: "lab",
  hosts: [
    { name: "app2", addresses: ["192.0.2.2", "2001:db8::2"], tags: {} },
    { name: "app1", addresses: ["192.0.2.1"], tags: {} },
  ],
  balancers: [balancer("edge", ["lb1", "lb2"]), balancer("inner", ["lb3"])],
  apps,
  state: { store: "ssh", host: "dns1" },
  ssh: { port: 22 },
  dns: null,
  firewall: null,
});

describe("what a balancer should route", () => {
  const all = topology(
    app("api", ["app1"], [http("inner", ["api.internal"], "/")]),
    app(
      "shop",
      ["app2", "app1"],
      [
        http("inner", ["b.internal"], "/"),
        http("edge", ["b.internal", "a.internal"], "/x"),
        http("edge", ["a.internal"], "/"),
      ],
    ),
    app("worker", ["app1"], [], null),
  );

  test("holds the apps with a route on the set of this host, a route per host name, servers in inventory order", () => {
    expect(Object.keys(desiredLb(all, "lb1", []).apps)).toEqual(["shop"]);
    expect(desiredLb(all, "lb1", [])).toEqual(desiredLb(all, "lb2", []));
    expect(desiredLb(all, "lb1", []).apps["shop"]).toMatchObject({
      routes: [
        { kind: "http", host: "a.internal", path: "/", tls: "none" },
        { host: "a.internal", path: "/x" },
        { host: "b.internal", path: "/x" },
      ],
      servers: [{ name: "app2", address: "192.0.2.2", port: 8080 }, { name: "app1" }],
    });
    expect(Object.keys(desiredLb(all, "lb3", []).apps)).toEqual(["api", "shop"]);
    expect(desiredLb(all, "app1", [])).toEqual({ set: null, apps: {} });
  });

  test.for<[Route, readonly LbCertificate[], string]>([
    [http("edge", [], "/"), [], "none"],
    [http("edge", [], "/"), [CERTIFICATE], "redirect"],
    [http("edge", [], "/", { redirect: false }), [CERTIFICATE], "both"],
    [http("edge", [], "/", { tls: "none" }), [CERTIFICATE], "none"],
    [http("edge", [], "/", { tls: "terminate" }), [CERTIFICATE], "redirect"],
  ])("%j with certificates %j is %s", ([route, certificates, tls]) => {
    const model = desiredLb(topology(app("shop", ["app1"], [route])), "lb1", certificates);
    expect(model.apps["shop"]?.routes).toEqual([{ kind: "http", host: null, path: "/", tls }]);
  });

  test("knows the fleet's addresses, its VIPs too, only where a route is open to them alone", () => {
    const port = (from: "anyone" | "fleet"): Topology =>
      topology(app("db", ["app1"], [{ kind: "port", lb: "edge", port: 5432, mode: "tcp", from }]));
    expect(desiredLb(port("anyone"), "lb1", []).set?.fleet).toEqual([]);
    expect(desiredLb(port("fleet"), "lb1", []).set?.fleet).toEqual([
      "192.0.2.1",
      "192.0.2.10",
      "192.0.2.2",
      "2001:db8::2",
    ]);
  });
});
