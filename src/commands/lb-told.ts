import type { LbFacts } from "../lb/facts.ts";
import type { Carried } from "../lb/old-workers.ts";
import type { ServerStat } from "../lb/parse.ts";
import type { Known } from "../model/known.ts";
import type { StateFacts } from "../model/ports.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import { fileStands, filesInWords } from "../plan/verify/files.ts";
import { holdingsOf } from "../plan/verify/vip.ts";
import type {
  BalancerShow,
  DrainedShow,
  HaproxyShow,
  ServerOnBalancer,
  ServerShow,
  SetShow,
} from "../report/lb-show.ts";
import { statesDiffer } from "../report/lb-show.ts";
import type { VipFacts } from "../vip/facts.ts";
import { followedOn } from "./lb-followed.ts";
import type { BalancerTold } from "./lb-survey.ts";
import type { WantedBalancer } from "./lb-wanted.ts";

/** What `lb show` is made from. */
export interface Told {
  readonly balancers: ReadonlyMap<string, BalancerTold>;
  readonly state: Known<StateFacts>;
  /** What old workers carry, by balancer. */
  readonly carried: ReadonlyMap<string, Carrying>;
  readonly wanted: readonly WantedBalancer[];
  /** Milliseconds since the epoch, when the hosts were asked. */
  readonly now: number;
}

type Carrying = Known<ReadonlyMap<number, Carried>>;

/** One set, its balancers and its servers, as the hosts told. */
export function showOf(set: TopologyBalancer, told: Told): SetShow {
  const accounts = set.hosts.flatMap((balancer) => {
    const each = told.balancers.get(balancer);
    return each === undefined ? [] : [{ balancer, ...each }];
  });
  return {
    set: set.name,
    vips: holdingsOf(set, accounts),
    balancers: accounts.map((account) => balancerShow(set, account, told)),
    servers: serversOf(set, accounts, told),
    follow: followedOn(accounts),
  };
}

/** What one balancer told. */
type Account = BalancerTold & { readonly balancer: string };

function balancerShow(set: TopologyBalancer, { balancer, lb, vip }: Account, told: Told): BalancerShow {
  if (lb.kind === "unknown") return { balancer, told: null, why: lb.why };
  const wanted = told.wanted.find((each) => each.balancer === balancer)?.wanted ?? { config: "", files: {} };
  return {
    balancer,
    told: {
      haproxy: haproxyShow(lb.value, told.carried.get(balancer), told.now),
      config: filesInWords(lb.value, fileStands(lb.value, wanted)),
      keepalived: set.vips.length === 0 ? null : keepalivedWord(vip),
      drained: drainedOn(lb.value, told.state),
    },
    why: null,
  };
}

function haproxyShow({ stable, live }: LbFacts, carried: Carrying | undefined, now: number): HaproxyShow {
  const { processes, about } = live;
  return {
    version: about?.version ?? null,
    since: about === null ? null : new Date(now - about.uptime * 1000).toISOString(),
    running: stable.active,
    reloads: processes?.master.reloads ?? null,
    failedReloads: processes?.master.failed ?? null,
    oldWorkers: (processes?.old ?? []).map(({ pid, uptime }) => ({
      pid,
      age: uptime * 1000,
      carries: carried?.kind === "known" ? (carried.value.get(pid) ?? null) : null,
    })),
  };
}

function keepalivedWord(vip: Known<VipFacts>): string {
  if (vip.kind === "unknown") return "unknown";
  const { installed, yielded, active } = vip.value.stable;
  if (!installed) return "missing";
  if (yielded) return "handed over";
  return active ? "runs" : "DOWN";
}

function drainedOn({ stable }: LbFacts, state: Known<StateFacts>): readonly DrainedShow[] {
  const out = Object.entries(stable.admin ?? {}).flatMap(([name, admin]) => (admin === "ready" ? [] : [name]));
  return [...new Set([...out, ...stable.disabled])]
    .toSorted()
    .map((server) => ({ server, reason: reasonOf(server, state) }));
}

function reasonOf(name: string, state: Known<StateFacts>): string | null {
  if (state.kind === "unknown") return "who owes that is unknown, the state host did not tell";
  const [app = "", host = ""] = name.split("/");
  const drain = state.value.drains[host];
  if (drain !== undefined) return `${drain.reason} (${drain.operator}, ${drain.since})`;
  const rollout = state.value.open[app];
  return rollout === undefined ? null : `rollout ${rollout} of ${app} is open`;
}

/** Every server that the files name or a balancer knows, app by app. */
function serversOf(set: TopologyBalancer, accounts: readonly Account[], told: Told): readonly ServerShow[] {
  const wanted = told.wanted
    .filter((each) => each.set.name === set.name)
    .flatMap(({ model }) =>
      Object.values(model.apps).flatMap(({ app, servers }) => servers.map(({ name }) => `${app}/${name}`)),
    );
  const found = accounts.flatMap(({ lb }) =>
    lb.kind === "known"
      ? Object.keys(lb.value.live.servers).filter((name) => lb.value.live.followed[name] === undefined)
      : [],
  );
  const names = [...new Set([...wanted, ...found])];
  const apps = [...new Set(names.map((name) => name.split("/")[0] ?? ""))].toSorted();
  // Within an app the order of the files, which is that of the inventory.
  return apps.flatMap((app) =>
    names.filter((name) => name.startsWith(`${app}/`)).map((name) => serverShow(name, accounts)),
  );
}

function serverShow(name: string, accounts: readonly Account[]): ServerShow {
  const [app = "", server = ""] = name.split("/");
  const balancers = accounts.map((account) => onBalancer(name, account));
  return { app, server, differs: statesDiffer(balancers.map(({ state }) => state)), balancers };
}

function onBalancer(name: string, { balancer, lb }: Account): ServerOnBalancer {
  // A HAProxy that does not answer has told nothing of its servers.
  if (lb.kind === "unknown" || lb.value.stable.admin === null) return { balancer, state: "unknown", numbers: null };
  const stat = lb.value.live.servers[name];
  if (stat === undefined) return { balancer, state: "absent", numbers: null };
  return {
    balancer,
    state: stat.status,
    numbers: {
      check: checkWords(stat),
      sessions: stat.scur,
      total: stat.stot,
      rate: stat.rate,
      errors5xx: stat.hrsp5xx,
      connectionErrors: stat.econ,
      queue: stat.qcur,
    },
  };
}

function checkWords({ checkStatus, checkCode, checkDuration }: ServerStat): string {
  if (checkStatus === "") return "";
  const code = checkCode === null || checkCode === 0 ? "" : ` ${String(checkCode)}`;
  return `${checkStatus}${code}${checkDuration === null ? "" : ` in ${String(checkDuration)} ms`}`;
}
