import fc from "fast-check";
import { expect, test } from "vitest";
import { addressesByHost } from "../../../src/firewall/addresses.ts";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { checkPasses } from "../../../src/firewall/invariants.ts";
import { sameModel } from "../../../src/firewall/merge.ts";
import { type FirewallChange, transition } from "../../../src/firewall/transition.ts";
import type { PlacedPeer, Policy } from "../../../src/model/policy.ts";
import type { Topology } from "../../../src/model/topology.ts";
import {
  allow,
  app,
  cidr,
  hosts,
  httpRoute,
  named,
  policy,
  port,
  portRoute,
  topologyWith,
} from "../../support/firewall.ts";
import { endOf, laid, type Probe, walk, worldOf } from "../../support/firewall-walk.ts";
import { often } from "../../support/runs.ts";

/** `late` takes the address over that `app3` has: the two are never there at once. */
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  lb1: ["10.0.0.1", "fd00::1"],
  lb2: ["10.0.0.2"],
  app1: ["10.0.0.11", "fd00::11"],
  app2: ["10.0.0.12"],
  db1: ["10.0.0.21"],
};
const GUESTS: Readonly<Record<string, readonly string[]>> = { app3: ["10.0.0.13"], late: ["10.0.0.13"] };

const POLICIES: readonly Policy<PlacedPeer>[] = [
  policy("alone", app("shop"), { egress: [] }),
  policy("back", hosts("db1"), { ingress: [allow([app("shop"), hosts("lb1")], port("tcp", 5432), named("metrics"))] }),
  policy("batch", app("orders"), { ingress: [allow([hosts("app1", "app2")], "any")], sever: true }),
  policy("closed", hosts("lb1", "lb2"), { egress: [allow([app("shop")], named("shop"))] }),
  policy("net", app("shop"), { ingress: [allow([cidr("10.0.0.0/24", "10.0.0.12/32")], port("tcp", 8000, 8090))] }),
  policy("out", hosts("app1", "app2"), {
    egress: [allow([app("orders"), cidr("192.0.2.0/24")], port("tcp", 9000)), allow("anyone", port("udp", 53))],
  }),
  policy("wide", app("orders"), { ingress: [allow("anyone", "any")], egress: [allow("anyone", "any")] }),
];

const PROBES: readonly Probe[] = [
  ...[22, 80, 5432, 8080, 8081, 9000, 9100].map((number): Probe => ({ protocol: "tcp", port: number })),
  { protocol: "udp", port: 53 },
  { protocol: "vrrp", port: 0 },
  { protocol: "icmp", port: 0 },
];

const topology: fc.Arbitrary<Topology> = fc
  .record({
    guest: fc.constantFrom("app3", "late", null),
    shop: fc.subarray(["app1", "app2", "app3", "late"]),
    orders: fc.subarray(["db1", "app2"]),
    port: fc.constantFrom(8080, 8081),
    talks: fc.boolean(),
    routes: fc.subarray([httpRoute("edge"), portRoute("edge", 80, "fleet")]),
    balancers: fc.subarray(["lb1", "lb2"], { minLength: 1 }),
    policies: fc.subarray([...POLICIES], { maxLength: 4 }),
    managed: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ guest, shop, orders, port: own, talks, routes, balancers, policies, managed }) => {
    const all = guest === null ? HOSTS : { ...HOSTS, [guest]: GUESTS[guest] ?? [] };
    return topologyWith({
      hosts: all,
      sets: {
        edge: { on: balancers, vips: [{ address: "10.0.0.100", prefix: 24 }], virtualRouterId: 51 },
      },
      apps: {
        shop: {
          on: shop.filter((host) => host in all),
          port: own,
          ports: [{ name: "metrics", protocol: "tcp", port: 9100 }],
          routes,
          talksTo: talks ? ["orders"] : [],
        },
        orders: { on: orders, port: 9000 },
      },
      dns: ["db1"],
      firewall: managed === 0 ? null : { policies },
    });
  });

/** Addresses of both fleets: a host that is gone is still somewhere, and its address may be another's by now. */
function addressesOf(...fleets: readonly Topology[]): FirewallChange["addresses"] {
  const addresses = new Map<string, readonly string[]>();
  for (const [host, own] of fleets.flatMap((fleet) => [...addressesByHost(fleet)])) {
    addresses.set(host, [...new Set([...(addresses.get(host) ?? []), ...own])]);
  }
  return addresses;
}

test("a fleet whose apps, hosts, addresses and policies change keeps its flows and opens no other", () => {
  const seed = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(topology, topology, fc.subarray(["app2", "app3", "late"]), seed, (one, other, isolate, at) => {
      const change: FirewallChange = {
        before: desiredFirewall(one),
        after: desiredFirewall(other),
        isolate: new Set(isolate),
        addresses: addressesOf(one, other),
      };
      const passes = transition(change);
      const world = worldOf(change.addresses, ["192.168.56.1", "192.0.2.9"], PROBES);
      expect(walk(change, passes, world, { seed: at, fast: false })).toBeNull();
      expect(checkPasses(change, passes)).toBeNull();
      const end = laid(change, passes);
      for (const [host, wanted] of endOf(change)) expect(sameModel(end.get(host) ?? null, wanted)).toBe(true);
    }),
    { numRuns: often(50) },
  );
});
