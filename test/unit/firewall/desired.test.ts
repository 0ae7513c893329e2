import { describe, expect, test } from "vitest";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { HEALTH } from "../../support/balancer.ts";
import { DEFAULT_BALANCING, DEFAULT_SETTINGS } from "../../../src/inventory/schema/defaults.ts";
import type { Follow } from "../../../src/model/fleet.ts";
import type { FirewallRule } from "../../../src/model/firewall.ts";
import type { Topology } from "../../../src/model/topology.ts";
import {
  allow,
  app,
  cidr,
  type FirewallSketch,
  hosts,
  httpRoute,
  match,
  named,
  policy,
  port,
  portRoute,
  topologyWith,
} from "../../support/firewall.ts";

const HOSTS: FirewallSketch["hosts"] = {
  lb1: ["10.0.0.11", "fd00::11"],
  lb2: ["10.0.0.12"],
  app1: ["10.0.0.21"],
  app2: ["10.0.0.22"],
  db1: ["10.0.0.31"],
};

/** A host's rules in short: direction, source, ports, peers. */
function rulesOn(topology: Topology, host: string): readonly string[] {
  const rules = desiredFirewall(topology).get(host)?.rules ?? [];
  return rules.map(({ direction, source, match: { protocol, ...rest }, peers }: FirewallRule) => {
    const ports =
      "ports" in rest ? (rest.ports?.map(({ from, to }) => (from === to ? from : `${from}-${to}`)) ?? "*") : "";
    return `${direction} ${source} ${protocol} ${String(ports)} ${peers === "anyone" ? peers : peers.join(" ")}`;
  });
}

/** Those of one source. */
function from(source: string, sketch: Omit<FirewallSketch, "hosts">, host: string): readonly string[] {
  const starts = new RegExp(`^(in|out) ${source}:`);
  return rulesOn(topologyWith({ hosts: HOSTS, ...sketch }), host)
    .filter((rule) => starts.test(rule))
    .map((rule) => rule.replace(starts, "$1 "));
}

/** Isolates hosts outwards and lets nothing out. */
const closed = (...names: readonly string[]): ReturnType<typeof policy> =>
  policy("closed", hosts(...names), { egress: [] });

describe("what follows from the fleet", () => {
  test("without the block nothing is managed", () => {
    expect(desiredFirewall(topologyWith({ hosts: HOSTS, firewall: null })).size).toBe(0);
  });

  test("every host lets operators in by SSH, and nobody else", () => {
    const topology = topologyWith({ hosts: HOSTS });
    for (const host of Object.keys(HOSTS)) {
      expect(rulesOn(topology, host)).toEqual(["in fleet/ssh:0 tcp 22 192.168.56.1/32"]);
    }
    expect(desiredFirewall(topology).get("lb1")).toMatchObject({ egress: false, log: true });
  });

  test("balancers with a VIP speak VRRP to each other's own addresses", () => {
    const sets = { edge: { on: ["lb1", "lb2"], vips: [{ address: "10.0.0.100", prefix: 24 }] } };
    expect(from("fleet/vrrp/edge", { sets }, "lb1")).toEqual(["in 0 vrrp  10.0.0.12/32"]);
    expect(from("fleet/vrrp/edge", { sets }, "lb2")).toEqual(["in 0 vrrp  10.0.0.11/32 fd00::11/128"]);
    expect(from("fleet/vrrp/edge", { sets, firewall: { policies: [closed("lb2")] } }, "lb2")).toEqual([
      "in 0 vrrp  10.0.0.11/32 fd00::11/128",
      "out 0 vrrp  10.0.0.11/32 fd00::11/128",
    ]);
    expect(from("fleet/vrrp/edge", { sets: { edge: { ...sets.edge, on: ["lb1"] } } }, "lb1")).toEqual([]);
    expect(from("fleet/vrrp/edge", { sets: { edge: { on: ["lb1", "lb2"] } } }, "lb1")).toEqual([]);
  });

  test("DNS servers answer the fleet and operators; isolated hosts may ask them", () => {
    const everyone = "10.0.0.11/32 10.0.0.12/32 10.0.0.21/32 10.0.0.22/32 10.0.0.31/32 192.168.56.1/32 fd00::11/128";
    expect(from("fleet/dns", { dns: ["lb2"] }, "lb2")).toEqual([`in 0 tcp 53 ${everyone}`, `in 0 udp 53 ${everyone}`]);
    expect(from("fleet/dns", { dns: ["lb2"] }, "app1")).toEqual([]);
    expect(from("fleet/dns", { dns: ["lb2"], firewall: { policies: [closed("app1")] } }, "app1")).toEqual([
      "out 0 tcp 53 10.0.0.12/32",
      "out 0 udp 53 10.0.0.12/32",
    ]);
  });

  test("DNS servers that are isolated still tell and ask each other, and those they forward to", () => {
    const sketch = { dns: ["lb2", "db1"], firewall: { policies: [closed("lb2", "app1")] } };
    const others = ["out 0 tcp 53 10.0.0.12/32 10.0.0.31/32", "out 0 udp 53 10.0.0.12/32 10.0.0.31/32"];
    const outOf = (host: string, more: object = {}): readonly string[] =>
      from("fleet/dns", { ...sketch, ...more }, host).filter((rule) => rule.startsWith("out"));
    expect(outOf("lb2")).toEqual(others);
    expect(outOf("app1", { forwarders: ["9.9.9.9"] })).toEqual(others);
    expect(outOf("db1", { forwarders: ["9.9.9.9"] })).toEqual([]);
    expect(outOf("lb2", { forwarders: ["9.9.9.9", "2620:fe::9"] })).toEqual([
      others[0],
      "out 0 tcp 53 9.9.9.9/32 2620:fe::9/128",
      others[1],
      "out 0 udp 53 9.9.9.9/32 2620:fe::9/128",
    ]);
  });

  test("DNS servers of somebody else are nobody's rules but those of isolated hosts, which may ask them", () => {
    const dns = {
      kind: "addresses" as const,
      addresses: [
        { address: "192.0.2.53", port: 53 },
        { address: "192.0.2.54", port: 5353 },
        { address: "2001:db8::53", port: 53 },
      ],
    };
    const firewall = { policies: [closed("app1")] };
    expect(from("fleet/dns", { dns, firewall }, "app1").toSorted()).toEqual([
      "out 0 tcp 53 192.0.2.53/32 2001:db8::53/128",
      "out 0 tcp 5353 192.0.2.54/32",
      "out 0 udp 53 192.0.2.53/32 2001:db8::53/128",
      "out 0 udp 5353 192.0.2.54/32",
    ]);
    for (const host of ["lb1", "app2", "db1"]) expect(from("fleet/dns", { dns, firewall }, host)).toEqual([]);
  });

  test("balancers are open to anyone where a route by name leads there", () => {
    const sets = { edge: { on: ["lb1"] }, inner: { on: ["lb2"] } };
    const apps = { shop: { on: ["app1"], routes: [httpRoute("edge"), portRoute("inner", 5000)] } };
    expect(from("fleet/balancer/edge", { sets, apps }, "lb1")).toEqual(["in 0 tcp 80,443 anyone"]);
    expect(from("fleet/balancer/inner", { sets, apps }, "lb2")).toEqual([]);
    const rules = desiredFirewall(topologyWith({ hosts: HOSTS, sets, apps })).get("lb1")?.rules ?? [];
    expect(rules.find(({ source }) => source === "fleet/balancer/edge:0")?.apps).toEqual(["shop"]);
  });

  test("balancers that follow a service are open for its routes, and isolated ones get out to its name servers", () => {
    const topology = topologyWith({
      hosts: HOSTS,
      sets: { edge: { on: ["lb1"] }, inner: { on: ["lb2"] } },
      firewall: { policies: [closed("lb1")] },
    });
    const service = { servers: 10, health: HEALTH, balancing: DEFAULT_BALANCING };
    const nameservers = [
      { address: "192.0.2.53", port: 53 },
      { address: "192.0.2.54", port: 5353 },
    ];
    const follow: readonly Follow[] = [
      { ...service, name: "billing", srv: "_billing._tcp.svc.test", nameservers, routes: [httpRoute("edge")] },
      {
        ...service,
        name: "ledger",
        srv: "_ledger._tcp.svc.test",
        nameservers: null,
        routes: [portRoute("edge", 5432)],
      },
    ];
    const balancers = topology.balancers.map((set) => (set.name === "edge" ? { ...set, follow } : set));
    const rules = (host: string) => rulesOn({ ...topology, balancers }, host).filter((rule) => !rule.includes("ssh"));
    expect(rules("lb1").toSorted()).toEqual([
      "in fleet/balancer/edge:0 tcp 80,443 anyone",
      expect.stringMatching(/^in fleet\/follow\/edge:0 tcp 5432 /),
      "out fleet/follow/edge:0 tcp 53 192.0.2.53/32",
      "out fleet/follow/edge:0 tcp 5353 192.0.2.54/32",
    ]);
    expect(rules("lb2")).toEqual([]);
  });

  test("metrics are for whom the fleet names: of balancers that do not listen on loopback, and of apps", () => {
    const metrics = { ...DEFAULT_SETTINGS, metrics: { address: "*", port: 8404 } };
    const sketch = {
      sets: { edge: { on: ["lb1"], settings: metrics }, inner: { on: ["lb2"], settings: DEFAULT_SETTINGS } },
      apps: { shop: { on: ["app1", "lb1"], ports: [{ name: "metrics", protocol: "tcp" as const, port: 9100 }] } },
      firewall: { metrics: [hosts("db1")] },
    };
    expect(from("fleet/metrics", sketch, "lb1")).toEqual(["in 0 tcp 8404 10.0.0.31/32", "in 0 tcp 9100 10.0.0.31/32"]);
    expect(from("fleet/metrics", sketch, "lb2")).toEqual([]);
    expect(from("fleet/metrics", sketch, "app1")).toEqual(["in 0 tcp 9100 10.0.0.31/32"]);
    expect(from("fleet/metrics", { ...sketch, firewall: {} }, "app1")).toEqual([]);
    const isolated = { ...sketch, firewall: { metrics: [hosts("db1")], policies: [closed("db1")] } };
    expect(from("fleet/metrics", isolated, "db1")).toEqual([
      "out 0 tcp 8404 10.0.0.11/32 fd00::11/128",
      "out 0 tcp 9100 10.0.0.11/32 10.0.0.21/32 fd00::11/128",
    ]);
  });
});

describe("what follows from the apps", () => {
  const sets = { edge: { on: ["lb1", "lb2"], vips: [{ address: "10.0.0.100", prefix: 24 }] } };

  test("balancers reach instances, also from the VIP", () => {
    const apps = { shop: { on: ["app1", "app2"], routes: [httpRoute("edge")] } };
    const balancers = "10.0.0.11/32 10.0.0.12/32 10.0.0.100/32 fd00::11/128";
    expect(from("app/shop/routes", { sets, apps }, "app2")).toEqual([`in 0 tcp 8080 ${balancers}`]);
    expect(from("app/shop/routes", { sets, apps, firewall: { policies: [closed("lb1")] } }, "lb1")).toEqual([
      "out 0 tcp 8080 10.0.0.21/32 10.0.0.22/32",
    ]);
  });

  test("a port of its own is open on the balancers, to anyone or to the fleet", () => {
    const apps = { shop: { on: ["app1"], routes: [portRoute("edge", 5000), portRoute("edge", 5001, "fleet")] } };
    expect(from("app/shop/routes", { sets, apps }, "lb2")).toEqual([
      "in 0 tcp 5000 anyone",
      "in 1 tcp 5001 10.0.0.11/32 10.0.0.12/32 10.0.0.21/32 10.0.0.22/32 10.0.0.31/32 10.0.0.100/32 fd00::11/128",
    ]);
  });

  test("talksTo opens both ends, the near one only where it is isolated", () => {
    const apps = { shop: { on: ["app1", "app2"], talksTo: ["orders"] }, orders: { on: ["db1"], port: 5432 } };
    expect(from("app/shop/talksTo", { apps }, "db1")).toEqual(["in 0 tcp 5432 10.0.0.21/32 10.0.0.22/32"]);
    expect(from("app/shop/talksTo", { apps }, "app1")).toEqual([]);
    expect(from("app/shop/talksTo", { apps, firewall: { policies: [closed("app1")] } }, "app1")).toEqual([
      "out 0 tcp 5432 10.0.0.31/32",
    ]);
    const rules = desiredFirewall(topologyWith({ hosts: HOSTS, apps })).get("db1")?.rules ?? [];
    expect(rules.find(({ source }) => source === "app/shop/talksTo:0")?.apps).toEqual(["orders", "shop"]);
  });

  test("an app without instances opens nothing", () => {
    const apps = { shop: { on: [], talksTo: ["orders"] }, orders: { on: ["db1"] } };
    expect(from("app/shop/talksTo", { apps }, "db1")).toEqual([]);
  });
});

describe("policies", () => {
  const under = (name: string, ...policies: ReturnType<typeof policy>[]): Omit<FirewallSketch, "hosts"> => ({
    apps: {
      shop: { on: ["app1"], ports: [{ name: "metrics", protocol: "tcp", port: 9100 }] },
      cart: { on: ["app1", "app2"], port: 8081, ports: [{ name: "metrics", protocol: "udp", port: 9200 }] },
    },
    firewall: { policies: policies.map((one) => ({ ...one, name })) },
  });

  test("peers of one rule are alternatives, and each may use each of its ports", () => {
    const rule = allow(
      [hosts("app1"), cidr("10.9.0.0/16")],
      port("tcp", 5432),
      port("tcp", 8000, 8010),
      port("udp", 53),
    );
    expect(from("p", under("p", policy("p", hosts("db1"), { ingress: [rule] })), "db1")).toEqual([
      "in 0 tcp 5432,8000-8010 10.0.0.21/32 10.9.0.0/16",
      "in 0 udp 53 10.0.0.21/32 10.9.0.0/16",
    ]);
  });

  test("peers and ports of different rules do not mix", () => {
    const ingress = [allow([hosts("app1")], port("tcp", 1)), allow([hosts("app2")], port("tcp", 2))];
    expect(from("p", under("p", policy("p", hosts("db1"), { ingress })), "db1")).toEqual([
      "in 0 tcp 1 10.0.0.21/32",
      "in 1 tcp 2 10.0.0.22/32",
    ]);
  });

  test("nobody, no port and an exception of everything open nothing; anyone and any only where they are written", () => {
    const ingress = [
      allow([], port("tcp", 1)),
      allow([hosts("app1")]),
      allow([cidr("10.9.0.0/16", "10.9.0.0/17", "10.9.128.0/17")], port("tcp", 1)),
      allow([hosts()], "any"),
      allow("anyone", port("tcp", 1)),
      allow([hosts("app1")], "any"),
      allow([hosts("app1")], { kind: "all", protocol: "udp" }),
    ];
    expect(from("p", under("p", policy("p", hosts("db1"), { ingress })), "db1")).toEqual([
      "in 4 tcp 1 anyone",
      "in 5 any  10.0.0.21/32",
      "in 6 udp * 10.0.0.21/32",
    ]);
  });

  test("an exception is no denial: another peer may let the same in", () => {
    const rule = allow([cidr("10.0.0.0/30", "10.0.0.2/31"), cidr("10.0.0.3/32")], port("tcp", 1));
    expect(from("p", under("p", policy("p", hosts("db1"), { ingress: [rule] })), "db1")).toEqual([
      "in 0 tcp 1 10.0.0.0/31 10.0.0.3/32",
    ]);
  });

  test("names are ports at the destination, of every app there or of the one that is named", () => {
    const rule = allow([hosts("db1")], named("metrics"), named("cart"));
    const sketch = under("p", policy("p", hosts("app1", "app2", "lb1"), { ingress: [rule] }));
    expect(from("p", sketch, "app1")).toEqual([
      "in 0 tcp 8081 10.0.0.31/32",
      "in 0 tcp 9100 10.0.0.31/32",
      "in 0 udp 9200 10.0.0.31/32",
    ]);
    expect(from("p", sketch, "app2")).toEqual(["in 0 tcp 8081 10.0.0.31/32", "in 0 udp 9200 10.0.0.31/32"]);
    expect(from("p", sketch, "lb1")).toEqual([]);
    const shop = allow([hosts("db1")], named("metrics"), named("cart"));
    expect(from("p", under("p", policy("p", app("shop"), { ingress: [shop] })), "app1")).toEqual([
      "in 0 tcp 9100 10.0.0.31/32",
    ]);
    const udp = allow([hosts("db1")], named("metrics", "udp"));
    expect(from("p", under("p", policy("p", hosts("app1"), { ingress: [udp] })), "app1")).toEqual([
      "in 0 udp 9200 10.0.0.31/32",
    ]);
  });

  test("names on the way out are the ports of each destination, and none of addresses beyond the fleet", () => {
    const rule = allow([hosts("app1", "app2"), cidr("10.9.0.0/16")], named("metrics"), port("tcp", 22));
    expect(from("p", under("p", policy("p", hosts("db1"), { egress: [rule] })), "db1")).toEqual([
      "out 0 tcp 22 10.0.0.21/32 10.0.0.22/32 10.9.0.0/16",
      "out 0 tcp 9100 10.0.0.21/32",
      "out 0 udp 9200 10.0.0.21/32 10.0.0.22/32",
    ]);
    const toShop = policy("p", hosts("db1"), { egress: [allow([app("shop")], named("metrics"))] });
    expect(from("p", under("p", toShop), "db1")).toEqual(["out 0 tcp 9100 10.0.0.21/32"]);
  });

  test("only a policy with egress isolates outwards, and an empty list does", () => {
    const topology = topologyWith({
      hosts: HOSTS,
      firewall: {
        policies: [policy("in", hosts("db1"), { ingress: [] }), policy("out", hosts("app1"), { egress: [] })],
      },
    });
    const models = desiredFirewall(topology);
    expect([...models].filter(([, { egress }]) => egress).map(([host]) => host)).toEqual(["app1"]);
    expect(rulesOn(topology, "db1")).toEqual(["in fleet/ssh:0 tcp 22 192.168.56.1/32"]);
  });

  test("rules know their apps and whether closing them cuts connections", () => {
    const rule = allow([app("cart"), hosts("db1")], port("tcp", 1), named("metrics"));
    const topology = topologyWith({
      hosts: HOSTS,
      ...under("p", policy("p", app("shop"), { ingress: [rule], sever: true })),
    });
    const rules = desiredFirewall(topology).get("app1")?.rules ?? [];
    expect(rules.map(({ source, match: what, apps, sever }) => ({ source, match: what, apps, sever }))).toEqual([
      { source: "fleet/ssh:0", match: match("tcp", 22), apps: [], sever: false },
      { source: "p:0", match: match("tcp", 1), apps: ["cart", "shop"], sever: true },
      { source: "p:0", match: match("tcp", 9100), apps: ["cart", "shop"], sever: true },
    ]);
  });
});
