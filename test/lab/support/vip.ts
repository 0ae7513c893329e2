// A pair of real balancers with a VIP, and how long nobody answers there when it moves.
import { readFileSync } from "node:fs";
import { desiredVip } from "../../../src/vip/desired.ts";
import { vipFact } from "../../../src/vip/facts.ts";
import { renderKeepalived } from "../../../src/vip/render.ts";
import type { LoadBalancer, Vip } from "../../../src/model/fleet.ts";
import type { Topology } from "../../../src/model/topology.ts";
import type { VipModel } from "../../../src/model/vip.ts";
import { driver } from "./drive.ts";
import { until, type Lab } from "./lab.ts";

/** The template as drover ships it. */
const KEEPALIVED_TEMPLATE: string = readFileSync(
  new URL("../../../templates/keepalived.conf.hbs", import.meta.url),
  "utf8",
);

/** The lab's VIPs: IPv4 is the anchor. */
export const VIP4: Vip = { address: "192.168.56.10", prefix: 24 };
export const VIP6: Vip = { address: "fd00:56::10", prefix: 64 };

const NUMBERS: Readonly<Record<string, number>> = { lb1: 11, lb2: 12, lb3: 13 };

/** What a test wants of the pair; the rest as in lab/fleet. */
export interface PairSketch {
  readonly hosts?: readonly string[];
  readonly vips?: readonly Vip[];
  readonly failover?: LoadBalancer["failover"];
  readonly virtualRouterId?: number;
}

/** The model and the text for one balancer of the pair. */
export function pairConfig(host: string, sketch: PairSketch = {}): { model: VipModel; config: string } {
  const hosts = sketch.hosts ?? ["lb1", "lb2"];
  const topology: Topology = {
    fleet: "lab",
    hosts: hosts.map((name) => {
      const number = String(NUMBERS[name] ?? 0);
      return { name, addresses: [`192.168.56.${number}`, `fd00:56::${number}`], tags: {} };
    }),
    balancers: [
      {
        name: "edge",
        hosts,
        vips: sketch.vips ?? [VIP4, VIP6],
        virtualRouterId: sketch.virtualRouterId ?? 51,
        failover: sketch.failover ?? "standard",
        interface: "eth0",
        certificates: [],
        settings: SETTINGS,
      },
    ],
    apps: [],
    state: { store: "ssh", host: "dns1" },
    ssh: { port: 22 },
    dns: null,
    firewall: null,
  };
  const model = desiredVip(topology, host, null);
  if (model === null) throw new Error(`${host} is not in the pair`);
  return { model, config: renderKeepalived(KEEPALIVED_TEMPLATE, model) };
}

const NONE = { connect: 0, client: 0, server: 0, queue: 0, httpRequest: 0, httpKeepAlive: 0, tunnel: 0, clientFin: 0 };
const SETTINGS: LoadBalancer["settings"] = {
  maxConnections: 1,
  timeouts: NONE,
  hardStopAfter: 0,
  tls: { minVersion: "TLSv1.2", ciphers: [], cipherSuites: [], hsts: 0, http2: true },
  metrics: null,
  log: { target: "/dev/log", requests: false },
  responseHeaders: {},
};

const HAPROXY = `global
    maxconn 1000
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend drover_alive
    bind 127.0.0.1:8405
    monitor-uri /
frontend all
    bind *:80
    bind :::80 v6only
    http-request return status 200 content-type text/plain lf-string "%H\\n"
`;

/** A HAProxy that answers every request with its host's name, and keepalived's check. */
export async function startHaproxy(lab: Lab, host: string): Promise<void> {
  const put = await lab.exec(
    host,
    ["sh", "-c", "cat > /etc/haproxy/haproxy.cfg && systemctl enable -q haproxy && systemctl restart haproxy"],
    {
      stdin: HAPROXY,
    },
  );
  if (put.code !== 0) throw new Error(put.stderr);
}

/** Which of these balancers hold the VIP right now. */
export async function holders(lab: Lab, hosts: readonly string[], vip: Vip = VIP4): Promise<readonly string[]> {
  const { gather } = driver(lab);
  const all = await Promise.all(
    hosts.map(async (host) => ((await gather(host, vipFact)).live.holds.includes(vip.address) ? [host] : [])),
  );
  return all.flat();
}

/** Waits for the one holder and gives its name. */
export async function oneHolder(lab: Lab, vip: Vip = VIP4, hosts: readonly string[] = ["lb1", "lb2"]): Promise<string> {
  let holding: readonly string[] = [];
  await until("one balancer holds the VIP", async () => {
    holding = await holders(lab, hosts, vip);
    return holding.length === 1;
  });
  return holding[0] ?? "";
}

// A fresh connection every 20 ms, whatever became of those before; each is given up after a second. Prints the time of
// every answer, and who gave it.
const POLLER = String.raw`
const { connect } = require("node:net");
const [, host, name] = process.argv;
setInterval(() => {
  let text = "";
  const socket = connect(80, host, () => socket.write("GET / HTTP/1.0\r\nHost: " + name + "\r\n\r\n"));
  socket.setTimeout(1000, () => socket.destroy());
  socket.on("data", (chunk) => (text += chunk));
  socket.on("end", () => {
    if (!text.startsWith("HTTP/1.0 200") && !text.startsWith("HTTP/1.1 200")) return;
    process.stdout.write(performance.now().toFixed(1) + " " + text.trim().split("\n").pop() + "\n");
  });
  socket.on("error", () => {});
}, 20);
`;

/** What a poller of the VIP saw. */
export interface Failover {
  /** The longest time without an answer, in milliseconds. */
  readonly gap: number;
  /** Who answered, in order, without repetitions. */
  readonly by: readonly string[];
}

/** How a failover is watched. */
export interface Watch {
  /** Asked every 20 ms, over fresh connections, from the laptop; the IPv4 VIP where nothing else is said. */
  readonly vip?: Vip;
  /** The site that is asked for, where there are several; only its 200 is an answer. */
  readonly name?: string;
  /** Milliseconds to go on after the event. */
  readonly after: number;
}

/** Polls the VIP from the laptop (ahead of everything else that runs on this machine, or it would measure that) while `event` happens, and for a while after. Throws where nobody answers at the end. */
export async function measureFailover(lab: Lab, event: () => Promise<unknown>, watch: Watch): Promise<Failover> {
  const child = lab.background([
    "nice",
    "-n",
    "-20",
    "node",
    "-e",
    POLLER,
    (watch.vip ?? VIP4).address,
    watch.name ?? "any",
  ]);
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const answers = (): readonly { at: number; by: string }[] =>
    said
      .split("\n")
      .slice(0, -1)
      .map((line) => ({ at: Number(line.split(" ")[0]), by: line.split(" ")[1] ?? "" }));
  try {
    await until("the VIP answers", () => Promise.resolve(answers().length > 20));
    await event();
    const mark = answers().length;
    // A move may begin only after the event, so there is nothing to wait for but time; then somebody has to answer.
    await new Promise((resolve) => setTimeout(resolve, watch.after));
    await until("the VIP answers again", () => Promise.resolve(answers().length > mark + 20));
  } finally {
    child.kill();
  }
  const seen = answers();
  const gaps = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? at));
  const by = seen.map((each) => each.by).filter((name, index, all) => name !== all[index - 1]);
  return { gap: Math.max(...gaps), by };
}

/** The middle one of several figures. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((left, right) => left - right)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
