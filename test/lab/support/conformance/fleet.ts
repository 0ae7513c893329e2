/** A case's sketch as the files of a fleet, read by drover's own inventory code. */
import { assembleFleet } from "../../../../src/inventory/assemble.ts";
import { parseApp } from "../../../../src/inventory/parse-app.ts";
import { parseFleetFile } from "../../../../src/inventory/parse-drover.ts";
import { parseInventory } from "../../../../src/inventory/parse-inventory.ts";
import { compileTopology } from "../../../../src/inventory/topology.ts";
import type { Topology } from "../../../../src/model/topology.ts";
import type { Addresses, Case, Change, FleetSketch, Probe, Stream } from "./case.ts";
import { OUTSIDERS, readProbes, readStreams } from "./case.ts";

/** Where drover keeps its state; every fleet has one, and nobody asks it. */
export const STORE = "store";
/** An app may have a single instance. */
const ALONE = "rollout: {minAvailable: 0}";

/** One state of a case's world. */
export interface Scene {
  /** What happened, in words; empty for the first. */
  readonly what: string;
  readonly topology: Topology;
  /** Of everybody there is, inventory or not; a balancer's VIPs are with the first of its set. */
  readonly addresses: Addresses;
  readonly probes: readonly Probe[];
  /** Streams that are open from now on. */
  readonly held: readonly Stream[];
  /** Those that still live, of all held before; null: not asked. */
  readonly alive: readonly Stream[] | null;
}

const SCENES = new WeakMap<Case, readonly Scene[]>();

/** All states of a case, in order. Throws where its files are not a valid fleet. */
export function scenesOf(each: Case): readonly Scene[] {
  const scenes = SCENES.get(each) ?? makeScenes(each);
  SCENES.set(each, scenes);
  return scenes;
}

function makeScenes(each: Case): readonly Scene[] {
  const changes: readonly Change[] = each.changes ?? [];
  const sketches = changes.reduce<readonly FleetSketch[]>(
    (before, { fleet }) => [...before, { ...(before.at(-1) ?? each.fleet), ...fleet }],
    [each.fleet],
  );
  const names = [...new Set(sketches.flatMap(({ hosts }) => Object.keys(hosts)))];
  const places = new Map<string, readonly string[]>();
  return sketches.map((sketch, index) => {
    const topology = topologyOf(each.title, sketch, names);
    const hosts = topology.hosts.filter(({ name }) => name !== STORE);
    const own = Object.fromEntries(hosts.map(({ name, addresses }) => [name, addresses]));
    for (const [name, addresses] of Object.entries(own)) places.set(name, addresses);
    const outside = Object.entries({ ...OUTSIDERS, ...each.outside }).map(
      ([name, words]) => [name, words.split(" ")] as const,
    );
    const addresses = settle([...outside, ...places], { topology, own });
    const stage = index === 0 ? each : changes[index - 1];
    if (stage === undefined) throw new Error("no stage");
    const alive = "alive" in stage && stage.alive !== undefined ? readStreams(stage.alive, addresses) : null;
    return {
      what: "what" in stage ? stage.what : "",
      topology,
      addresses,
      probes: readProbes(stage.probes, addresses),
      held: readStreams(stage.hold ?? "", addresses),
      alive,
    };
  });
}

/** Who has left keeps its addresses, unless they are somebody else's now: then it is switched off. */
function settle(
  everybody: readonly (readonly [string, readonly string[]])[],
  { topology, own }: { topology: Topology; own: Readonly<Record<string, readonly string[]>> },
): Addresses {
  const taken = new Set(Object.values(own).flat());
  const vips = topology.balancers.flatMap(({ hosts, vips }) => vips.map(({ address }) => [hosts[0], address] as const));
  const present = everybody
    .filter(([name, addresses]) => name in own || !addresses.some((address) => taken.has(address)))
    .map(([name, addresses]): [string, readonly string[]] => {
      const held = vips.filter(([holder]) => holder === name).map(([, address]) => address);
      return [name, [...addresses, ...held]];
    });
  return Object.fromEntries(present);
}

/** The inventory's text. */
function writeHosts({ hosts }: FleetSketch, names: readonly string[]): string {
  const written = Object.entries(hosts).map(([name, text]) => {
    const words = text.split(" ").filter((word) => word !== "");
    const tags = words.flatMap((word): readonly (readonly [string, string])[] => {
      const [key = "", value] = word.split("=");
      return value === undefined ? [] : [[key, value]];
    });
    const given = words.filter((word) => /[.:]/.test(word) && !word.includes("="));
    const number = String(10 + names.indexOf(name));
    const made = [
      ...(words.includes("v6") ? [] : [`10.0.0.${number}`]),
      ...(words.includes("v4") ? [] : [`fd00::${number}`]),
    ];
    return [name, { address: given.length > 0 ? given : made, tags: Object.fromEntries(tags) }] as const;
  });
  return JSON.stringify({ hosts: Object.fromEntries([...written, [STORE, { address: "10.255.0.1" }]]) });
}

function topologyOf(title: string, sketch: FleetSketch, names: readonly string[]): Topology {
  const operators = (OUTSIDERS["operator"] ?? "").split(" ").map((word) => `"${word}"`);
  const admin = sketch.admin ?? operators.join(", ");
  const drover = [
    "fleet: conformance",
    `ssh: {user: ops, port: ${String(sketch.sshPort ?? 22)}}`,
    `state: {store: ssh, host: ${STORE}}`,
    ...(sketch.balancers === undefined ? [] : ["loadBalancers:", below(sketch.balancers)]),
    ...(sketch.more === undefined ? [] : [sketch.more]),
    ...(sketch.firewall === null ? [] : ["firewall:", `  admin: [${admin}]`, below(sketch.firewall ?? "")]),
  ].join("\n");
  const assembled = assembleFleet({
    drover: parseFleetFile("drover.yaml", drover),
    inventory: [parseInventory("inventory.yaml", writeHosts(sketch, names))],
    apps: Object.entries(sketch.apps ?? {}).map(([name, text]) =>
      parseApp(
        `apps/${name}.yaml`,
        [`app: ${name}`, 'release: "1"', "artifact: app.tar", "run: app", ALONE, dedent(text)].join("\n"),
      ),
    ),
    found: [],
  });
  if (assembled.kind === "ok") return compileTopology(assembled.fleet);
  const told = assembled.diagnostics.map(
    ({ file, line, path, message }) => `${file}:${String(line)} ${path}: ${message}`,
  );
  throw new Error(`${title}: the fleet is not valid\n${told.join("\n")}\n${drover}`);
}

/** Lines as they stand in a test, moved below a key. */
function below(text: string): string {
  return dedent(text)
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");
}

function dedent(text: string): string {
  const all = text.split("\n").filter((line) => line.trim() !== "");
  const margin = Math.min(...all.map((line) => line.length - line.trimStart().length));
  return all.map((line) => line.slice(margin)).join("\n");
}
