import type { Failure } from "../model/errors.ts";
import type { Holding } from "../plan/verify/holding.ts";
import { holdingHint, holdingSentence } from "../plan/verify/holding.ts";
import { table } from "./table.ts";
import { failureLines, several, span } from "./words.ts";

/** A worker from before a reload that still serves. */
export interface OldWorker {
  readonly pid: number;
  /** Milliseconds since it was started. */
  readonly age: number;
  /** What it still carries; null where it does not tell. */
  readonly carries: { readonly requests: number; readonly tunnels: number } | null;
}

/** HAProxy on one balancer. */
export interface HaproxyShow {
  /** With the distribution's suffix; null: it does not answer. */
  readonly version: string | null;
  /** ISO 8601, when the master was started; null: it does not answer. */
  readonly since: string | null;
  readonly running: boolean;
  readonly reloads: number | null;
  readonly failedReloads: number | null;
  readonly oldWorkers: readonly OldWorker[];
}

/** What is drained on one balancer, and on whose word. */
export interface DrainedShow {
  readonly server: string;
  /** Why, as far as somebody told drover. */
  readonly reason: string | null;
}

/** One balancer as it is. */
export interface BalancerShow {
  readonly balancer: string;
  /** Null: it did not answer, and `why` says so. */
  readonly told: {
    readonly haproxy: HaproxyShow;
    /** haproxy.cfg and what it names: `as drover wrote it`, `changed by hand`, `older than the files`, … */
    readonly config: string;
    /** keepalived in one word; null: the set has no VIP. */
    readonly keepalived: string | null;
    readonly drained: readonly DrainedShow[];
  } | null;
  readonly why: Failure | null;
}

/** One server on one balancer. */
export interface ServerOnBalancer {
  readonly balancer: string;
  /** HAProxy's word, e.g. `UP`, `DOWN 1/2`; `absent`: it does not know this server; `unknown`: it did not tell. */
  readonly state: string;
  readonly numbers: {
    /** The last check in words, e.g. `L7OK 200 in 2 ms`; empty without checks. */
    readonly check: string;
    readonly sessions: number;
    readonly total: number;
    /** New sessions in the last second. */
    readonly rate: number;
    readonly errors5xx: number;
    readonly connectionErrors: number;
    readonly queue: number;
  } | null;
}

/** One server of an app on all balancers of the set. */
export interface ServerShow {
  readonly app: string;
  readonly server: string;
  /** True where the balancers do not agree on its state. */
  readonly differs: boolean;
  readonly balancers: readonly ServerOnBalancer[];
}

/** A service that the set follows by name, as one balancer sees it. */
export interface FollowShow {
  readonly service: string;
  readonly srv: string;
  readonly balancer: string;
  /** Places for servers, and those that DNS fills; null: the balancer did not tell. */
  readonly places: { readonly all: number; readonly filled: number } | null;
  /** In the order of their names. */
  readonly servers: readonly {
    /** The host and the port that DNS names: `vm1.svc.example.com:8080`. */
    readonly target: string;
    readonly state: string;
    readonly sessions: number;
    readonly total: number;
  }[];
}

/** One balancer set. */
export interface SetShow {
  readonly set: string;
  readonly vips: readonly Holding[];
  readonly balancers: readonly BalancerShow[];
  readonly servers: readonly ServerShow[];
  /** By service and balancer; empty where nothing is followed. */
  readonly follow: readonly FollowShow[];
}

/** True where the balancers that told name different states; how far a check has come is no difference. */
export function statesDiffer(states: readonly string[]): boolean {
  const told = states.filter((state) => state !== "unknown").map((state) => state.split(" ")[0]);
  return new Set(told).size > 1;
}

/** Fit for 100 columns, where names are not long: each set with its VIPs, its balancers, its servers. */
export function showLines(sets: readonly SetShow[]): readonly string[] {
  return sets.flatMap((set, index) => [...(index === 0 ? [] : [""]), ...setLines(set)]);
}

function setLines(set: SetShow): readonly string[] {
  const vips = set.vips.flatMap((vip) => {
    const hint = holdingHint(vip);
    return [`${set.set}: ${holdingSentence(vip)}`, ...(hint === "" ? [] : [`  hint: ${hint}`])];
  });
  return [
    ...(vips.length === 0 ? [`${set.set}: no VIP`] : vips),
    "",
    ...balancerTable(set.balancers),
    ...set.balancers.flatMap(remarks),
    ...(set.servers.length === 0 ? [] : ["", ...serverTable(set.servers)]),
    ...set.follow.flatMap((one, index) => [...(index === 0 ? [""] : []), ...followLines(one)]),
  ];
}

function balancerTable(balancers: readonly BalancerShow[]): readonly string[] {
  const heading = ["balancer", "haproxy", "since", "config", "reloads", "failed", "keepalived", "drained"];
  const rows = balancers.map(({ balancer, told }) => {
    if (told === null) return [balancer, "unknown"];
    const { haproxy, config, keepalived, drained } = told;
    return [
      balancer,
      haproxy.running ? (haproxy.version?.replace(/-.*$/, "") ?? "mute") : "DOWN",
      haproxy.since === null ? "?" : haproxy.since.slice(0, 16).replace("T", " "),
      config,
      count(haproxy.reloads),
      count(haproxy.failedReloads),
      keepalived ?? "-",
      drained.length === 0 ? "-" : String(drained.length),
    ];
  });
  return table(heading, rows);
}

function count(value: number | null): string {
  return value === null ? "?" : String(value);
}

/** What does not fit into a row: old workers, what is drained and why, and why nothing is known. */
function remarks({ balancer, told, why }: BalancerShow): readonly string[] {
  if (told === null) return why === null ? [] : failureLines(why).map((line) => `  ${line}`);
  return [
    ...told.haproxy.oldWorkers.map((worker) => `  ${balancer}: ${oldWorkerSentence(worker)}`),
    ...told.drained.map(
      ({ server, reason }) => `  ${balancer}: ${server} gets no traffic: ${reason ?? "nobody says why"}`,
    ),
  ];
}

function oldWorkerSentence({ pid, age, carries }: OldWorker): string {
  const name = `worker ${String(pid)} from before a reload, ${span(age)} old`;
  if (carries === null) return `${name}, does not tell what it carries`;
  const { requests, tunnels } = carries;
  const parts = [
    ...(requests > 0 ? [several(requests, "request")] : []),
    ...(tunnels > 0 ? [several(tunnels, "tunnel")] : []),
  ];
  return `${name}, still carries ${parts.length === 0 ? "nothing" : parts.join(" and ")}`;
}

/** Balancers ask DNS each for themselves, and fill their places each in their own order: so each has its own list. */
function followLines({ service, srv, balancer, places, servers }: FollowShow): readonly string[] {
  const head = `${service} on ${balancer} follows ${srv}`;
  if (places === null) return [`${head}: unknown`];
  const { all, filled } = places;
  const says = filled === 0 ? "DNS NAMES NO SERVER" : `${several(filled, "server")}, room for ${String(all)}`;
  const full = filled === all ? "; every place is taken: more than these get no traffic" : "";
  const rows = servers.map(({ target, state, sessions, total }) => [target, state, String(sessions), String(total)]);
  const lines = rows.length === 0 ? [] : table(["server", "state", "now", "total"], rows);
  return [`${head}: ${says}${full}`, ...lines.map((line) => `  ${line}`)];
}

/** An exclamation mark stands where balancers disagree. */
function serverTable(servers: readonly ServerShow[]): readonly string[] {
  const heading = ["app", "server", "", "balancer", "state", "check", "now", "total", "/s", "5xx", "errors", "queue"];
  const rows = servers.flatMap((row, at) => {
    const app = servers[at - 1]?.app === row.app ? "" : row.app;
    return row.balancers.map((on, index) => [
      index === 0 ? app : "",
      index === 0 ? row.server : "",
      row.differs ? "!" : "",
      ...onBalancer(on),
    ]);
  });
  return table(heading, rows);
}

function onBalancer({ balancer, state, numbers }: ServerOnBalancer): readonly string[] {
  if (numbers === null) return [balancer, state];
  const { check, sessions, total, rate, errors5xx, connectionErrors, queue } = numbers;
  return [balancer, state, check, ...[sessions, total, rate, errors5xx, connectionErrors, queue].map(String)];
}
