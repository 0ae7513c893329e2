import type { Failure } from "../model/errors.ts";
import type { FirewallModel } from "../model/firewall.ts";
import type { FirewallPart, Phase, Plan } from "../model/plan.ts";
import { addressesByHost } from "../firewall/addresses.ts";
import { diffFirewall } from "../firewall/diff.ts";
import type { FirewallPass } from "../firewall/transition.ts";
import { transition } from "../firewall/transition.ts";
import { closingTargets, releasedTargets } from "./firewall-closing.ts";
import { quarantined } from "./firewall-ledger.ts";
import type { Make } from "./firewall-parts.ts";
import { allAtOncePlan, beginMaking, hostByHostPlan, removalPlan } from "./firewall-parts.ts";
import { changeProblems } from "./firewall-preflight.ts";
import type { FirewallTargets } from "./firewall-targets.ts";
import { firewallOf, firewallTargets } from "./firewall-targets.ts";
import type { Scope } from "./fleet-plan.ts";
import type { PlanInput } from "./input.ts";

/** The plans about firewalls, and what stands in their way. */
export interface FirewallPlans {
  /** Before everything else: what is new is let pass, new hosts are isolated. */
  readonly first: readonly Plan[];
  /** After everything else: what nothing needs any more is taken away. */
  readonly last: readonly Plan[];
  /** Where somebody is silent: what can be taken away from the others all the same. */
  readonly closing: readonly Plan[];
  readonly problems: readonly Failure[];
  /** Hosts that stay behind the files even when every plan comes through; null: not all firewalls are looked at. */
  readonly behind: readonly string[] | null;
}

const NOTHING: FirewallPlans = { first: [], last: [], closing: [], problems: [], behind: null };

/**
 * Brings the hosts' firewalls from what was last applied to what the files say, so that at no moment a flow is cut that is
 * allowed before and after, and none passes that neither allows.
 */
export function planFirewalls(input: PlanInput, scope: Scope): FirewallPlans {
  if (input.topology.firewall === null) return scope.kind === "fleet" ? withoutBlock(input) : NOTHING;
  const targets = firewallTargets(input, scope);
  const silent = input.topology.hosts.map(({ name }) => name).filter((name) => firewallOf(name, input) === null);
  const work = { targets, silent, input };
  if (scope.kind === "app") return forApp(scope.app, work);
  return silent.length > 0 ? aroundSilent(work) : forFleet(work);
}

/** What all of the ways below work on. */
interface Work {
  readonly targets: FirewallTargets;
  readonly silent: readonly string[];
  readonly input: PlanInput;
}

/** Nobody asks for a firewall any more: drover's rules go, and nothing is left behind. */
function withoutBlock(input: PlanInput): FirewallPlans {
  const ruled = input.topology.hosts
    .map(({ name }) => name)
    .filter((name) => (firewallOf(name, input)?.stable.manifest ?? null) !== null);
  return ruled.length === 0 ? NOTHING : { ...NOTHING, last: [removalPlan(ruled, input)] };
}

/** The whole fleet, and everybody answers. */
function forFleet({ targets, input }: Work): FirewallPlans {
  const released = releasedTargets(targets, input);
  const from = { ...targets, before: new Map([...targets.before, ...released]) };
  const passes = passesOf(from, input);
  const repairs = repairsOf(targets, passes, input);
  const problems = changeProblems({ targets: from, passes, further: [released, repairs.targets], input });
  const behind = targets.keeping;
  if (problems.length > 0) return { ...NOTHING, problems, behind };
  const make = beginMaking(targets.before, input);
  const first = [
    ...(released.size === 0 ? [] : [allAtOncePlan("release", [{ phase: "contract", targets: released }], make)]),
    ...opening(passes, repairs, make),
  ];
  return { ...NOTHING, first, last: closing(passes, make), behind };
}

/** One app: what is there for it comes and goes, all other rules stay as they were last applied. */
function forApp(app: string, { targets, silent, input }: Work): FirewallPlans {
  const hosts = input.topology.apps.find(({ name }) => name === app)?.instances.map(({ host }) => host) ?? [];
  const passes = passesOf(targets, input);
  const unheard = passes.length === 0 ? [] : silent.flatMap((host) => input.views.get(host)?.firewall ?? []);
  const problems = [
    ...quarantined(input.topology, input.ledger, hosts),
    ...unheard.flatMap((facts) => (facts.kind === "unknown" ? [facts.why] : [])),
    ...changeProblems({ targets, passes, further: [], input }),
  ];
  if (problems.length > 0) return { ...NOTHING, problems };
  const make = beginMaking(targets.before, input);
  return { ...NOTHING, first: opening(passes, NO_REPAIRS, make), last: closing(passes, make) };
}

/** Somebody is silent: nothing is opened, nothing is moved; what nobody asks for any more is closed where it can be. */
function aroundSilent({ targets, silent, input }: Work): FirewallPlans {
  const closed = closingTargets(targets);
  const owners = input.topology.hosts.map(({ name }) => name);
  const problems = [
    ...quarantined(input.topology, input.ledger, owners),
    ...changeProblems({ targets: { ...targets, after: targets.before }, passes: [], further: [closed], input }),
  ];
  // Not one of them is known to be where the files want it: what is there for apps was not looked at.
  if (closed.size === 0 || problems.length > 0) return { ...NOTHING, problems, behind: owners };
  const make = beginMaking(targets.before, input);
  return {
    ...NOTHING,
    closing: [hostByHostPlan("contract-in", closed, make)],
    behind: silent.length > 0 ? owners : [],
  };
}

function passesOf({ before, after, isolate }: FirewallTargets, { topology }: PlanInput): readonly FirewallPass[] {
  return transition({ before, after, isolate, addresses: addressesByHost(topology) });
}

/** Hosts whose rules say what they should, and that do not have them in force as they were confirmed. */
interface Repairs {
  readonly targets: ReadonlyMap<string, FirewallModel>;
  readonly reasons: readonly string[];
}

const NO_REPAIRS: Repairs = { targets: new Map(), reasons: [] };

/** What was changed by hand is put right before anything else; where a host's rules only change at the end, to what they were. */
function repairsOf({ before, after }: FirewallTargets, passes: readonly FirewallPass[], input: PlanInput): Repairs {
  const changing = (isFirst: boolean): ReadonlySet<string> =>
    new Set(passes.flatMap(({ phase, targets }) => ((phase !== "contract") === isFirst ? [...targets.keys()] : [])));
  const [opened, closed] = [changing(true), changing(false)];
  const repairs = [...after].flatMap(([host, to]) => {
    const facts = firewallOf(host, input);
    const model = closed.has(host) ? (before.get(host) ?? null) : to;
    if (model === null || facts === null || opened.has(host)) return [];
    const diff = diffFirewall(model, facts);
    return diff.kind === "same" ? [] : [{ host, model, reasons: diff.reasons }];
  });
  return {
    targets: new Map(repairs.map(({ host, model }) => [host, model])),
    reasons: repairs.flatMap(({ host, reasons }) => reasons.map((reason) => `${host}: ${reason}`)),
  };
}

/** All that has to be there before anything else changes, in one plan: it comes through as a whole or not at all. */
function opening(passes: readonly FirewallPass[], repairs: Repairs, make: Make): readonly Plan[] {
  const changes = passes.flatMap(({ phase, targets }): readonly { phase: Phase; targets: FirewallPass["targets"] }[] =>
    phase === "contract" ? [] : [{ phase, targets }],
  );
  const all =
    repairs.targets.size === 0 ? changes : [{ phase: "expand" as const, targets: repairs.targets }, ...changes];
  return all.length === 0 ? [] : [allAtOncePlan("expand", all, make, repairs.reasons)];
}

/** What goes, pass by pass: a host that fails keeps what it had, and is no reason to leave the others open. */
function closing(passes: readonly FirewallPass[], make: Make): readonly Plan[] {
  const used = new Set<FirewallPart>();
  return passes.flatMap(({ phase, direction, targets }) => {
    if (phase !== "contract") return [];
    const main: FirewallPart = direction === "out" ? "contract-out" : "contract-in";
    const part = used.has(main) ? "settle" : main;
    used.add(main);
    return [hostByHostPlan(part, targets, make)];
  });
}
