import type { TopologyApp } from "../model/topology.ts";
import type { LbFacts } from "../lb/facts.ts";
import type { DesiredInstance } from "../release/desired.ts";
import type { InstanceDiff } from "../release/diff.ts";
import { isUp } from "../lb/parse.ts";
import { diffHost } from "../release/diff.ts";
import type { InstanceFacts } from "../release/facts.ts";
import type { PlanInput } from "./input.ts";

/** An instance that runs and has to become another release, or has to be put right. */
export interface ChangedInstance {
  readonly desired: DesiredInstance;
  readonly facts: InstanceFacts;
  readonly reasons: readonly string[];
  readonly wasReady: boolean;
}

/** One app as found and as wanted, sorted into what has to be done. Hosts are in inventory order. */
export interface Situation {
  readonly name: string;
  /** Null: no file names the app any more. */
  readonly app: TopologyApp | null;
  readonly fresh: readonly DesiredInstance[];
  readonly changed: readonly ChangedInstance[];
  readonly same: readonly DesiredInstance[];
  readonly leaving: readonly { readonly host: string; readonly facts: InstanceFacts }[];
  /** Hosts whose instance was ready when the fleet was observed; those that leave serve until the end, and count. */
  readonly ready: ReadonlySet<string>;
  readonly readyAtStart: number;
}

/** True when nothing of the app runs yet. */
export function isFirstDeployment(situation: Situation): boolean {
  return situation.changed.length + situation.same.length + situation.leaving.length === 0;
}

/** Sorts every instance of one app. All views of the app's hosts must be known. */
export function situationOf(name: string, input: PlanInput): Situation {
  const app = input.topology.apps.find((each) => each.name === name) ?? null;
  const wanted = input.desired.get(name)?.instances ?? [];
  const diffs = input.topology.hosts.flatMap(({ name: host }): readonly InstanceDiff[] => {
    const release = input.views.get(host)?.release;
    if (release?.kind !== "known") return [];
    const found = { ...release.value, apps: release.value.apps.filter((each) => each.app === name) };
    return diffHost(
      host,
      wanted.filter((each) => each.host === host),
      found,
    );
  });
  const running = diffs.flatMap((diff) => {
    if (diff.kind === "new") return [];
    return [{ host: diff.kind === "leave" ? diff.host : diff.desired.host, facts: diff.facts }];
  });
  const ready = new Set(running.filter((each) => isReady(name, each.host, each.facts, input)).map(({ host }) => host));
  const changed = diffs.flatMap((diff): ChangedInstance[] => {
    if (diff.kind !== "same" && diff.kind !== "change") return [];
    const { desired, facts } = diff;
    const reasons = [
      ...(diff.kind === "change" ? diff.reasons : []),
      ...straysOf(name, desired.host, input),
      ...movesOf(name, desired, input),
    ];
    return reasons.length === 0 ? [] : [{ desired, facts, reasons, wasReady: ready.has(desired.host) }];
  });
  const same = diffs.flatMap((diff) => (diff.kind === "same" ? [diff.desired] : []));
  return {
    name,
    app,
    fresh: diffs.flatMap((diff) => (diff.kind === "new" ? [diff.desired] : [])),
    changed,
    same: same.filter((desired) => !changed.some((each) => each.desired === desired)),
    leaving: diffs.flatMap((diff) => (diff.kind === "leave" ? [{ host: diff.host, facts: diff.facts }] : [])),
    ready,
    readyAtStart: ready.size,
  };
}

/** A server that is drained, in maintenance or marked while nobody owes that: it has to go through a lane to come back. */
function straysOf(app: string, host: string, input: PlanInput): readonly string[] {
  if (input.open[app] !== undefined || input.drains[host] !== undefined) return [];
  const name = `${app}/${host}`;
  return balancersOf(app, input).flatMap(({ balancer, facts: { stable } }) => {
    const state = stable.admin?.[name] ?? "ready";
    return state === "ready" && !stable.disabled.includes(name)
      ? []
      : [`it is taken out on ${balancer} and no rollout owes that`];
  });
}

/** A balancer that still looks for the instance elsewhere: its server moves in a lane, drained. */
function movesOf(app: string, { host, address, port }: DesiredInstance, input: PlanInput): readonly string[] {
  return balancersOf(app, input).flatMap(({ balancer, facts: { stable } }) => {
    const server = stable.manifest?.model.apps[app]?.servers.find(({ name }) => name === host);
    if (server === undefined || (server.address === address && server.port === port)) return [];
    const now = `${server.address} port ${String(server.port)}`;
    return [`${balancer} looks for it at ${now}, not ${address} port ${String(port)}`];
  });
}

/** Ready: the unit runs, and every balancer that knows the server sends it traffic and finds it up. */
function isReady(app: string, host: string, facts: InstanceFacts, input: PlanInput): boolean {
  if (facts.state?.active !== "active" || facts.state.sub !== "running") return false;
  return balancersOf(app, input).every(({ facts: lb }) => {
    const server = lb.live.servers[`${app}/${host}`];
    return server === undefined || isUp(server);
  });
}

/** The balancers that carry, or are to carry, routes of the app, in inventory order. */
export function balancersOf(
  app: string,
  input: PlanInput,
): readonly { readonly balancer: string; readonly facts: LbFacts }[] {
  const sets = input.topology.apps.find((each) => each.name === app)?.routes.map((route) => route.lb) ?? [];
  const wanted = new Set(
    input.topology.balancers.filter(({ name }) => sets.includes(name)).flatMap(({ hosts }) => hosts),
  );
  return input.topology.hosts.flatMap(({ name }) => {
    const lb = input.views.get(name)?.lb;
    if (lb?.kind !== "known") return [];
    const carries = lb.value.stable.manifest?.model.apps[app] !== undefined;
    return carries || wanted.has(name) ? [{ balancer: name, facts: lb.value }] : [];
  });
}
