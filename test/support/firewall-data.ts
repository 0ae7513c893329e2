import fc from "fast-check";
import { anyDns } from "./dns-data.ts";
import type { Data } from "./fleet-data.ts";

/** The keys of drover.yaml and of each app that the firewall is about, and DNS with it. */
export interface FirewallData {
  readonly drover: { readonly [key: string]: Data };
  readonly apps: readonly { readonly [key: string]: Data }[];
}

const network = fc.constantFrom(
  "10.9.0.1",
  "10.8.0.0/16",
  "0.0.0.0/0",
  "FD00:0:0:8::/64",
  "fd00::9",
  "::/0",
  "192.168.0.0/17",
);
const selector = fc.constantFrom("role=app", "@host=*", "@host in (a-lb,z-state)", "role!=lb", "role");

/** A list that may be empty, or the word that stands for everything. */
function listOr(word: string, item: fc.Arbitrary<Data>): fc.Arbitrary<Data> {
  return fc.oneof(fc.constant(word), fc.array(item, { maxLength: 3 }));
}

/** One end of a flow; `apps` are those that there are. */
function peerOf(apps: readonly string[]): fc.Arbitrary<Data> {
  const named = apps.length === 0 ? [] : [fc.record({ app: fc.constantFrom(...apps) })];
  return fc.oneof(
    fc.record({ hosts: selector }),
    fc.record({ cidr: network }),
    fc.constant({ cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "10.2.0.1"] }),
    ...named,
  );
}

/** One entry of `ports`. */
function portOf(names: readonly string[]): fc.Arbitrary<Data> {
  const named = names.length === 0 ? [] : [fc.constantFrom(...names, ...names.map((name) => `tcp/${name}`))];
  return fc.oneof(
    fc.integer({ min: 1, max: 65_535 }),
    fc.constantFrom("8000-8010", "udp/53", "udp/*", "tcp/*", "tcp/443", "udp/6000-6001", "1-65535"),
    ...named,
  );
}

function policyOf(apps: readonly string[]): fc.Arbitrary<Data> {
  const ends = listOr("anyone", peerOf(apps));
  // The port of an app has the app's name; the first app has metrics as well.
  const ports = listOr("any", portOf(apps.length === 0 ? [] : [...apps, "metrics"]));
  const ingress = fc.array(fc.record({ from: ends, ports }), { maxLength: 3 });
  const egress = fc.array(fc.record({ to: ends, ports }), { maxLength: 3 });
  const subject = apps.length === 0 ? [] : [fc.record({ app: fc.constantFrom(...apps) })];
  return fc
    .tuple(
      fc.oneof(fc.record({ hosts: selector }), ...subject),
      fc.oneof(fc.record({ ingress }), fc.record({ egress }), fc.record({ ingress, egress })),
      fc.record({ sever: fc.boolean() }, { requiredKeys: [] }),
    )
    .map(([about, rules, rest]): Data => ({ ...about, ...rules, ...rest }));
}

function blockOf(apps: readonly string[]): fc.Arbitrary<Data> {
  return fc.record(
    {
      admin: fc.array(network, { minLength: 1, maxLength: 3 }),
      metrics: listOr("anyone", peerOf(apps)),
      confirm: fc.constantFrom("5s", "90s", "10m"),
      sever: fc.boolean(),
      log: fc.boolean(),
      policies: fc.dictionary(fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/), policyOf(apps), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: ["admin"] },
  );
}

/** Ports that no other app has, nor the balancers. */
function portsOf(index: number): fc.Arbitrary<Data> {
  const first = 9200 + index * 10;
  return fc.record(
    {
      metrics: fc.constantFrom<Data>(first, `tcp/${String(first)}`),
      syslog: fc.constant(`udp/${String(first)}`),
      "x-1": fc.constant(String(first + 1)),
    },
    { requiredKeys: index === 0 ? ["metrics"] : [] },
  );
}

/** What `count` apps called `app-0`, `app-1`, … and their fleet may say about the firewall: always valid. */
export function firewallOf(count: number): fc.Arbitrary<FirewallData> {
  const apps = Array.from({ length: count }, (_, index) => `app-${String(index)}`);
  const keys = apps.map((name, index) => {
    const others = apps.filter((other) => other !== name);
    const talksTo = fc.shuffledSubarray(others);
    return fc.record({ ports: portsOf(index), talksTo }, { requiredKeys: index === 0 ? ["ports"] : [] });
  });
  const drover = fc.record({ dns: anyDns, firewall: blockOf(apps) }, { requiredKeys: [] });
  return fc.record({ drover, apps: fc.tuple(...keys) });
}
