import fc from "fast-check";
import { stringify } from "yaml";
import type { Assembled } from "../../src/inventory/assemble.ts";
import { assembleFleet } from "../../src/inventory/assemble.ts";
import { formatDiagnostic } from "../../src/inventory/diagnostics.ts";
import { parseApp } from "../../src/inventory/parse-app.ts";
import { parseFleetFile } from "../../src/inventory/parse-drover.ts";
import { parseInventory } from "../../src/inventory/parse-inventory.ts";
import { compileTopology } from "../../src/inventory/topology.ts";
import type { Topology } from "../../src/model/topology.ts";
import { anySrv } from "./dns-data.ts";
import type { FirewallData } from "./firewall-data.ts";
import { firewallOf } from "./firewall-data.ts";

/** Plain data as it stands in a file. */
export type Data = string | number | boolean | readonly Data[] | { readonly [key: string]: Data };

/** The files of a random fleet as plain data: always valid. */
export interface FleetData {
  readonly drover: Data;
  readonly inventory: Data;
  readonly apps: readonly Data[];
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const value = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?$/);
const shortTime = fc
  .tuple(fc.integer({ min: 1, max: 90 }), fc.constantFrom("ms", "s"))
  .map(([n, unit]) => `${n}${unit}`);

const rollout = fc.record(
  {
    serial: fc.integer({ min: 1, max: 20 }),
    minAvailable: fc.constant(0),
    maxFailures: fc.nat(5),
    onFailure: fc.constantFrom("pause", "rollback"),
    drainTimeout: shortTime,
    minHealthyTime: shortTime,
    healthyDeadline: fc.constantFrom("2m", "100s"),
    batchWait: fc.oneof(fc.constant("ask"), shortTime),
  },
  { requiredKeys: ["minAvailable"] },
);

const whole = fc.integer({ min: 1, max: 5000 });
const headers = fc.dictionary(fc.stringMatching(/^X-[a-z0-9]{1,5}$/), fc.stringMatching(/^[!-~]{1,5}( [!-~]{1,5})?$/), {
  maxKeys: 2,
  noNullPrototype: true,
});

const balancing = fc.record(
  {
    algorithm: fc.constantFrom("roundrobin", "leastconn"),
    maxConnections: whole,
    slowStart: shortTime,
    timeouts: fc.record({ connect: shortTime, server: shortTime }, { requiredKeys: [] }),
    headers: fc.record({ request: headers, response: headers }, { requiredKeys: [] }),
    hsts: whole,
    log: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Routes of one app; `index` keeps them apart from those of others. */
function routesOf(index: number): fc.Arbitrary<readonly Data[]> {
  const own = `app-${index}.test`;
  const host = fc.constantFrom<Data>(own, [own, `www.${own}`], [`*.${own}`, own]);
  const http = fc.record(
    { lb: fc.constant("edge"), host, path: fc.constantFrom("/", "/api"), tls: fc.constantFrom("terminate", "none") },
    { requiredKeys: ["lb", "host"] },
  );
  const passed = fc.record({
    lb: fc.constant("edge"),
    host: fc.constantFrom<Data>(`pass.${own}`, [`pass.${own}`]),
    tls: fc.constant("passthrough"),
  });
  const port = (mode: "tcp" | "http"): fc.Arbitrary<Data> =>
    fc.record(
      {
        lb: fc.constant("edge"),
        port: fc.constant(9000 + index),
        mode: fc.constant(mode),
        from: fc.constantFrom("anyone", "fleet"),
      },
      { requiredKeys: mode === "tcp" ? ["lb", "port"] : ["lb", "port", "mode"] },
    );
  const some = (...kinds: readonly fc.Arbitrary<Data>[]): fc.Arbitrary<readonly Data[]> =>
    fc.tuple(...kinds.map((kind) => fc.option(kind))).map((routes) => routes.filter((route) => route !== null));
  // An app's routes all read requests, or none does.
  return fc.oneof(some(http, port("http")), some(passed, port("tcp")));
}

/** The balancer set, which always has certificates. */
const edge = fc.record(
  {
    hosts: fc.constant("@host=a-lb"),
    certificates: fc.constantFrom<Data>(
      [{ file: "certs/a.pem" }],
      [
        { file: "a.pem", key: { file: "a.key" } },
        { file: "b.x.crt", key: { command: ["pass", "b"] } },
      ],
    ),
    maxConnections: whole,
    timeouts: fc.record({ client: shortTime, tunnel: shortTime }, { requiredKeys: [] }),
    tls: fc.record({ hsts: whole, http2: fc.boolean() }, { requiredKeys: [] }),
    metrics: fc.constantFrom<Data>(false, {}, { port: 9999 }, { address: "10.1.0.1" }),
    log: fc.constantFrom<Data>({}, { target: "10.1.0.2:514" }, { requests: false }),
    responseHeaders: headers,
  },
  { requiredKeys: ["hosts", "certificates"] },
);

const vip = fc.record(
  {
    vip: fc.constantFrom<Data>("10.1.0.9/24", ["FD00::9/64", "10.1.0.9/24"]),
    virtualRouterId: fc.integer({ min: 1, max: 255 }),
    failover: fc.constantFrom("standard", "fast"),
    interface: fc.constantFrom("eth0", "bond0.7"),
  },
  { requiredKeys: ["vip", "virtualRouterId"] },
);

const app = fc.record(
  {
    release: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_+~-]{0,10}$/),
    artifact: fc.constantFrom("dist/a-{{release}}.tar", "b.tar"),
    run: fc.constantFrom("./bin/a --port {{port}}", "b 'c d'", "/usr/bin/env x"),
    hosts: fc.constantFrom("role=app", "role in (app,db)", "!zone", "@host=host-*", "role!=lb,role"),
    health: fc.record({
      http: fc.constant("/up"),
      interval: shortTime,
      successThreshold: fc.integer({ min: 1, max: 9 }),
    }),
    env: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,5}$/), value, { maxKeys: 3 }),
    secrets: fc.dictionary(
      fc.stringMatching(/^[A-Z_]{1,5}$/),
      fc.constantFrom({ file: "x" }, { command: ["a", "b"] }),
      {
        maxKeys: 2,
      },
    ),
    srv: anySrv,
    balancing,
    rollout,
  },
  { requiredKeys: ["release", "artifact", "run", "hosts", "rollout"] },
);

/** A valid fleet: one balancer set, a state host, and hosts, apps and policies of every kind. */
export const anyFleet: fc.Arbitrary<FleetData> = fc.nat(4).chain((count) => fleetOf(count, firewallOf(count)));

function fleetOf(count: number, firewall: fc.Arbitrary<FirewallData>): fc.Arbitrary<FleetData> {
  return fc
    .record({
      firewall,
      tags: fc.array(fc.record({ role: fc.constantFrom("app", "db", "lb"), rack: value }, { requiredKeys: ["role"] }), {
        minLength: 1,
        maxLength: 8,
      }),
      apps: fc.array(app, { minLength: count, maxLength: count }),
      routes: fc.tuple(...[0, 1, 2, 3].map(routesOf)),
      set: fc.tuple(edge, fc.oneof(fc.constant({}), vip)).map(([one, two]): Data => ({ ...one, ...two })),
      fleet: word,
      user: word,
    })
    .map(({ firewall: rules, tags, apps, routes, set, fleet, user }): FleetData => {
      const hosts: [string, Data][] = tags.map((own, index) => [
        `host-${index}`,
        { address: addressOf(index), tags: own },
      ]);
      const fixed: [string, Data][] = [
        ["a-lb", { address: ["10.1.0.1", "fd00::1"], tags: { role: "lb" } }],
        ["z-state", { address: "10.1.0.2", tags: { role: "db" } }],
        ["m-app", { address: "10.1.0.3", tags: { role: "app" } }],
      ];
      return {
        drover: {
          fleet,
          ssh: { user },
          loadBalancers: { edge: set },
          state: { store: "ssh", host: "z-state" },
          ...rules.drover,
        },
        inventory: { hosts: Object.fromEntries([...hosts, ...fixed]) },
        apps: apps.map((fields, index) => {
          const own = routes[index] ?? [];
          return {
            app: `app-${index}`,
            port: 8000 + index,
            routes: own,
            ...rules.apps[index],
            ...(readsRequests(own) ? fields : plain(fields)),
          };
        }),
      };
    });
}

/** Of one family, of the other, and of both. */
function addressOf(index: number): Data {
  const [v4, v6] = [`10.0.0.${String(index + 1)}`, `fd00::10:${String(index + 1)}`];
  return [v4, [v4, v6], v6][index % 3] ?? v4;
}

function readsRequests(routes: readonly Data[]): boolean {
  return !routes.some((route) => {
    if (typeof route !== "object" || isList(route)) return false;
    return route["tls"] === "passthrough" || (route["port"] !== undefined && route["mode"] !== "http");
  });
}

/** Nobody can set headers on what nobody reads. */
function plain<Fields extends { readonly balancing?: Data }>(fields: Fields): Omit<Fields, "balancing"> {
  const { balancing: _none, ...rest } = fields;
  return rest;
}

/** Puts a fleet's files together, each written by `write`. */
export function assemble({ drover, inventory, apps }: FleetData, write: (data: Data) => string): Assembled {
  return assembleFleet({
    drover: parseFleetFile("drover.yaml", write(drover)),
    inventory: [parseInventory("inventory.yaml", write(inventory))],
    apps: apps.map((data, index) => parseApp(`apps/app-${index}.yaml`, write(data))),
    found: [],
  });
}

/** The topology that a valid fleet's files give. */
export function topologyOf(data: FleetData): Topology {
  const assembled = assemble(data, (part) => JSON.stringify(part));
  if (assembled.kind === "ok") return compileTopology(assembled.fleet);
  throw new Error(assembled.diagnostics.map(formatDiagnostic).join("\n"));
}

/** The topology of a valid fleet of any kind. */
export const anyTopology: fc.Arbitrary<Topology> = anyFleet.map(topologyOf);

/** Block style, one key per line. */
export function asYaml(data: Data): string {
  return stringify(data, { lineWidth: 0 });
}

/** The same in another hand: quotes around every text, and notes before every line. */
export function asNotedYaml(data: Data): string {
  const quoted = stringify(data, { lineWidth: 0, defaultStringType: "QUOTE_SINGLE", indent: 4 });
  return quoted.replaceAll(/^(?=.)/gm, "# firewall: {}\n");
}

/** Every map with its keys in another order, but for the hosts, whose order means something. */
export function permuted(data: Data, seed: number, ordered = false): Data {
  if (typeof data !== "object") return data;
  if (isList(data)) return data.map((item) => permuted(item, seed));
  const entries = Object.entries(data).map(([key, inner]): [string, Data] => [
    key,
    permuted(inner, seed + 1, key === "hosts"),
  ]);
  return Object.fromEntries(ordered ? entries : shuffled(entries, seed));
}

function isList(data: Data): data is readonly Data[] {
  return Array.isArray(data);
}

function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  return items
    .map((item, index) => ({ item, rank: Math.imul(seed + index + 1, 0x9e3779b1) >>> 0 }))
    .toSorted((left, right) => left.rank - right.rank)
    .map(({ item }) => item);
}
