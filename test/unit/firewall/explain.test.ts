import { describe, expect, test } from "vitest";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { bitsOf, isWithin } from "../../../src/firewall/evaluate.ts";
import { explain, type FirewallExplanation } from "../../../src/firewall/explain.ts";
import type { EndVerdict, FirewallRule } from "../../../src/model/firewall.ts";
import { allow, app, cidr, hosts, httpRoute, named, policy, port, topologyWith } from "../../support/firewall.ts";

const TOPOLOGY = topologyWith({
  hosts: {
    lb1: ["10.0.0.11"],
    lb2: ["10.0.0.12"],
    app1: ["10.0.0.21", "fd00::21"],
    app2: ["10.0.0.22"],
    db1: ["10.0.0.31", "fd00::31"],
    six: ["fd00::41"],
  },
  sets: { edge: { on: ["lb1", "lb2"], vips: [{ address: "10.0.0.100", prefix: 24 }] } },
  apps: {
    shop: { on: ["app1", "app2"], routes: [httpRoute("edge")], talksTo: ["orders"] },
    orders: { on: ["db1"], port: 5432, ports: [{ name: "syslog", protocol: "udp", port: 5140 }] },
    idle: { on: [] },
    db1: { on: ["app2"], port: 9999 },
  },
  firewall: {
    policies: [
      policy("closed", hosts("app2"), { egress: [] }),
      policy("four", hosts("db1"), { ingress: [allow([cidr("10.0.0.0/24")], port("tcp", 5432), named("syslog"))] }),
      policy("wide", app("orders"), { ingress: [allow([hosts("app1")], port("tcp", 5000, 6000))] }),
    ],
  },
});
const MODELS = desiredFirewall(TOPOLOGY);

function verdict(end: EndVerdict<FirewallRule>): string {
  return end.kind === "allowed" ? end.rules.map(({ source }) => source).join(" ") : end.kind;
}

/** Each answer in a line: who, to whom, out by what, in by what. */
function shown(explanation: FirewallExplanation): readonly string[] {
  if (explanation.kind !== "answers") return [JSON.stringify(explanation)];
  return explanation.answers.map(
    ({ source, destination, protocol, port: number, allowed, leaving, entering }) =>
      `${source.host ?? "-"}[${source.addresses.join()}] > ${destination.host ?? "-"}[${destination.addresses.join()}] ` +
      `${protocol}/${String(number)} ${String(allowed)}: ${verdict(leaving)}; ${verdict(entering)}`,
  );
}

const ask = (source: string, destination: string, number: string): readonly string[] =>
  shown(explain({ source, destination, port: number }, TOPOLOGY, MODELS));

describe("explain", () => {
  test("names every rule that lets a flow pass, address by address where that differs", () => {
    expect(ask("app1", "orders", "orders")).toEqual([
      "app1[10.0.0.21] > db1[10.0.0.31] tcp/5432 true: open; app/shop/talksTo:0 four:0 wide:0",
      "app1[fd00::21] > db1[fd00::31] tcp/5432 true: open; app/shop/talksTo:0 wide:0",
    ]);
    expect(ask("10.0.0.21", "db1", "5432")).toHaveLength(1);
  });

  test("says which end refuses", () => {
    expect(ask("app2", "orders", "tcp/5432")).toEqual([
      "app2[10.0.0.22] > db1[10.0.0.31] tcp/5432 true: app/shop/talksTo:0; app/shop/talksTo:0 four:0",
    ]);
    expect(ask("app2", "orders", "syslog")).toEqual([
      "app2[10.0.0.22] > db1[10.0.0.31] udp/5140 false: refused; four:0",
    ]);
    expect(ask("app1", "host:db1", "22")).toEqual([
      "app1[10.0.0.21,fd00::21] > db1[10.0.0.31,fd00::31] tcp/22 false: open; refused",
    ]);
    expect(ask("app2", "lb1", "22")).toEqual(["app2[10.0.0.22] > lb1[10.0.0.11] tcp/22 false: refused; refused"]);
  });

  test("speaks of an app's every instance", () => {
    expect(ask("lb1", "shop", "shop")).toEqual([
      "lb1[10.0.0.11] > app1[10.0.0.21] tcp/8080 true: open; app/shop/routes:0",
      "lb1[10.0.0.11] > app2[10.0.0.22] tcp/8080 true: open; app/shop/routes:0",
    ]);
  });

  test("what is not of the fleet is not ours to judge", () => {
    expect(ask("203.0.113.5", "10.0.0.100", "443")).toEqual([
      "-[203.0.113.5] > lb1[10.0.0.100] tcp/443 true: foreign; fleet/balancer/edge:0",
      "-[203.0.113.5] > lb2[10.0.0.100] tcp/443 true: foreign; fleet/balancer/edge:0",
    ]);
    expect(ask("app2", "203.0.113.5", "443")).toEqual([
      "app2[10.0.0.22] > -[203.0.113.5] tcp/443 false: refused; foreign",
    ]);
    expect(explain({ source: "203.0.113.5", destination: "198.51.100.1", port: "1" }, TOPOLOGY, MODELS).kind).toBe(
      "foreign",
    );
  });

  test("an address as the source is that one alone", () => {
    expect(ask("fd00:0::21", "db1", "udp/syslog")).toEqual([
      "app1[fd00:0::21] > db1[fd00::31] udp/5140 false: open; refused",
    ]);
    expect(ask("10.0.0.21", "db1", "syslog")).toEqual(["app1[10.0.0.21] > db1[10.0.0.31] udp/5140 true: open; four:0"]);
    expect(ask("10.0.0.100", "app1", "8080")).toEqual([
      "lb1[10.0.0.100] > app1[10.0.0.21] tcp/8080 true: open; app/shop/routes:0",
      "lb2[10.0.0.100] > app1[10.0.0.21] tcp/8080 true: open; app/shop/routes:0",
    ]);
  });

  test("a host is always open to itself", () => {
    expect(ask("app2", "app2", "1")).toEqual(["app2[10.0.0.22] > app2[10.0.0.22] tcp/1 true: self; self"]);
    expect(ask("127.0.0.1", "app2", "1")).toEqual(["-[127.0.0.1] > app2[10.0.0.22] tcp/1 true: self; self"]);
    expect(ask("lb1", "10.0.0.100", "1")[0]).toBe("lb1[10.0.0.11] > lb1[10.0.0.100] tcp/1 true: self; self");
  });

  test("a host without a model is not managed", () => {
    const explanation = explain({ source: "app2", destination: "db1", port: "1" }, TOPOLOGY, new Map());
    expect(shown(explanation)).toEqual(["app2[10.0.0.22] > db1[10.0.0.31] tcp/1 true: unmanaged; unmanaged"]);
  });

  test("a name may stand for nothing, and two machines may have no family in common", () => {
    expect(explain({ source: "app1", destination: "shop", port: "syslog" }, TOPOLOGY, MODELS)).toEqual({
      kind: "answers",
      answers: [],
      nameless: ["app1", "app2"],
      apart: [],
    });
    expect(explain({ source: "six", destination: "lb1", port: "80" }, TOPOLOGY, MODELS)).toMatchObject({
      answers: [],
      apart: [{ source: "six", destination: "lb1" }],
    });
  });

  test("host: and app: choose where both have a name", () => {
    expect(ask("app1", "db1", "9999")[0]).toContain("> db1[10.0.0.31,fd00::31]");
    expect(ask("app1", "app:db1", "db1")[0]).toContain("> app2[10.0.0.22] tcp/9999");
  });

  test.for([
    [
      { source: "nobody", destination: "db1", port: "1" },
      { kind: "unknown", what: "source", text: "nobody" },
    ],
    [
      { source: "db1", destination: "1.2.3", port: "1" },
      { kind: "unknown", what: "destination", text: "1.2.3" },
    ],
    [
      { source: "db1", destination: "lb1", port: "65536" },
      { kind: "unknown", what: "port", text: "65536" },
    ],
    [
      { source: "db1", destination: "lb1", port: "icmp/1" },
      { kind: "unknown", what: "port", text: "icmp/1" },
    ],
    [
      { source: "idle", destination: "lb1", port: "1" },
      { kind: "nowhere", what: "source", app: "idle" },
    ],
  ] as const)("%j cannot be answered", ([question, answer]) => {
    expect(explain(question, TOPOLOGY, MODELS)).toEqual(answer);
  });
});

describe("an address in a prefix", () => {
  test.for([
    ["10.0.0.1", "10.0.0.0/8", true],
    ["11.0.0.1", "10.0.0.0/8", false],
    ["10.0.0.1", "0.0.0.0/0", true],
    ["10.0.0.1", "::/0", false],
    ["fd00::1", "::/0", true],
    ["fd00::1", "fd00::1/128", true],
    ["fd00:0:0::1", "fd00::/64", true],
    ["fd00:0:0:1::1", "fd00::/64", false],
  ] as const)("%s in %s: %s", ([address, prefix, is]) => {
    expect(isWithin(address, prefix)).toBe(is);
  });

  test.for(["", "1.2.3", "1.2.3.256", "1::2::3", ":::", ":1", "1:", "1:2:3:4:5:6:7:8:9", "12345::", "db1"])(
    "%s is no address",
    (text) => {
      expect(bitsOf(text)).toBeNull();
    },
  );
});
