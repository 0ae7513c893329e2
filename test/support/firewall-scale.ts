import type { PlacedPeer, Policy } from "../../src/model/policy.ts";
import type { Topology } from "../../src/model/topology.ts";
import { allow, app, cidr, hosts, httpRoute, named, policy, port, topologyWith } from "./firewall.ts";

/** How large a fleet to make. */
export interface Scale {
  readonly hosts: number;
  readonly apps: number;
  /** Over all apps. */
  readonly instances: number;
  /** Of talksTo and of policies, half each. */
  readonly flows: number;
}

/** The size that has to compile in under two seconds and 512 MiB. */
export const FULL_SCALE: Scale = { hosts: 1000, apps: 200, instances: 1000, flows: 2000 };

const nameOf = (index: number): string => `h${String(index).padStart(4, "0")}`;
const appNamed = (index: number): string => `app${String(index).padStart(3, "0")}`;

function addressesOf(index: number): readonly string[] {
  const [high, low] = [index >> 8, index & 255];
  return [`10.7.${String(high)}.${String(low)}`, `fd00:7::${(index + 1).toString(16)}`];
}

function policyAt(index: number, { apps, hosts: count }: Scale): Policy<PlacedPeer> {
  const other = app(appNamed((index * 7 + 3) % apps));
  const group = hosts(...Array.from({ length: 20 }, (_, at) => nameOf((index * 13 + at * 31) % count)));
  const kinds = [
    { ingress: [allow([other, group], port("tcp", 9000 + (index % 50)), named("metrics"))] },
    { ingress: [allow([cidr("10.20.0.0/16", "10.20.9.0/24"), group], port("tcp", 8000, 8010), port("udp", 514))] },
    // Every fourth policy isolates its app's hosts outwards.
    { egress: [allow([other, group], named("metrics"), port("tcp", 443))] },
    { ingress: [allow([group], "any")], egress: [allow("anyone", port("udp", 123))] },
  ];
  return policy(`p${String(index).padStart(4, "0")}`, app(appNamed(index % apps)), kinds[index % kinds.length] ?? {});
}

/** A fleet of that size: flows between many apps, policies of every kind, two sets of balancers. The same every time. */
export function fleetOfScale(scale: Scale): Topology {
  const perApp = scale.instances / scale.apps;
  const talks = scale.flows / 2 / scale.apps;
  const first = 8;
  const names = Array.from({ length: scale.apps }, (_, index) => index);
  return topologyWith({
    hosts: Object.fromEntries(Array.from({ length: scale.hosts }, (_, index) => [nameOf(index), addressesOf(index)])),
    dns: [nameOf(0), nameOf(1)],
    sets: {
      edge: { on: [nameOf(2), nameOf(3)], vips: [{ address: "10.7.200.1", prefix: 16 }], virtualRouterId: 51 },
      inner: { on: [nameOf(4), nameOf(5)], vips: [{ address: "10.7.200.2", prefix: 16 }], virtualRouterId: 52 },
    },
    apps: Object.fromEntries(
      names.map((index) => [
        appNamed(index),
        {
          on: Array.from({ length: perApp }, (_, at) =>
            nameOf(first + ((index * perApp + at) % (scale.hosts - first))),
          ),
          port: 8080 + index,
          ports: [{ name: "metrics", protocol: "tcp" as const, port: 20_000 + index }],
          routes: [httpRoute(index % 2 === 0 ? "edge" : "inner")],
          talksTo: Array.from({ length: talks }, (_, at) => appNamed((index + 1 + at * 17) % scale.apps)).filter(
            (name) => name !== appNamed(index),
          ),
        },
      ]),
    ),
    firewall: {
      metrics: [hosts(nameOf(6))],
      policies: Array.from({ length: scale.flows / 2 }, (_, index) => policyAt(index, scale)),
    },
  });
}
