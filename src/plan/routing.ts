import type { LbApp, ServerRef } from "../model/action.ts";
import { canonicalJson } from "../model/hash.ts";
import type { Phase } from "../model/plan.ts";
import { desiredLb } from "../lb/desired.ts";
import type { DraftStages } from "../lb/steps.ts";
import type { BalancerState } from "./balancers.ts";
import { install, marked, withApp } from "./balancers.ts";
import type { PlanInput } from "./input.ts";

/** How one app's place in every balancer changes: before its instances change, and after. */
export interface Routing {
  /** The balancers that carry the app before, during or after, in inventory order. */
  readonly balancers: readonly string[];
  /** Servers that balancers do not know yet; they begin disabled. */
  readonly fresh: readonly ServerRef[];
  /** Servers that balancers know and the files no longer want. */
  readonly leaving: readonly ServerRef[];
  /** Stages that bring the new servers in; nothing else of the app changes with them. */
  readonly expand: DraftStages;
  /** Stages that leave the app's place as the files want it. */
  readonly contract: DraftStages;
  /** The balancers after all of it. */
  readonly after: readonly BalancerState[];
}

/**
 * Plans the files of all balancers for one app. Routes and checks of an app that already serves change only at the end,
 * when every instance runs what they were written for; a first deployment brings them along with its servers.
 */
export function routingOf(name: string, states: readonly BalancerState[], input: PlanInput): Routing {
  const views = states.map((state) => {
    const applied = state.model.apps[name] ?? null;
    const desired = desiredLb(input.topology, state.balancer).apps[name] ?? null;
    return { state, applied, desired, during: during(applied, desired) };
  });
  const involved = views.filter(({ applied, desired }) => applied !== null || desired !== null);
  const fresh = unique(
    name,
    involved.flatMap(({ applied, desired }) => missing(desired, applied)),
  );
  const stays = involved.some(({ desired }) => desired !== null);
  const leaving = stays
    ? unique(
        name,
        involved.flatMap(({ applied, desired }) => missing(applied, desired)),
      )
    : [];
  const expanded = installAll(
    "expand",
    views.map(({ state, during: app }) => ({ state, app })),
    { name, input, disabled: fresh },
  );
  const opened = expanded.states.map((state) => unmarkAll(state, fresh));
  const drained = opened.map((state) => leaving.reduce((each, server) => marked(each, server, true), state));
  const contracted = installAll(
    "contract",
    drained.map((state, index) => ({ state, app: views[index]?.desired ?? null })),
    { name, input, disabled: [] },
  );
  return {
    balancers: involved.map(({ state }) => state.balancer),
    fresh,
    leaving,
    expand: expanded.stages,
    contract: contracted.stages,
    after: contracted.states,
  };
}

function during(applied: LbApp | null, desired: LbApp | null): LbApp | null {
  if (applied === null || desired === null) return applied ?? desired;
  const gone = applied.servers.filter((server) => !desired.servers.some((each) => each.name === server.name));
  return { ...applied, servers: [...desired.servers, ...gone] };
}

function missing(from: LbApp | null, inThe: LbApp | null): readonly string[] {
  const there = new Set((inThe?.servers ?? []).map((server) => server.name));
  return (from?.servers ?? []).map((server) => server.name).filter((server) => !there.has(server));
}

function unique(backend: string, servers: readonly string[]): readonly ServerRef[] {
  return [...new Set(servers)].map((server) => ({ backend, server }));
}

function unmarkAll(state: BalancerState, servers: readonly ServerRef[]): BalancerState {
  return servers.reduce((each, server) => marked(each, server, false), state);
}

function installAll(
  phase: Phase,
  targets: readonly { readonly state: BalancerState; readonly app: LbApp | null }[],
  common: { readonly name: string; readonly input: PlanInput; readonly disabled: readonly ServerRef[] },
): { readonly stages: DraftStages; readonly states: readonly BalancerState[] } {
  const results = targets.map(({ state, app }) => {
    const unchanged = canonicalJson(state.model.apps[common.name] ?? null) === canonicalJson(app);
    if (unchanged) return { stages: [], state };
    const model = withApp(state.model, common.name, app);
    const { haproxyTemplate: template } = common.input;
    return (
      install(state, { template, phase, model, disabled: common.disabled }) ?? {
        stages: [],
        state: { ...state, model },
      }
    );
  });
  return { stages: results.flatMap(({ stages }) => stages), states: results.map(({ state }) => state) };
}
