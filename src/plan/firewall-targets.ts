import type { FirewallModel } from "../model/firewall.ts";
import type { FirewallFacts } from "../firewall/facts.ts";
import { desiredFirewall } from "../firewall/desired.ts";
import { keepForApps, mergeForApp } from "../firewall/merge.ts";
import type { Scope } from "./fleet-plan.ts";
import type { PlanInput } from "./input.ts";

/** Where every firewall stands, and where it is to go; null: not managed, everything passes. */
export interface FirewallTargets {
  readonly before: ReadonlyMap<string, FirewallModel | null>;
  readonly after: ReadonlyMap<string, FirewallModel | null>;
  /** Hosts that run nothing of drover's yet: their new rules cut nobody, and come before anything runs there. */
  readonly isolate: ReadonlySet<string>;
  /** Hosts that keep rules which the files no longer ask for, because a rollout that is open may still need them. */
  readonly keeping: readonly string[];
}

/** A host's firewall as it was observed; null where that is not known. */
export function firewallOf(host: string, { views }: PlanInput): FirewallFacts | null {
  const facts = views.get(host)?.firewall;
  return facts?.kind === "known" ? facts.value : null;
}

/** All hosts that answered, as a command's scope wants them. */
export function firewallTargets(input: PlanInput, scope: Scope): FirewallTargets {
  const desired = desiredFirewall(input.topology);
  const before = new Map<string, FirewallModel | null>();
  const after = new Map<string, FirewallModel | null>();
  const isolate = new Set<string>();
  const keeping: string[] = [];
  for (const { name } of input.topology.hosts) {
    const facts = firewallOf(name, input);
    if (facts === null) continue;
    const was = facts.stable.manifest?.model ?? null;
    const runsNothing = was === null && isBare(name, input);
    if (runsNothing) isolate.add(name);
    before.set(name, was);
    const model = desired.get(name) ?? null;
    const to = wanted(model, { name, was, runsNothing, input, scope });
    if (to !== model) keeping.push(name);
    after.set(name, to);
  }
  return { before, after, isolate, keeping };
}

interface Standing {
  readonly name: string;
  readonly was: FirewallModel | null;
  readonly runsNothing: boolean;
  readonly input: PlanInput;
  readonly scope: Scope;
}

/** A change of one app touches only what is there for it; what an open rollout may still put back keeps its way. */
function wanted(desired: FirewallModel | null, standing: Standing): FirewallModel | null {
  const { name, was, runsNothing, input, scope } = standing;
  if (desired === null) return scope.kind === "app" ? was : null;
  if (scope.kind === "app") {
    if (was !== null) return mergeForApp(scope.app, was, desired);
    const isHere = input.topology.apps.some(({ name: app, instances }) => {
      return app === scope.app && instances.some(({ host }) => host === name);
    });
    return isHere && runsNothing ? desired : null;
  }
  return keepForApps(Object.keys(input.open), was, desired);
}

/** Nothing of drover's serves there: no app, no balancer's configuration. */
function isBare(host: string, { views }: PlanInput): boolean {
  const view = views.get(host);
  const apps =
    view?.release.kind === "known" ? view.release.value.apps.filter(({ manifest }) => manifest !== null) : null;
  const isBalancing = view?.lb?.kind === "known" && view.lb.value.stable.manifest !== null;
  return apps?.length === 0 && !isBalancing;
}
