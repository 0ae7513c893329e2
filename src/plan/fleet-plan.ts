import type { Failure } from "../model/errors.ts";
import { failure, isUnreachable } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import { planApp } from "./app-plan.ts";
import { observedBalancers, planBalancers } from "./balancer-plan.ts";
import { resolveMinAvailable } from "./batches.ts";
import { publishedApps } from "./dns-view.ts";
import type { DnsPlans } from "./dns-plan.ts";
import { planDns } from "./dns-plan.ts";
import type { HostView, PlanInput } from "./input.ts";
import { claimProblems } from "./last-change.ts";
import { availabilityProblems, balancerProblems, drainProblems, hostProblems, missingPrograms } from "./preflight.ts";
import { publicationProblems } from "./publication-problems.ts";
import { firewallNotes } from "./firewall-notes.ts";
import { planFirewalls } from "./firewall-plan.ts";
import { simulate } from "./simulate.ts";
import { situationOf } from "./situation.ts";

/** What a command is about: everything, or one app. */
export type Scope = { readonly kind: "fleet" } | { readonly kind: "app"; readonly app: string };

/** The plans of a command, in the order in which they run, and what stands in their way. */
export interface FleetPlan {
  readonly plans: readonly Plan[];
  /** Anything here means that nothing may be changed. */
  readonly problems: readonly Failure[];
  /** Apps left alone and servers passed over, and why; the command cannot end with 0. */
  readonly skipped: readonly Failure[];
  /**
   * Hosts whose firewalls stay behind the files even when every plan comes through; null: the plans are not about all
   * firewalls, or there are none.
   */
  readonly behind: readonly string[] | null;
  /** True where, once every plan came through, all that drover has written in the zone is what the files want there. */
  readonly whole: boolean;
  /** What drover sees and leaves alone, in words. */
  readonly notes: readonly string[];
}

/** Plans the change of a whole fleet or of one app: one plan per app that differs, and one for balancers that drifted. */
export function planFleet(input: PlanInput, scope: Scope): FleetPlan {
  const apps = appsInScope(input, scope);
  const work: Work = {
    unseen: unknowns(input, scope, apps),
    firewalls: planFirewalls(input, scope),
    dns: planDns(input, scope, apps),
    parts: partsOf(input, scope),
    input,
  };
  const { unseen, firewalls, dns } = work;
  const skipped = [...work.parts.skipped, ...dns.passed];
  const parts = { ...work.parts, skipped, behind: firewalls.behind, notes: [...work.parts.notes, ...dns.notes] };
  const instead = aroundSilence({ ...work, parts });
  if (instead !== null) return instead;
  const own = unseen.length > 0 ? unseen : apps.flatMap((app) => appProblems(app, input));
  const problems = [...own, ...dns.unheard, ...dns.problems, ...firewalls.problems];
  if (problems.length > 0) return { plans: [], problems, ...parts };
  const between = balancersAndApps(apps, input, scope);
  return safe([...firewalls.first, ...dns.first, ...between, ...dns.last, ...firewalls.last], parts, input);
}

/** What the plans of a command are put together from. */
interface Work {
  /** Hosts that did not tell what something depends on. */
  readonly unseen: readonly Failure[];
  readonly firewalls: ReturnType<typeof planFirewalls>;
  readonly dns: DnsPlans;
  readonly parts: Parts;
  readonly input: PlanInput;
}

type Parts = Omit<FleetPlan, "plans" | "problems">;

function partsOf(input: PlanInput, scope: Scope): Parts {
  const isFleet = scope.kind === "fleet";
  const skipped = Object.entries(input.open)
    .filter(([app]) => isFleet || scope.app === app)
    .map(([app, rollout]) => openFailure(app, rollout, input.running));
  const notes = isFleet ? firewallNotes(input) : [];
  return { skipped, behind: null, whole: isFleet && skipped.length === 0, notes };
}

/** What can be done although somebody is silent; null: nothing, or nobody is. */
function aroundSilence({ unseen, firewalls, dns, parts, input }: Work): FleetPlan | null {
  const { notes, skipped } = parts;
  // What can be closed is closed also where somebody is silent; anything else waits for everybody.
  if (unseen.length > 0 && unseen.every(isUnreachable) && firewalls.closing.length > 0) {
    const waits = [...notes, "whatever is new waits until every host answers"];
    return safe(firewalls.closing, { ...parts, whole: false, notes: waits, skipped: [...unseen, ...skipped] }, input);
  }
  if (unseen.length > 0 || dns.unheard.length === 0) return null;
  // Servers that do not run can tell nothing of their zone: they are put right first, and the rest needs another look.
  if (dns.servers.length === 0 || dns.problems.length > 0) return null;
  const waits = [...notes, "whatever depends on DNS waits until its servers answer: drover apply again"];
  return safe(dns.servers, { ...parts, whole: false, notes: waits, skipped: [...dns.unheard, ...skipped] }, input);
}

/** Plans that were simulated: with a finding none of them may run. */
function safe(plans: readonly Plan[], parts: Parts, input: PlanInput): FleetPlan {
  const unsafe = plans.flatMap((plan) => simulate(plan, input));
  return unsafe.length > 0 ? { plans: [], problems: unsafe, ...parts } : { plans, problems: [], ...parts };
}

/** The balancers' own plans around those of the apps. */
function balancersAndApps(apps: readonly string[], input: PlanInput, scope: Scope): readonly Plan[] {
  const own =
    scope.kind === "fleet" ? planBalancers(input) : { first: null, last: null, after: observedBalancers(input) };
  const plans: Plan[] = own.first === null ? [] : [own.first];
  let balancers = own.after;
  for (const app of apps) {
    const { plan, after } = planApp(app, balancers, input);
    balancers = after;
    if (plan !== null) plans.push(plan);
  }
  if (own.last !== null) plans.push(own.last);
  return plans;
}

/** Says that an app's rollout is open, and how to close it; or that somebody is at it right now. */
function openFailure(app: string, rollout: string, running: string | null): Failure {
  if (running !== null && running !== "" && rollout.startsWith(running)) {
    return failure(
      "rollout-open",
      `${app}: rollout ${rollout} is running now`,
      `see how far: drover rollout status ${app}`,
    );
  }
  return failure(
    "rollout-open",
    `${app}: rollout ${rollout} is still open`,
    `put everything back: drover rollout abort ${app}`,
  );
}

function appsInScope(input: PlanInput, scope: Scope): readonly string[] {
  if (scope.kind === "app") return input.open[scope.app] === undefined ? [scope.app] : [];
  const found = [...input.views.values()].flatMap(({ release, lb }) => [
    ...(release.kind === "known"
      ? release.value.apps.filter((app) => app.manifest !== null).map(({ app }) => app)
      : []),
    ...(lb?.kind === "known" ? Object.keys(lb.value.stable.manifest?.model.apps ?? {}) : []),
  ]);
  const all = new Set([...input.topology.apps.map(({ name }) => name), ...found, ...publishedApps(input)]);
  return [...all].filter((app) => input.open[app] === undefined).toSorted();
}

/** A host that did not answer stops everything that depends on it; a fleet-wide change depends on all hosts. */
function unknowns(input: PlanInput, scope: Scope, apps: readonly string[]): readonly Failure[] {
  const wanted = new Set(
    input.topology.apps
      .filter(({ name }) => apps.includes(name))
      .flatMap((app) => app.instances.map(({ host }) => host)),
  );
  return input.topology.hosts.flatMap(({ name }) => {
    const view = input.views.get(name);
    if (view === undefined) return [failure("unknown-state", `${name} was not asked`)];
    const depends = scope.kind === "fleet" || wanted.has(name) || servesToday(name, apps, input);
    // Without the programs that tell them, the other facts are unknown too, and say less.
    const lacking = depends || view.lb !== null ? missingPrograms(name, view.platform) : [];
    if (lacking.length > 0) return lacking;
    const unread = depends ? unknownOf(view) : [];
    if (unread.length > 0) return unread;
    return [
      ...(depends || view.lb !== null ? claims(name, view, input) : []),
      ...(wanted.has(name) ? hostProblems(name, view.platform) : []),
      ...balancerProblems(name, input, scope.kind === "app"),
    ];
  });
}

/** What every host has to tell before anything may depend on it. */
function unknownOf({ release, firewall }: HostView): readonly Failure[] {
  const why = [release, firewall].flatMap((facts) => (facts.kind === "unknown" ? [facts.why] : []));
  // A host that says nothing says so once.
  return why.slice(0, 1);
}

function claims(host: string, { lastChange }: HostView, { topology, epoch }: PlanInput): readonly Failure[] {
  if (lastChange.kind === "unknown") return [lastChange.why];
  return claimProblems(host, lastChange.value, { fleet: topology.fleet, epoch, stateHost: topology.state.host });
}

function servesToday(host: string, apps: readonly string[], input: PlanInput): boolean {
  return [...input.views.values()].some(({ lb }) => {
    const known = lb?.kind === "known" ? lb.value.stable.manifest?.model.apps : undefined;
    return apps.some((app) => known?.[app]?.servers.some((server) => server.name === host));
  });
}

function appProblems(name: string, input: PlanInput): readonly Failure[] {
  const situation = situationOf(name, input);
  const { app } = situation;
  if (app === null) return publicationProblems(situation, input);
  const minAvailable = resolveMinAvailable(app);
  return [
    ...availabilityProblems(situation, minAvailable, input.drains),
    ...drainProblems(name, input),
    ...publicationProblems(situation, input),
  ];
}
