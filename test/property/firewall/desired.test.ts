import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareRules, desiredFirewall } from "../../../src/firewall/desired.ts";
import { rulesFor } from "../../../src/firewall/evaluate.ts";
import { addressesOfPeers, isEmpty } from "../../../src/firewall/prefixes.ts";
import { allowanceOf, permits } from "../../../src/firewall/regions.ts";
import type { FirewallModel } from "../../../src/model/firewall.ts";
import type { PlacedPeer, Policy, PolicyPort } from "../../../src/model/policy.ts";
import type { Topology } from "../../../src/model/topology.ts";
import {
  allow,
  app,
  cidr,
  type FirewallSketch,
  hosts,
  httpRoute,
  named,
  policy,
  port,
  portRoute,
  topologyWith,
} from "../../support/firewall.ts";
import { often } from "../../support/runs.ts";

// Fleets of up to six hosts with every kind of rule in any combination.

const HOSTS = ["h0", "h1", "h2", "h3", "h4", "h5"] as const;
const APPS = ["alpha", "beta", "gamma"] as const;
const ADDRESSES: FirewallSketch["hosts"] = Object.fromEntries(
  HOSTS.map((name, at) => [
    name,
    at % 2 === 0 ? [`10.0.0.${String(at + 1)}`, `fd00::${String(at + 1)}`] : [`10.0.0.${String(at + 1)}`],
  ]),
);

const someHosts = fc.subarray([...HOSTS]);
const peer: fc.Arbitrary<PlacedPeer> = fc.oneof(
  someHosts.map((names) => hosts(...names)),
  fc.constantFrom(...APPS).map(app),
  fc.constantFrom(
    cidr("10.0.0.0/29"),
    cidr("10.0.0.0/29", "10.0.0.2/31"),
    cidr("fd00::/16"),
    cidr("10.9.0.0/30", "10.9.0.0/30"),
  ),
);
const somePort: fc.Arbitrary<PolicyPort> = fc.oneof(
  fc.constantFrom(port("tcp", 80), port("tcp", 70, 90), port("udp", 80), {
    kind: "all" as const,
    protocol: "udp" as const,
  }),
  fc.constantFrom(named("alpha"), named("metrics"), named("metrics", "udp"), named("nothing")),
);
const rule = fc
  .tuple(
    fc.oneof(
      { arbitrary: fc.array(peer, { maxLength: 3 }), weight: 4 },
      { arbitrary: fc.constant("anyone" as const), weight: 1 },
    ),
    fc.oneof(
      { arbitrary: fc.array(somePort, { maxLength: 3 }), weight: 4 },
      { arbitrary: fc.constant("any" as const), weight: 1 },
    ),
  )
  .map(([peers, ports]) => (ports === "any" ? allow(peers, "any") : allow(peers, ...ports)));
const rules = fc.option(fc.array(rule, { maxLength: 3 }));
const somePolicy = (name: string): fc.Arbitrary<Policy<PlacedPeer>> =>
  fc
    .record({
      subject: fc.oneof(
        someHosts.map((names) => hosts(...names)),
        fc.constantFrom(...APPS).map(app),
      ),
      ingress: rules,
      egress: rules,
    })
    .map(({ subject, ...over }) => policy(name, subject, over));

const appSketch = fc.record({
  on: someHosts,
  talksTo: fc.subarray([...APPS]),
  routes: fc.subarray([httpRoute("edge"), portRoute("edge", 5000), portRoute("edge", 5001, "fleet")]),
});
const sketch: fc.Arbitrary<FirewallSketch> = fc
  .record({
    apps: fc.tuple(appSketch, appSketch, appSketch),
    edge: someHosts,
    dns: someHosts,
    metrics: fc.array(peer, { maxLength: 2 }),
    policies: fc.tuple(somePolicy("p0"), somePolicy("p1"), somePolicy("p2")),
  })
  .map(({ apps, edge, dns, metrics, policies }) => ({
    hosts: ADDRESSES,
    apps: Object.fromEntries(
      apps.map((one, at) => {
        const name = APPS[at] ?? "";
        const ports = [{ name: "metrics", protocol: at === 1 ? ("udp" as const) : ("tcp" as const), port: 9000 + at }];
        return [name, { ...one, port: 8000 + at, ports, talksTo: one.talksTo.filter((to) => to !== name) }];
      }),
    ),
    sets: { edge: { on: edge, vips: [{ address: "10.0.0.100", prefix: 24 }] } },
    dns,
    firewall: { metrics, policies },
  }));

const all = (models: ReadonlyMap<string, FirewallModel>): readonly FirewallModel[] => [...models.values()];
const runs = { numRuns: often(30) };

/** The same fleet, written down another way round. */
function otherWayRound(topology: Topology): Topology {
  const { firewall } = topology;
  return {
    ...topology,
    apps: topology.apps.toReversed().map((one) => ({ ...one, instances: one.instances.toReversed() })),
    balancers: topology.balancers.map((set) => ({ ...set, hosts: set.hosts.toReversed() })),
    hosts: topology.hosts
      .toReversed()
      .map((host) => ({ ...host, addresses: host.addresses.toReversed(), tags: { a: "b" } })),
    firewall: firewall === null ? null : { ...firewall, policies: firewall.policies.toReversed() },
  };
}

describe("every host's firewall", () => {
  test("is the same to the byte, in whatever order things are written", () => {
    fc.assert(
      fc.property(sketch, (one) => {
        const topology = topologyWith(one);
        const models = desiredFirewall(topology);
        const others = desiredFirewall(otherWayRound(topology));
        for (const [host, model] of models) expect(JSON.stringify(others.get(host))).toBe(JSON.stringify(model));
      }),
      runs,
    );
  });

  test("has sorted rules with peers, none twice, outward ones only where it is isolated", () => {
    fc.assert(
      fc.property(sketch, (one) => {
        for (const model of all(desiredFirewall(topologyWith(one)))) {
          expect(model.rules.toSorted(compareRules)).toEqual(model.rules);
          expect(new Set(model.rules.map((each) => JSON.stringify(each))).size).toBe(model.rules.length);
          for (const { peers, match, direction, apps } of model.rules) {
            expect(isEmpty(addressesOfPeers(peers))).toBe(false);
            if ("ports" in match) expect(match.ports).not.toEqual([]);
            if (direction === "out") expect(model.egress).toBe(true);
            expect(apps.toSorted()).toEqual(apps);
          }
          expect(model.rules.some(({ source }) => source === "fleet/ssh:0")).toBe(true);
        }
      }),
      runs,
    );
  });

  test("lets the same pass whether it is asked rule by rule or as a whole", () => {
    fc.assert(
      fc.property(sketch, fc.constantFrom(22, 53, 80, 5000, 8000, 9000, 9001), (one, number) => {
        for (const model of all(desiredFirewall(topologyWith(one)))) {
          for (const direction of ["in", "out"] as const) {
            const allowance = allowanceOf(model.rules, direction);
            for (const address of ["10.0.0.1", "10.0.0.4", "fd00::5", "192.168.56.1", "203.0.113.1"]) {
              for (const protocol of ["tcp", "udp"] as const) {
                const packet = { protocol, port: number, address };
                expect(permits(allowance, packet)).toBe(rulesFor(model, direction, packet).length > 0);
              }
            }
          }
        }
      }),
      runs,
    );
  });

  test("changes only on hosts that a new instance concerns", () => {
    fc.assert(
      fc.property(sketch, fc.constantFrom(...APPS), fc.constantFrom(...HOSTS), (one, name, host) => {
        const sketched = one.apps?.[name];
        fc.pre(sketched !== undefined && !sketched.on.includes(host));
        const on = [...(sketched?.on ?? []), host];
        const before = desiredFirewall(topologyWith(one));
        const after = desiredFirewall(topologyWith({ ...one, apps: { ...one.apps, [name]: { ...sketched, on } } }));
        for (const [where, model] of after) {
          const strip = (each: FirewallModel | undefined): unknown =>
            each?.rules.filter(({ apps }) => !apps.includes(name));
          if (where === host) continue;
          // What changes elsewhere is for this app, also where a policy only names the ports it now has on that host.
          expect(strip(model)).toEqual(strip(before.get(where)));
          expect(model.egress).toBe(before.get(where)?.egress);
        }
      }),
      runs,
    );
  });
});
