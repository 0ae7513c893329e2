import type { Draft, Lane, Plan, Stage } from "../model/plan.ts";
import type { Health, RolloutSettings } from "../model/fleet.ts";
import type { ServerRef } from "../model/lb.ts";
import type { DraftStages, ServerOnBalancers } from "../lb/steps.ts";
import { holdTraffic, moveServer, returnServer, settle, withdrawServer } from "../lb/steps.ts";
import type { ProbeSettings } from "../release/steps.ts";
import {
  probeInstance,
  pruneReleases,
  removeInstance,
  stageRelease,
  startInstance,
  switchRelease,
} from "../release/steps.ts";
import type { BalancerState } from "./balancers.ts";
import { changeLines } from "./balancers.ts";
import { cutBatches, resolveMinAvailable } from "./batches.ts";
import type { DesiredApp, PlanInput } from "./input.ts";
import { EPILOGUE, PROLOGUE, place } from "./place.ts";
import type { Publication } from "./publication.ts";
import { publicationOf } from "./publication.ts";
import type { Routing, ServerPlaces } from "./routing.ts";
import { routingOf } from "./routing.ts";
import { sideBySide } from "./side-by-side.ts";
import type { ChangedInstance, Situation } from "./situation.ts";
import { isFirstDeployment, situationOf } from "./situation.ts";

/** How long traffic is watched at most after an instance came back, in milliseconds. */
const HOLD_WINDOW = 500;
/** What an app that leaves gets to drain where no file says so any more, in milliseconds. */
const LEAVE_TIMEOUT = 30_000;
/** An app that leaves is never proven again; only deadlines are made of this. */
const LEFT_HEALTH: Health = {
  probe: { kind: "tcp" },
  interval: 1000,
  timeout: 2000,
  successThreshold: 3,
  failureThreshold: 3,
};

/** An app's plan, null when there is nothing to do, and the balancers as they will be after it. */
export interface AppPlan {
  readonly plan: Plan | null;
  readonly after: readonly BalancerState[];
}

/** All that the parts of one app's plan are made from. */
interface Work {
  readonly situation: Situation;
  readonly desired: DesiredApp | null;
  readonly routing: Routing;
  readonly dns: Publication;
  readonly floor: number;
  /** Hosts that somebody drained: what is done there is done without letting anything in. */
  readonly drained: ReadonlySet<string>;
}

/**
 * The whole change of one app: new instances come up and in first, then those that serve change batch by batch, then
 * what leaves is drained and removed.
 */
export function planApp(name: string, balancers: readonly BalancerState[], input: PlanInput): AppPlan {
  const situation = situationOf(name, input);
  const routing = routingOf(name, balancers, input);
  const dns = publicationOf(situation, input);
  const desired = input.desired.get(name) ?? null;
  const minAvailable = situation.app === null ? 0 : resolveMinAvailable(situation.app);
  const floor = Math.min(minAvailable, situation.readyAtStart);
  const work: Work = { situation, desired, routing, dns, floor, drained: new Set(Object.keys(input.drains)) };
  const prologue = place(PROLOGUE, prologueOf(work));
  const batches = batchesOf(work);
  const epilogue = place(EPILOGUE, epilogueOf(work));
  if (prologue.length + batches.length + epilogue.length === 0) return { plan: null, after: routing.after };
  const plan: Plan = {
    version: 1,
    app: name,
    from: versionFound(situation),
    to: situation.app?.release ?? null,
    reasons: [...reasonsOf(situation, routing), ...dns.reasons],
    budget: budgetOf(situation, minAvailable),
    unchanged: situation.same.map((instance) => instance.host),
    prologue,
    batches,
    epilogue,
  };
  return { plan, after: routing.after };
}

/** An app that leaves has nobody left to pause for. */
const LEAVING: Pick<RolloutSettings, "maxFailures" | "onFailure" | "batchWait" | "progressDeadline"> = {
  maxFailures: 0,
  onFailure: "pause",
  batchWait: 0,
  progressDeadline: 600_000,
};

function budgetOf({ app }: Situation, minAvailable: number): Plan["budget"] {
  const { maxFailures, onFailure, batchWait, progressDeadline } = app?.rollout ?? LEAVING;
  return { maxFailures, onFailure, batchWait, progressDeadline, minAvailable };
}

function prologueOf({ situation, desired, routing, dns, drained }: Work): DraftStages {
  const { app, fresh, changed } = situation;
  if (app === null || desired === null) return [];
  const touched = [...fresh, ...changed.map((instance) => instance.desired)];
  // What is broken cannot be proven before its own lane has put it right, and must not keep the others from beginning.
  const broken = new Set(changed.filter((each) => !each.wasReady).map((each) => each.desired.host));
  return [
    dns.gates,
    ...dns.correct,
    touched.map((instance) => stageRelease(instance, desired.artifact)),
    desired.edit === null ? [] : [editRelease(desired.edit)],
    fresh.map((instance) => startInstance(instance)),
    fresh.map((instance) => probeInstance(instance, probeOf(app.health, app.rollout))),
    ...routing.expand,
    ...sideBySide(
      routing.fresh
        .filter(({ server }) => !broken.has(server.server) && !drained.has(server.server))
        .map((place) => returnServer(onBalancers(place, 0, situation))),
    ),
    ...dns.publish(fresh.map(({ host }) => host)),
  ];
}

function editRelease({ file, from, to }: NonNullable<DesiredApp["edit"]>): Draft {
  const back: Draft = {
    phase: "stage",
    kind: "act",
    host: null,
    says: `put release ${from} back into ${file}`,
    action: { kind: "files.edit", file, key: "release", from: to, to: from },
    deadline: 10_000,
    undo: { kind: "none", reason: "it is itself an undo" },
  };
  return {
    ...back,
    says: `write release ${to} into ${file}`,
    action: { kind: "files.edit", file, key: "release", from, to },
    undo: { kind: "stages", stages: [[back]] },
  };
}

function batchesOf(work: Work): Plan["batches"] {
  const { app, changed } = work.situation;
  if (app === null) return [];
  const byHost = new Map(changed.map((instance) => [instance.desired.host, instance]));
  const candidates = changed.map(({ desired, wasReady }) => ({ host: desired.host, wasReady }));
  return cutBatches(candidates, app.rollout.serial).map((batch) =>
    batch.flatMap(({ host, wasReady }): Lane[] => {
      const instance = byHost.get(host);
      return instance === undefined ? [] : [{ host, wasReady, stages: laneOf(instance, work) }];
    }),
  );
}

/** Drain, switch, probe, back in: the heart of drover. Where the host is drained it stays out all the while. */
function laneOf(instance: ChangedInstance, { situation, routing, dns, floor, drained }: Work): readonly Stage[] {
  const { app } = situation;
  if (app === null) return [];
  const { desired } = instance;
  const server: ServerRef = { backend: desired.app, server: desired.host };
  const balancers = routing.holders.get(desired.host) ?? [];
  const comesBack = balancers.length > 0 && !drained.has(desired.host);
  const known = onBalancers({ server, balancers }, floor, situation);
  const probe = probeOf(app.health, app.rollout);
  const before = probeOf(routing.healthBefore ?? app.health, app.rollout);
  const forgotten = dns.withdraw([desired.host], wayBackIn(instance, before));
  const drafts: DraftStages = [
    ...forgotten,
    ...(comesBack ? withdrawServer(known) : []),
    (comesBack || forgotten.length > 0) && app.rollout.shutdownDelay > 0
      ? [restBeforeStop(desired.host, app.rollout.shutdownDelay)]
      : [],
    [switchOrStart(instance, before)],
    [probeInstance(desired, probe)],
    ...sideBySide(
      routing.moves.filter((move) => move.server.server === desired.host).map((move) => moveServer("enable", move)),
    ),
    ...(comesBack ? returnServer(known) : []),
    ...dns.publish([desired.host]),
    ...(comesBack ? holdTraffic(balancers, server, HOLD_WINDOW) : []),
  ];
  return place(desired.host, drafts);
}

/** What has to be so before clients are told of an instance again that was taken out and stayed what it was. */
function wayBackIn({ desired, facts }: ChangedInstance, before: ProbeSettings): DraftStages {
  const release = facts.release ?? facts.manifest?.release ?? null;
  if (release === null) return [];
  const port = facts.manifest?.port ?? desired.port;
  const { app, host, address } = desired;
  return [[probeInstance({ app, host, address, port, release }, { ...before, minHealthyTime: 0 })]];
}

function switchOrStart({ desired, facts }: ChangedInstance, before: ProbeSettings): Draft {
  const release = facts.release ?? facts.manifest?.release ?? null;
  if (release === null) return startInstance(desired);
  return switchRelease(desired, { release, port: facts.manifest?.port ?? desired.port }, before);
}

function restBeforeStop(host: string, ms: number): Draft {
  return {
    phase: "drain",
    kind: "wait",
    host,
    says: `wait shutdownDelay before ${host} stops`,
    action: { kind: "pause", ms },
    deadline: ms + 10_000,
    undo: { kind: "none", reason: "time that passed does not come back" },
  };
}

/**
 * Where the app leaves DNS everybody whose lane has not done it already; else its instances that leave, and whoever stood in
 * for it.
 */
function whoLeavesDns({ situation: { leaving, changed }, dns }: Work): readonly string[] {
  if (!dns.leaves) return [...leaving.map(({ host }) => host), ...dns.guests];
  const done = new Set(changed.map(({ desired }) => desired.host));
  return dns.settled.map(({ host }) => host).filter((host) => !done.has(host));
}

function epilogueOf(work: Work): DraftStages {
  const { situation, routing, dns, drained } = work;
  const { app, name, leaving, changed } = situation;
  const settled = routing.contract.length > 0 && (leaving.length > 0 || app === null);
  return [
    ...dns.withdraw(whoLeavesDns(work), []),
    ...sideBySide(
      // Taking a withdrawal back lets a server in again, which a drained one must not be: it is out already.
      routing.leaving
        .filter(({ server }) => !drained.has(server.server))
        .map((place) => withdrawServer(onBalancers(place, 0, situation))),
    ),
    ...routing.contract,
    ...(settled ? settle("contract", routing.balancers, app?.rollout.drainTimeout ?? LEAVE_TIMEOUT) : []),
    leaving.map(({ host }) => removeInstance({ app: name, host })),
    ...(dns.leaves ? dns.forget() : []),
    app === null ? [] : changed.map(({ desired }) => pruneReleases(desired, app.rollout.keepReleases)),
  ];
}

function onBalancers({ server, balancers }: ServerPlaces, floor: number, { app }: Situation): ServerOnBalancers {
  const rollout = app?.rollout ?? { drainTimeout: LEAVE_TIMEOUT, drainAction: "force" };
  return { balancers, server, floor, rollout, health: app?.health ?? LEFT_HEALTH };
}

function probeOf(health: Health, { minHealthyTime, healthyDeadline }: RolloutSettings): ProbeSettings {
  return { health, minHealthyTime, healthyDeadline };
}

function reasonsOf(situation: Situation, routing: Routing): readonly string[] {
  const { fresh, changed, leaving } = situation;
  const first = isFirstDeployment(situation);
  return [
    ...fresh.map(({ host, release }) => `${host}: ${first ? "first" : "new"} instance, ${release}`),
    ...changed.map(({ desired, reasons }) => `${desired.host}: ${reasons.join("; ")}`),
    ...leaving.map(({ host }) => `${host}: leaves`),
    ...changeLines(routing.changes),
  ];
}

/** The release as it was named before, read off the ids that run: `1.4.2-0123456789ab` without its hash. */
function versionFound({ changed, same, leaving }: Situation): string | null {
  const ids = [
    ...changed.map(({ facts }) => facts.release),
    ...leaving.map(({ facts }) => facts.release),
    ...same.map(({ release }) => release),
  ].filter((id) => id !== null);
  return ids[0]?.replace(/-[0-9a-f]{12}$/, "") ?? null;
}
