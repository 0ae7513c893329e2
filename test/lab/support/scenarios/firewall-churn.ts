// Rules that change and change again, and users who must not notice.
import { expect } from "vitest";
import { startLoad } from "../../../../lab/demo/load.ts";
import type { FirewallBench } from "../flows/bench.ts";
import { ADDRESS, EDGE, FLOW, HOSTS } from "../flows/bench.ts";
import type { Agent, Connected, Streamed } from "../flows/agents.ts";
import { connecting, streaming } from "../flows/agents.ts";
import { expectDrover } from "../shop.ts";

/** Rules, counters, files and the number of commands that drover has had a host run. */
async function stateOf(
  { lab }: FirewallBench,
  host: string,
): Promise<{ readonly rules: string; readonly runs: number }> {
  const rules =
    "for f in iptables ip6tables; do $f -w 10 -S; done; ipset save | sort; ls -l --time-style=full-iso /var/lib/drover/firewall; readlink /var/lib/drover/firewall/current";
  const counted = await lab.exec(host, [
    "sh",
    "-c",
    "journalctl --sync; journalctl -q -t sudo | grep -c 'drover : .*COMMAND='",
  ]);
  const { code, stdout, stderr } = await lab.exec(host, ["sh", "-c", rules]);
  expect(code, stderr).toBe(0);
  return { rules: stdout, runs: Number(counted.stdout) };
}

/** How many times a chain of drover was emptied shows in its counters: they only ever grow while nobody touches it. */
async function packetsOf({ lab }: FirewallBench, host: string): Promise<number> {
  const { stdout } = await lab.exec(host, ["sh", "-c", "iptables -w 10 -vxnL | grep 'drv:.*fleet/ssh:0'"]);
  return Number(stdout.trim().split(/\s+/)[0]);
}

/** Proof 2: what is in force already is left as it is, and asked for once per host. */
export async function applyAgain(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const every = async (): Promise<readonly Awaited<ReturnType<typeof stateOf>>[]> => {
    return await Promise.all(HOSTS.map((host) => stateOf(bench, host)));
  };
  const before = await every();
  const packets = await packetsOf(bench, "app1");
  const began = performance.now();
  const output = await expectDrover(lab, 0, "apply", "--yes");
  const ms = Math.round(performance.now() - began);
  expect(output).toContain("no difference");
  const after = await every();
  expect(after.map(({ rules }) => rules)).toEqual(before.map(({ rules }) => rules));
  expect(await packetsOf(bench, "app1")).toBeGreaterThan(packets);
  const runs = Object.fromEntries(HOSTS.map((host, at) => [host, (after[at]?.runs ?? 0) - (before[at]?.runs ?? 0)]));
  // The state host keeps the lease besides.
  expect(Object.entries(runs).filter(([host]) => host !== "dns1")).toEqual(
    HOSTS.filter((host) => host !== "dns1").map((host) => [host, 1]),
  );
  console.log(
    `apply again: no difference, nothing touched, ${String(ms)} ms; commands per host ${JSON.stringify(runs)}`,
  );
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const SUBJECTS = ['hosts: "role=app"', "app: shop", "app: flows", 'hosts: "@host=*"', 'hosts: "role=lb"'] as const;

/** A list of peers that has to be a set on the host: none of the networks joins another. */
function peersOf(random: (below: number) => number): string {
  const count = random(2) === 0 ? 9 + random(30) : 1 + random(3);
  const first = random(100);
  const list = Array.from(
    { length: count },
    (_, index) => `{cidr: 10.9.${String(2 * index + first)}.${String(2 * random(100))}/32}`,
  );
  return [...list, ...(random(3) === 0 ? ['{hosts: "role=app"}', "{app: shop}"] : [])].join(", ");
}

function policyOf(random: (below: number) => number): string {
  const subject = SUBJECTS[random(SUBJECTS.length)] ?? SUBJECTS[0];
  const ports = [5000 + random(200), `udp/${String(6000 + random(200))}`, `${String(7100 + random(50))}-7200`];
  // Of an app given by its name, only its own ports have names.
  if (subject !== "app: shop") ports.push("flows");
  const ingress = `ingress: [{from: [${peersOf(random)}], ports: [${ports.slice(0, 1 + random(4)).join(", ")}]}]`;
  // Isolated: then nothing goes out but what follows from the fleet, and that must go on.
  const egress = random(4) === 0 ? `, egress: [{to: [${peersOf(random)}], ports: any}]` : "";
  return `{${subject}, ${ingress}${egress}}`;
}

const KINDS = ["policy", "edit", "remove", "talks", "metrics"] as const;

/** Changes one thing in the files and says what. */
async function changeOne(bench: FirewallBench, random: (below: number) => number, turn: number): Promise<string> {
  const names = Object.keys(bench.block().policies);
  const kind = KINDS[random(KINDS.length)] ?? "policy";
  const name = names[random(Math.max(1, names.length))];
  if (kind === "talks") {
    const talks = random(2) === 0 || turn % 2 === 0;
    await bench.app("side", { hosts: ["app1"], talksTo: talks ? ["shop"] : [], port: 8300, routes: [] });
    return `side talks to ${talks ? "shop" : "nobody"}`;
  }
  if (kind === "remove" && name !== undefined) {
    await bench.policy(name, null);
    return `${name} removed`;
  }
  if (kind === "edit" && name !== undefined) {
    await bench.policy(name, policyOf(random));
    return `${name} edited`;
  }
  const added = `p${String(turn)}`;
  if (names.length > 12 && name !== undefined) await bench.policy(name, null);
  await bench.policy(added, policyOf(random));
  return `${added} added`;
}

/** How many, and how fast; `seed` makes the changes. */
export interface Churn {
  readonly changes: number;
  readonly connections: number;
  readonly streams: number;
  /** New connections a second, of each of the three ways. */
  readonly perSecond: number;
  readonly seed: number;
}

interface Users {
  readonly connects: readonly Agent<Connected>[];
  readonly streams: readonly Agent<Streamed>[];
}

/** Over `talksTo` from host to host, in both directions, and through the VIP. */
async function usersOf({ lab }: FirewallBench, { streams, perSecond }: Churn): Promise<Users> {
  const direct = `${ADDRESS["app3"] ?? ""} ${String(FLOW)}`;
  const edge = `${ADDRESS["vip"] ?? ""} ${String(EDGE)}`;
  const count = Math.ceil(streams / 5);
  const last = Math.max(1, streams - 4 * count);
  return {
    streams: await Promise.all([
      streaming(lab, "app1", direct, { count, way: "push" }),
      streaming(lab, "app1", direct, { count, way: "pull" }),
      streaming(lab, "laptop", edge, { count, way: "push" }),
      streaming(lab, "laptop", edge, { count, way: "pull" }),
      streaming(lab, "app2", `${ADDRESS["app2"] ?? ""} ${String(FLOW)}`, { count: last, way: "push" }),
    ]),
    connects: await Promise.all([
      connecting(lab, "app1", direct, perSecond),
      connecting(lab, "laptop", edge, perSecond),
    ]),
  };
}

/** Must show 3, proof 4: changes applied one after the other, each confirmed, and nobody loses a connection. */
export async function regenerations(bench: FirewallBench, churn: Churn): Promise<void> {
  const { lab } = bench;
  const random = randomOf(churn.seed);
  await bench.app("side", { hosts: ["app1"], talksTo: [], port: 8300, routes: [] });
  await expectDrover(lab, 0, "apply", "--yes");
  const users = await usersOf(bench, churn);
  const web = startLoad({
    lab: lab.name,
    address: ADDRESS["vip"] ?? "",
    host: "shop.lab.internal",
    connections: 4,
    delay: Math.round(4000 / churn.perSecond),
    limit: 7200,
    close: true,
  });
  const times: number[] = [];
  let applied = 0;
  const began = performance.now();
  for (let turn = 0; applied < churn.changes; turn += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one change after the other
    const what = await changeOne(bench, random, turn);
    const start = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- as above
    const output = await expectDrover(lab, 0, "apply", "--yes");
    if (output.includes("no difference")) continue;
    applied += 1;
    times.push(performance.now() - start);
    if (churn.changes <= 10 || applied % 20 === 0) {
      console.log(`change ${String(applied)}: ${what}: ${(times.at(-1) ?? 0).toFixed(0)} ms`);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const requests = await web.stop();
  const connects = await Promise.all(users.connects.map((each) => each.stop()));
  const streams = await Promise.all(users.streams.map((each) => each.stop()));
  const connections = requests.requests + connects.reduce((sum, each) => sum + each.connections, 0);
  console.log(
    `${String(applied)} changes applied in ${seconds.toFixed(0)} s (each ${mean(times)} ms, at most ${Math.max(...times).toFixed(0)}), seed ${String(churn.seed)}: ` +
      `${String(connections)} new connections (${String(requests.requests)} requests), slowest ${String(Math.max(...connects.map(({ slowest }) => slowest)))} ms; ` +
      `${String(streams.reduce((sum, each) => sum + each.streams, 0))} streams, longest silence ${String(Math.max(...streams.map(({ longestSilence }) => longestSilence)))} ms`,
  );
  expect(requests.failed, requests.report).toBe(0);
  for (const each of connects) expect(each.failed, JSON.stringify(each)).toBe(0);
  for (const each of streams) expect(each.broken, JSON.stringify(each)).toBe(0);
  expect(connections).toBeGreaterThanOrEqual(churn.connections);
  await bench.reset();
  await expectDrover(lab, 0, "apply", "--yes");
}

function mean(values: readonly number[]): string {
  return (values.reduce((sum, each) => sum + each, 0) / values.length).toFixed(0);
}

/** The seed of this run: given by DROVER_SEED, or by the clock. */
export function seedOf(): number {
  return Number(process.env["DROVER_SEED"] ?? Date.now() % 1_000_000);
}
