import fc from "fast-check";
import { expect, test } from "vitest";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { explain } from "../../../src/firewall/explain.ts";
import type { PlacedPeer, Policy, PolicyPort, PolicyRule } from "../../../src/model/policy.ts";
import type { Topology } from "../../../src/model/topology.ts";
import type { End, Flow } from "../../lab/support/conformance/case.ts";
import { tellProbe } from "../../lab/support/conformance/case.ts";
import { passes } from "../../lab/support/conformance/model.ts";
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

// The conformance suite's model and drover's compiler read the same random fleets: whoever asks, they say the same.

const ADDRESSES = {
  one: ["10.0.0.1", "fd00::1"],
  two: ["10.0.0.2"],
  three: ["10.0.0.3", "10.1.0.3", "fd00::3"],
  four: ["fd00::4"],
  five: ["10.1.0.5", "fd00:1::5"],
} as const;
const HOSTS = Object.keys(ADDRESSES);
const APPS = ["ants", "bees", "cats"] as const;
const OUTSIDE = ["192.168.56.1", "10.1.0.9", "10.0.0.6", "fd00:1::9", "2001:db8::7"];
const VIP = "10.0.0.100";

const some = fc.subarray(HOSTS);
const whom = fc.oneof(
  some.map((names) => hosts(...names)),
  fc.constantFrom(...APPS).map(app),
);
const peer: fc.Arbitrary<PlacedPeer> = fc.oneof(
  { weight: 2, arbitrary: whom },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      cidr("10.0.0.0/8", "10.1.0.0/16"),
      cidr("10.1.0.0/28", "10.1.0.5/32", "10.1.0.8/30"),
      cidr("0.0.0.0/0"),
      cidr("::/0", "fd00:1::/32"),
      cidr("fd00::/64"),
    ),
  },
);
const somePort: fc.Arbitrary<PolicyPort> = fc.constantFrom<PolicyPort>(
  port("tcp", 80),
  port("tcp", 79, 82),
  port("tcp", 8001, 9001),
  port("udp", 53),
  { kind: "all", protocol: "tcp" },
  { kind: "all", protocol: "udp" },
  named("ants"),
  named("metrics"),
  named("metrics", "udp"),
);
const rule: fc.Arbitrary<PolicyRule<PlacedPeer>> = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.array(peer, { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant("anyone" as const) },
    ),
    fc.oneof(
      { weight: 5, arbitrary: fc.array(somePort, { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
  )
  .map(([peers, ports]) => (ports === null ? allow(peers, "any") : allow(peers, ...ports)));
const rules = fc.option(fc.array(rule, { maxLength: 3 }), { freq: 2 });
const somePolicy: fc.Arbitrary<Omit<Policy<PlacedPeer>, "name">> = fc
  .record({ subject: whom, ingress: rules, egress: rules })
  .map(({ subject, ...over }) => policy("", subject, over));

const fleet: fc.Arbitrary<Topology> = fc
  .record({
    on: fc.tuple(some, some, some),
    talks: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    routes: fc.subarray([httpRoute("edge"), portRoute("edge", 5000), portRoute("edge", 5001, "fleet")]),
    edge: some,
    isFloating: fc.boolean(),
    dns: fc.oneof(
      some,
      fc
        .subarray([
          { address: "192.168.56.1", port: 53 },
          { address: "10.0.0.2", port: 53 },
          { address: "2001:db8::7", port: 5000 },
          { address: "10.1.0.9", port: 5000 },
        ])
        .map((addresses) => ({ kind: "addresses" as const, addresses })),
    ),
    forwarders: fc.option(fc.subarray(["10.1.0.9", "2001:db8::7"]), { nil: undefined }),
    metrics: fc.oneof(fc.array(peer, { maxLength: 2 }), fc.constant("anyone" as const)),
    policies: fc.array(somePolicy, { maxLength: 4 }),
  })
  .map(({ on, talks, routes, edge, isFloating, dns, forwarders, metrics, policies }) =>
    topologyWith({
      hosts: ADDRESSES,
      apps: Object.fromEntries(
        APPS.map((name, at) => [
          name,
          {
            on: on[at] ?? [],
            port: 8000 + at,
            ports: [{ name: "metrics", protocol: at === 1 ? ("udp" as const) : ("tcp" as const), port: 9000 + at }],
            talksTo: talks[at] === true ? [APPS[(at + 1) % APPS.length] ?? ""] : [],
            routes: at === 0 ? routes : [],
          },
        ]),
      ),
      sets: { edge: { on: edge, vips: isFloating ? [{ address: VIP, prefix: 24 }] : [] } },
      dns,
      ...(forwarders === undefined ? {} : { forwarders }),
      firewall: { metrics, policies: policies.map((each, at) => ({ ...each, name: `p${String(at)}` })) },
    }),
  );

/** On and beside everything that any of these fleets opens. */
const FLOWS: readonly Flow[] = [
  ...[22, 53, 79, 80, 82, 83, 443, 5000, 5001, 8000, 8001, 8002, 9000, 9001, 9002].map(
    (number) => ({ protocol: "tcp", port: number }) as const,
  ),
  ...[53, 80, 9000, 9001].map((number) => ({ protocol: "udp", port: number }) as const),
];

function endsOf({ hosts: all, balancers }: Topology): readonly End[] {
  const vips = balancers.flatMap((set) =>
    set.vips.flatMap(({ address }) => set.hosts.map((name) => ({ name, address }))),
  );
  const own = all.flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })));
  return [...own, ...vips, ...OUTSIDE.map((address) => ({ name: address, address }))];
}

test("a plain reading of the files and the compiled rules let the same pass", () => {
  fc.assert(
    fc.property(
      fleet,
      fc.array(fc.noBias(fc.nat({ max: 999_999 })), { minLength: 40, maxLength: 120 }),
      (topology, dice) => {
        const models = desiredFirewall(topology);
        const ends = endsOf(topology);
        for (const die of dice) {
          const from = ends[die % ends.length];
          const to = ends[Math.floor(die / ends.length) % ends.length];
          const flow = FLOWS[Math.floor(die / ends.length ** 2) % FLOWS.length];
          if (from === undefined || to === undefined || flow === undefined || !("port" in flow)) continue;
          if (from.address === to.address || from.address.includes(":") !== to.address.includes(":")) continue;
          const asked = `${flow.protocol}/${String(flow.port)}`;
          const told = explain({ source: from.address, destination: to.address, port: asked }, topology, models);
          if (told.kind === "foreign") continue;
          // A VIP is every balancer's: the answer for the two that are meant.
          const answer =
            told.kind === "answers"
              ? told.answers.find(({ source, destination }) => isAt(source, from) && isAt(destination, to))
              : undefined;
          expect(answer?.allowed, tellProbe({ from, to, flow })).toBe(passes(topology, { from, to, flow }));
        }
      },
    ),
    { numRuns: 60 },
  );
});

function isAt({ host }: { readonly host: string | null }, { name, address }: End): boolean {
  return host === name || (host === null && name === address);
}
