import type { Action } from "../model/action.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { HostMove, Plan } from "../model/plan.ts";
import type { DraftStages, ServerOnBalancers } from "../lb/steps.ts";
import { returnServer, withdrawServer } from "../lb/steps.ts";
import { moveBalancer } from "./drain-balancer.ts";
import type { AppOnHost } from "./drain-servers.ts";
import { appsOn, isIn, isOut } from "./drain-servers.ts";
import type { PlanInput } from "./input.ts";
import { claimProblems } from "./last-change.ts";
import { newerRecords } from "./newer-records.ts";
import { dnsUnknowns } from "./dns-plan.ts";
import { place } from "./place.ts";
import { balancerProblems } from "./preflight.ts";
import { sideBySide } from "./side-by-side.ts";
import { emptyFailure } from "./publication-problems.ts";
import { simulate } from "./simulate.ts";

/** What it takes to take a host out, or to let it back in. */
export interface HostPlan {
  /** Null: no balancer has to do anything. */
  readonly plan: Plan | null;
  /** Anything here means that nothing may be changed. */
  readonly problems: readonly Failure[];
  /** What there is to know where there is no plan, in words. */
  readonly notes: readonly string[];
}

/** Steps that have to be done for one app, or for the host's own part as a balancer. */
interface Part {
  readonly scope: string;
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
}

/**
 * Plans `drain` and `undrain`: every app with a server on the host, on every balancer, all or nothing. What is as it
 * should be already is left alone.
 */
export function planMove(move: HostMove, input: PlanInput): HostPlan {
  const apps = appsOn(move.host, input);
  const blocked = [
    ...silentBalancers(move.host, apps, input),
    ...(apps.some(({ records }) => records !== null) ? [...dnsUnknowns(input).problems, ...newerRecords(input)] : []),
    ...openRollouts(apps, input),
    ...(move.to === "out" ? apps.flatMap((app) => tooFewLeft(app, move.host, input)) : []),
    ...(move.to === "out" ? apps.flatMap((app) => nobodyTold(app, move.host, input)) : []),
  ];
  const balancer = moveBalancer(move, input);
  const problems = [...blocked, ...balancer.problems];
  if (problems.length > 0) return { plan: null, problems, notes: [] };
  const parts: readonly Part[] = [
    ...apps.map((app) => (move.to === "out" ? partOut(app, move.host) : partIn(app, move.host))),
    { scope: "_vip", ...balancer },
  ];
  const plan = planOf(move, parts, apps);
  const notes = parts.flatMap(({ reasons }) => reasons);
  if (plan.prologue.length === 0) return { plan: null, problems: [], notes };
  const unsafe = simulated(plan, apps, input);
  return unsafe.length > 0 ? { plan: null, problems: unsafe, notes } : { plan, problems: [], notes };
}

function planOf(move: HostMove, parts: readonly Part[], apps: readonly AppOnHost[]): Plan {
  return {
    version: 1,
    app: null,
    move,
    from: null,
    to: null,
    reasons: parts.flatMap(({ reasons }) => reasons),
    budget: {
      maxFailures: 0,
      onFailure: "rollback",
      batchWait: 0,
      // Sessions may take as long as the most patient app lets them.
      progressDeadline: Math.max(600_000, ...apps.map(({ progressDeadline }) => progressDeadline)),
      minAvailable: 0,
    },
    unchanged: [],
    // The apps of a host go side by side; each app's balancers wait for each other.
    prologue: sideBySide(parts.map(({ scope, stages }) => place(scope, stages))),
    batches: [],
    epilogue: [],
  };
}

function partOut(app: AppOnHost, host: string): Part {
  const scope = `_${app.name}`;
  const balancers = app.places.filter((each) => !isOut(each)).map(({ balancer }) => balancer);
  const forgotten = app.records?.withdraw ?? [];
  if (balancers.length + forgotten.length === 0)
    return { scope, stages: [], reasons: [`${app.name}: is out already`, ...strangers(app, host)] };
  const left = `${readyWords(app.readyElsewhere)} stay ready, minAvailable ${String(app.minAvailable)}`;
  const places = [...(forgotten.length === 0 ? [] : ["DNS"]), ...balancers];
  return {
    scope,
    stages: [...forgotten, ...(balancers.length === 0 ? [] : withdrawServer(onBalancers(app, host, balancers)))],
    reasons: [`${app.name}: out of ${places.join(", ")}; ${left}`, ...strangers(app, host)],
  };
}

/** Records that are not this fleet's are not changed; that they name the host is said. */
function strangers({ name, toldByOthers }: AppOnHost, host: string): readonly string[] {
  if (!toldByOthers) return [];
  return [`${name}: records that this fleet did not write still tell clients of ${host}: drover dns show ${name}`];
}

function partIn(app: AppOnHost, host: string): Part {
  const scope = `_${app.name}`;
  if (!app.isWanted) return { scope, stages: [], reasons: [`${app.name}: leaves ${host}, and is not let in again`] };
  const balancers = app.places.filter((each) => !isIn(each)).map(({ balancer }) => balancer);
  const told = app.records?.publish ?? [];
  if (balancers.length + told.length === 0) return { scope, stages: [], reasons: [`${app.name}: is in already`] };
  const places = [...balancers, ...(told.length === 0 ? [] : ["DNS"])];
  return {
    scope,
    stages: [...(balancers.length === 0 ? [] : returnServer(onBalancers(app, host, balancers))), ...told],
    reasons: [`${app.name}: back into ${places.join(", ")}, once it is found healthy`],
  };
}

function onBalancers(app: AppOnHost, host: string, balancers: readonly string[]): ServerOnBalancers {
  const { name, readyElsewhere, minAvailable, rollout, health } = app;
  const floor = Math.min(minAvailable, readyElsewhere.length);
  return { balancers, server: { backend: name, server: host }, floor, rollout, health };
}

/** Every balancer that carries one of the apps has to answer: a host is drained everywhere, or not at all. */
function silentBalancers(host: string, apps: readonly AppOnHost[], input: PlanInput): readonly Failure[] {
  const routed = new Set(
    input.topology.apps
      .filter(({ instances }) => instances.some((each) => each.host === host))
      .flatMap((app) => app.routes.map(({ lb }) => lb)),
  );
  const carry = new Set([
    ...input.topology.balancers.filter(({ name }) => routed.has(name)).flatMap(({ hosts }) => hosts),
    ...apps.flatMap(({ places }) => places.map(({ balancer }) => balancer)),
  ]);
  return [...carry].flatMap((balancer) => {
    const wrong = balancerProblems(balancer, input, true);
    return wrong.length > 0 ? wrong : claims(balancer, input);
  });
}

function claims(host: string, { topology, epoch, views }: PlanInput): readonly Failure[] {
  const seen = views.get(host)?.lastChange;
  if (seen === undefined) return [];
  if (seen.kind === "unknown") return [seen.why];
  return claimProblems(host, seen.value, { fleet: topology.fleet, epoch, stateHost: topology.state.host });
}

/** The last instance that DNS tells of stays in, unless somebody says otherwise. */
function nobodyTold({ name, records }: AppOnHost, host: string, { allowEmpty }: PlanInput): readonly Failure[] {
  if (records === null || records.withdraw.length === 0 || records.elsewhere > 0 || allowEmpty) return [];
  return [emptyFailure(name, [host])];
}

/** What an open rollout has taken out is its own to let in, and what it may still put back must not be taken away. */
function openRollouts(apps: readonly AppOnHost[], input: PlanInput): readonly Failure[] {
  return apps.flatMap(({ name }) => {
    const rollout = input.open[name];
    if (rollout === undefined) return [];
    const what = `${name}: rollout ${rollout} is still open, and has to end first`;
    return [failure("rollout-open", what, `put everything back: drover rollout abort ${name}`)];
  });
}

function tooFewLeft(app: AppOnHost, host: string, input: PlanInput): readonly Failure[] {
  const { name, wasReady, readyElsewhere, minAvailable } = app;
  const left = readyElsewhere.length;
  if (!wasReady || left >= minAvailable) return [];
  const numbers = `${String(left + 1)} ready instances; without ${host} ${readyWords(readyElsewhere)} would be left, fewer than minAvailable ${String(minAvailable)}`;
  const hint = `bring another host back first; see them: drover status ${name}`;
  return [failure("min-available", `${name}: ${numbers}`, hint, notReady(app, host, input))];
}

/** The app's other hosts that do not serve, and why as far as anybody said. */
function notReady({ name, readyElsewhere }: AppOnHost, host: string, input: PlanInput): readonly string[] {
  const instances = input.topology.apps.find((each) => each.name === name)?.instances ?? [];
  const others = instances.map((each) => each.host).filter((each) => each !== host && !readyElsewhere.includes(each));
  return others.map((each) => {
    const drain = input.drains[each];
    return drain === undefined
      ? `${each}: not ready`
      : `${each}: drained: ${drain.reason} (${drain.operator}, since ${drain.since})`;
  });
}

function readyWords(hosts: readonly string[]): string {
  return hosts.length === 0 ? "0" : `${String(hosts.length)} (${hosts.join(", ")})`;
}

/** The invariants of DESIGN §4, per app, as if each app's part were the whole plan. */
function simulated(plan: Plan, apps: readonly AppOnHost[], input: PlanInput): readonly Failure[] {
  const { [plan.move?.host ?? ""]: _moved, ...drains } = input.drains;
  const world = { ...input, drains };
  return [
    ...simulate(plan, world),
    ...apps.flatMap(({ name, minAvailable }) => {
      const prologue = plan.prologue
        .map((stage) => stage.filter(({ action }) => isAbout(action, name)))
        .filter((stage) => stage.length > 0);
      return simulate({ ...plan, app: name, prologue, budget: { ...plan.budget, minAvailable } }, world);
    }),
  ];
}

function isAbout(action: Action, app: string): boolean {
  if ("server" in action) return action.server.backend === app;
  return action.kind === "pause" || ("app" in action && action.app === app);
}
