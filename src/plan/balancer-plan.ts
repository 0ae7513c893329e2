import type { LbApp, LbModel } from "../model/lb.ts";
import type { Plan } from "../model/plan.ts";
import { configHash, diffLb } from "../lb/diff.ts";
import type { LbFacts } from "../lb/facts.ts";
import { CONFIG } from "../lb/paths.ts";
import type { DraftStages } from "../lb/steps.ts";
import { handOver, takeBack } from "../vip/steps.ts";
import type { BalancerState } from "./balancers.ts";
import { changeLines, desiredModel, install, observedBalancer, strayServers } from "./balancers.ts";
import { planFarewell } from "./former.ts";
import { besideApps } from "./followed.ts";
import type { PlanInput } from "./input.ts";
import { PROLOGUE, place } from "./place.ts";
import type { FileChange } from "./routing.ts";
import type { FileStand } from "./verify/files.ts";
import { fileStands } from "./verify/files.ts";
import { heldBy, planVips, runsKeepalived, setOf, successors } from "./vips.ts";
import { WHOLE } from "./whole.ts";

/**
 * The balancers as they were observed, those that hold no VIP first: a file that does not come up is found out where
 * no client is (notes: backup first, proven, then the master). Among themselves in inventory order.
 */
export function observedBalancers(input: PlanInput): readonly BalancerState[] {
  return found(input).map(({ name, facts }) => observedBalancer(name, facts, input));
}

function found(input: PlanInput): readonly { readonly name: string; readonly facts: LbFacts }[] {
  const all = input.topology.hosts.flatMap(({ name }) => {
    const lb = input.views.get(name)?.lb;
    return lb?.kind === "known" ? [{ name, facts: lb.value }] : [];
  });
  const isHolder = (name: string): boolean => heldBy(name, input).length > 0;
  return [...all.filter(({ name }) => !isHolder(name)), ...all.filter(({ name }) => isHolder(name))];
}

/** The balancers' own plans, and the balancers as they are after the first of them. */
interface BalancerPlans {
  readonly first: Plan | null;
  /** What has to wait until every balancer carries its apps. */
  readonly last: Plan | null;
  readonly after: readonly BalancerState[];
}

/**
 * Brings every balancer to what its set says (settings, certificates, VIPs), with the apps it carries now; puts right
 * what was changed by hand, and starts what does not run.
 */
export function planBalancers(input: PlanInput): BalancerPlans {
  const results = found(input).map(({ name, facts }) => repair(name, facts, input));
  const files = {
    stages: results.flatMap(({ stages }) => stages),
    reasons: [
      ...results.flatMap((result) => result.reasons),
      ...changeLines(results.flatMap((result) => result.changes)),
    ],
  };
  const vips = vipPart(input);
  const after = results.map(({ state }) => state);
  // Whoever can get the VIP has to carry what the others carry: nobody may meet a balancer that knows no app.
  if (isJoined(input)) return { first: planOf([files]), last: planOf([vips]), after };
  return { first: planOf([files, vips]), last: null, after };
}

interface Part {
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
}

function planOf(parts: readonly Part[]): Plan | null {
  const prologue = place(
    PROLOGUE,
    parts.flatMap(({ stages }) => stages),
  );
  return prologue.length === 0 ? null : { ...WHOLE, reasons: parts.flatMap(({ reasons }) => reasons), prologue };
}

function vipPart(input: PlanInput): Part {
  const vips = planVips(input);
  const farewell = planFarewell(input);
  return {
    stages: [...farewell.keepalived, ...vips.stages, ...farewell.haproxy],
    reasons: [...vips.reasons, ...farewell.reasons],
  };
}

/** True where a balancer that cannot get the VIP yet lacks an app that another one of its set carries. */
function isJoined(input: PlanInput): boolean {
  const states = new Map(observedBalancers(input).map((state) => [state.balancer, Object.keys(state.model.apps)]));
  return input.topology.balancers.some(({ hosts, vips }) => {
    if (vips.length === 0) return false;
    const all = new Set(hosts.flatMap((host) => states.get(host) ?? []));
    return hosts.some((host) => !runsKeepalived(host, input) && (states.get(host)?.length ?? 0) < all.size);
  });
}

interface Repair {
  readonly stages: DraftStages;
  readonly state: BalancerState;
  readonly reasons: readonly string[];
  readonly changes: readonly FileChange[];
}

function repair(name: string, facts: LbFacts, input: PlanInput): Repair {
  const state = observedBalancer(name, facts, input);
  const { set } = desiredModel(name, input);
  const hasVip = input.topology.balancers.some(({ hosts, vips }) => hosts.includes(name) && vips.length > 0);
  const nothing = { stages: [], state, reasons: [], changes: [] };
  // A balancer without VIP that follows nothing is brought in by the first app that is routed there.
  if (!state.ours && !hasVip && set?.follow === undefined) return nothing;
  const model = withSet(state.model, set);
  const { templates } = input;
  const next = install(state, { template: templates.haproxy, phase: "expand", model, disabled: [] });
  // Its files are the same, and what the apps' plans add is made of the new settings all the same.
  if (next === null) return { ...nothing, state: { ...state, model } };
  return {
    stages: next.change.kind === "restart" ? aside(name, next.stages, input) : next.stages,
    state: next.state,
    reasons: reasonsOf(next.state, facts).map((reason) => `${name}: ${reason}`),
    changes: [{ balancer: name, change: next.change }],
  };
}

/** The apps as they are, under the set's new settings. Without certificates there is no https to offer any more. */
function withSet(model: LbModel, wanted: LbModel["set"]): LbModel {
  const set = besideApps(wanted, model.apps);
  if (set === null || set.certificates.length > 0) return { ...model, set };
  const plain = (app: LbApp): LbApp => ({
    ...app,
    routes: app.routes.map((route) => (route.kind === "http" ? { ...route, tls: "none" } : route)),
  });
  return { set, apps: Object.fromEntries(Object.entries(model.apps).map(([name, app]) => [name, plain(app)])) };
}

/** What is not as it should be, file by file; that a file is to change is told by the change itself. */
function reasonsOf({ text, files }: BalancerState, facts: LbFacts): readonly string[] {
  const diff = diffLb(text ?? "", facts, new Set());
  const isFirst = facts.stable.manifest === null;
  const stands = isFirst ? [] : fileStands(facts, { config: configHash(text ?? ""), files });
  return [
    ...(diff.kind === "same" ? [] : diff.reasons),
    ...strayServers(facts).map((server) => `the running HAProxy has another ${server} than its file`),
    ...stands.flatMap(({ path, kind }) => {
      const says = path === CONFIG ? undefined : STAND_WORDS[kind];
      return says === undefined ? [] : [`${path} ${says}`];
    }),
  ];
}

const STAND_WORDS: Partial<Record<FileStand["kind"], string>> = {
  missing: "is missing",
  "by-hand": "was changed by hand",
  foreign: "was not written by drover",
};

/** HAProxy restarts while another balancer has the VIP, where there is one to have it. */
function aside(name: string, stages: DraftStages, input: PlanInput): DraftStages {
  const vips = heldBy(name, input);
  if (vips.length === 0 || successors(name, input).length === 0) return stages;
  const all = setOf(name, input)?.hosts ?? [];
  return [...handOver("expand", name, all, vips), ...stages, ...takeBack("expand", name, all, vips)];
}
