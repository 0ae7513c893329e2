import fc from "fast-check";
import type { FirewallMatch, FirewallModel, FirewallRule } from "../../src/model/firewall.ts";
import { joinRules } from "../../src/firewall/merge.ts";
import type { FirewallChange } from "../../src/firewall/transition.ts";
import type { Probe } from "./firewall-walk.ts";

/** Hosts of both families; with and without an address that two of them share. */
const ALONE: Readonly<Record<string, readonly string[]>> = {
  h1: ["10.0.0.1"],
  h2: ["10.0.0.2"],
  h3: ["10.0.0.3"],
  h4: ["fd00::4"],
  h5: ["fd00::5"],
};
const SHARED: Readonly<Record<string, readonly string[]>> = {
  h1: ["10.0.0.1", "10.0.0.100"],
  h2: ["10.0.0.2", "10.0.0.100", "fd00::2"],
  h3: ["10.0.0.3", "fd00::3"],
  h4: ["fd00::4", "10.0.0.4"],
  h5: ["10.0.0.5"],
};

export const STRANGERS: readonly string[] = ["192.0.2.9", "2001:db8::9"];

/** On and beside every border that the rules below have. */
export const PROBES: readonly Probe[] = [
  { protocol: "tcp", port: 22 },
  { protocol: "tcp", port: 80 },
  { protocol: "tcp", port: 81 },
  { protocol: "tcp", port: 90 },
  { protocol: "udp", port: 53 },
  { protocol: "udp", port: 80 },
  { protocol: "vrrp", port: 0 },
  { protocol: "icmp", port: 0 },
];

const match: fc.Arbitrary<FirewallMatch> = fc.constantFrom<FirewallMatch>(
  { protocol: "any" },
  { protocol: "vrrp" },
  { protocol: "tcp", ports: null },
  { protocol: "tcp", ports: [{ from: 80, to: 80 }] },
  { protocol: "tcp", ports: [{ from: 80, to: 89 }] },
  {
    protocol: "tcp",
    ports: [
      { from: 22, to: 22 },
      { from: 81, to: 100 },
    ],
  },
  { protocol: "udp", ports: null },
  { protocol: "udp", ports: [{ from: 53, to: 53 }] },
);

const peers: fc.Arbitrary<FirewallRule["peers"]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("anyone" as const) },
  {
    weight: 6,
    arbitrary: fc.subarray(
      ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.100/32", "192.0.2.0/24", "fd00::2/127", "fd00::4/126"],
      { minLength: 1, maxLength: 3 },
    ),
  },
);

function rule(direction: "in" | "out"): fc.Arbitrary<FirewallRule> {
  return fc.record({
    direction: fc.constant(direction),
    peers,
    match,
    source: fc.constantFrom("a:0", "b:0", "b:1", "fleet/ssh:0"),
    apps: fc.subarray(["shop", "orders"]),
    sever: fc.boolean(),
  });
}

/** Models as hostile as they may be: rules that overlap, contradict the other end, or say the same twice. */
export const anyModel: fc.Arbitrary<FirewallModel> = fc
  .record({
    incoming: fc.array(rule("in"), { maxLength: 3 }),
    outgoing: fc.array(rule("out"), { maxLength: 3 }),
    egress: fc.boolean(),
    log: fc.boolean(),
  })
  .map(({ incoming, outgoing, egress, log }) => ({ rules: joinRules(incoming, egress ? outgoing : []), egress, log }));

/** Before and after on one host: mostly managed before and after, often related, at times the same. */
const pair: fc.Arbitrary<readonly [FirewallModel | null, FirewallModel | null]> = fc
  .tuple(anyModel, anyModel, fc.integer({ min: 0, max: 11 }))
  .map(([one, other, which]) => {
    if (which === 0) return [null, one];
    if (which === 1) return [one, null];
    if (which === 2) return [one, one];
    const kept = one.rules.filter(({ direction }) => direction === "in" || other.egress);
    return which < 7 ? [one, { ...other, rules: joinRules(kept.slice(1), other.rules) }] : [one, other];
  });

/** A change of a small fleet; `shared`: some hosts have several addresses, and one belongs to two. */
export function anyChange(shared: boolean): fc.Arbitrary<FirewallChange> {
  const addresses = shared ? SHARED : ALONE;
  const hosts = Object.keys(addresses);
  return fc
    .record({ pairs: fc.array(pair, { minLength: 4, maxLength: 5 }), isolate: fc.subarray(hosts) })
    .map((made) => {
      const named = made.pairs.map(([before, after], index) => [hosts[index] ?? "", before, after] as const);
      return {
        before: new Map(named.map(([host, before]) => [host, before])),
        after: new Map(named.map(([host, , after]) => [host, after])),
        isolate: new Set(made.isolate),
        addresses: new Map(Object.entries(addresses)),
      };
    });
}
