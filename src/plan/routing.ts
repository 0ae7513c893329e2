import type { LbApp, LbChange, LbModel, ServerAddress, ServerRef } from "../model/lb.ts";
import type { Health } from "../model/fleet.ts";
import { canonicalJson } from "../model/hash.ts";
import type { Phase } from "../model/plan.ts";
import type { DraftStages } from "../lb/steps.ts";
import type { BalancerState } from "./balancers.ts";
import { desiredModel, install, marked, moved, withApp } from "./balancers.ts";
import { followAfter } from "./followed.ts";
import type { PlanInput } from "./input.ts";

/** A server and the balancers it is about: what one set of balancers begins or ceases to carry, others may keep. */
export interface ServerPlaces {
  readonly server: ServerRef;
  readonly balancers: readonly string[];
}

/** A server that stays under its name and is to be found elsewhere. Balancers may have known it at different places. */
export interface Move {
  readonly balancers: readonly string[];
  readonly server: ServerRef;
  readonly from: ServerAddress;
  readonly to: ServerAddress;
}

/** A balancer's files change, and how that comes into effect. */
export interface FileChange {
  readonly balancer: string;
  readonly change: LbChange;
}

/** How one app's place in every balancer changes: before its instances change, and after. */
export interface Routing {
  /** The balancers that carry the app before, during or after, in inventory order. */
  readonly balancers: readonly string[];
  /** By host: the balancers that hold its server while instances change. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
  /** Servers that balancers do not know yet; they begin disabled. */
  readonly fresh: readonly ServerPlaces[];
  /** Servers that balancers know and that leave while others of the app stay there. */
  readonly leaving: readonly ServerPlaces[];
  /** Servers whose address changes in their own lane, while they are out. */
  readonly moves: readonly Move[];
  /** How instances are checked today: what the release before was written for. Null where no balancer knows the app. */
  readonly healthBefore: Health | null;
  /** Stages that bring the new servers in; nothing else of the app changes with them. */
  readonly expand: DraftStages;
  /** Stages that leave the app's place as the files want it. */
  readonly contract: DraftStages;
  /** How the files change in the two. */
  readonly changes: readonly FileChange[];
  /** The balancers after all of it. */
  readonly after: readonly BalancerState[];
}

/**
 * Plans the files of all balancers for one app. Routes and checks of an app that already serves change only at the end,
 * when every instance runs what they were written for; a first deployment brings them along with its servers.
 */
export function routingOf(name: string, states: readonly BalancerState[], input: PlanInput): Routing {
  const wanted = states.map((state) => desiredModel(state.balancer, input).apps[name] ?? null);
  const someone = wanted.find((app) => app !== null) ?? null;
  const views = states.map((state, index) => {
    const applied = state.model.apps[name] ?? null;
    const desired = wanted[index] ?? null;
    // A set that loses the route keeps it until the end, with all instances: those that leave must not be its last.
    const goal = desired ?? (applied === null || someone === null ? null : { ...applied, servers: someone.servers });
    return { state, applied, desired, goal, during: during(applied, goal) };
  });
  const involved = views.filter(({ applied, desired }) => applied !== null || desired !== null);
  const fresh = involved.map((view) => places(name, view, missing(view.goal, view.applied)));
  // Where no server stays, the route goes as a whole: there is nobody to drain them in favour of.
  const leaving = involved.map((view) =>
    places(name, view, view.desired === null ? [] : missing(view.applied, view.desired)),
  );
  const moves = together(involved.flatMap(({ state, applied, goal }) => movesOf(state.balancer, applied, goal)));
  const at = (all: readonly Places[], { balancer }: BalancerState): readonly ServerRef[] =>
    all.find((each) => each.balancer === balancer)?.servers ?? [];
  const expanded = installAll(
    "expand",
    views.map(({ state, during: app }) => ({ state, app, disabled: at(fresh, state) })),
    { name, input },
  );
  const letIn = (state: BalancerState): readonly ServerRef[] =>
    at(fresh, state).filter(({ server }) => input.drains[server] === undefined);
  const lanesDone = expanded.states.map((state) => {
    const own = moves.filter(({ balancers }) => balancers.includes(state.balancer));
    const there = own.reduce((each, { server, to }) => moved(each, server, to), state);
    return markAll(markAll(there, letIn(state), false), at(leaving, state), true);
  });
  const contracted = installAll(
    "contract",
    lanesDone.map((state, index) => ({ state, app: views[index]?.desired ?? null, disabled: [] })),
    { name, input },
  );
  return {
    balancers: involved.map(({ state }) => state.balancer),
    holders: byServer(involved.map((view) => places(name, view, missing(view.during, null)))),
    fresh: inPlaces(name, fresh),
    leaving: inPlaces(name, leaving),
    moves,
    healthBefore: views.find(({ applied }) => applied !== null)?.applied?.health ?? null,
    expand: expanded.stages,
    contract: contracted.stages,
    changes: [...expanded.changes, ...contracted.changes],
    after: contracted.states,
  };
}

function during(applied: LbApp | null, goal: LbApp | null): LbApp | null {
  if (applied === null || goal === null) return applied ?? goal;
  const gone = applied.servers.filter((server) => !goal.servers.some((each) => each.name === server.name));
  // A server that serves moves in its own lane, drained; until then it is where it was.
  const stay = goal.servers.map((server) => applied.servers.find((each) => each.name === server.name) ?? server);
  return { ...applied, servers: [...stay, ...gone] };
}

function movesOf(balancer: string, applied: LbApp | null, goal: LbApp | null): readonly Move[] {
  if (applied === null || goal === null) return [];
  return goal.servers.flatMap(({ name: server, address, port }): Move[] => {
    const from = applied.servers.find(({ name }) => name === server);
    if (from === undefined || (from.address === address && from.port === port)) return [];
    const was = { address: from.address, port: from.port };
    return [{ balancers: [balancer], server: { backend: applied.app, server }, from: was, to: { address, port } }];
  });
}

/** Moves of one server that differ in nothing but the balancer, as one. */
function together(moves: readonly Move[]): readonly Move[] {
  const all = new Map<string, Move>();
  for (const move of moves) {
    const key = canonicalJson({ ...move, balancers: [] });
    const same = all.get(key);
    all.set(key, same === undefined ? move : { ...same, balancers: [...same.balancers, ...move.balancers] });
  }
  return [...all.values()];
}

function missing(from: LbApp | null, inThe: LbApp | null): readonly string[] {
  const there = new Set((inThe?.servers ?? []).map((server) => server.name));
  return (from?.servers ?? []).map((server) => server.name).filter((server) => !there.has(server));
}

/** Some servers of one balancer. */
interface Places {
  readonly balancer: string;
  readonly servers: readonly ServerRef[];
}

function places(backend: string, view: { readonly state: BalancerState }, servers: readonly string[]): Places {
  return { balancer: view.state.balancer, servers: servers.map((server) => ({ backend, server })) };
}

function byServer(all: readonly Places[]): ReadonlyMap<string, readonly string[]> {
  const names = new Set(all.flatMap(({ servers }) => servers.map(({ server }) => server)));
  const holders = (name: string): readonly string[] =>
    all.filter(({ servers }) => servers.some(({ server }) => server === name)).map(({ balancer }) => balancer);
  return new Map([...names].map((name) => [name, holders(name)]));
}

function inPlaces(backend: string, all: readonly Places[]): readonly ServerPlaces[] {
  return [...byServer(all)].map(([server, balancers]) => ({ server: { backend, server }, balancers }));
}

function markAll(state: BalancerState, servers: readonly ServerRef[], disabled: boolean): BalancerState {
  return servers.reduce((each, server) => marked(each, server, disabled), state);
}

/**
 * The model with one app changed. Who belongs to the fleet is asked for by apps' routes, so it comes with them, and so does
 * what the set follows and the app was in the way of; all else of the set has its own plan.
 */
function withRouted(
  { balancer, model }: BalancerState,
  { name, app }: { readonly name: string; readonly app: LbApp | null },
  input: PlanInput,
): LbModel {
  const next = withApp(model, name, app);
  if (next.set === null) return next;
  const wanted = desiredModel(balancer, input).set;
  const set = followAfter(next.set, { was: model.apps[name], apps: next.apps, wanted });
  return { ...next, set: { ...set, fleet: wanted?.fleet ?? [] } };
}

function installAll(
  phase: Phase,
  targets: readonly {
    readonly state: BalancerState;
    readonly app: LbApp | null;
    readonly disabled: readonly ServerRef[];
  }[],
  common: { readonly name: string; readonly input: PlanInput },
): {
  readonly stages: DraftStages;
  readonly states: readonly BalancerState[];
  readonly changes: readonly FileChange[];
} {
  const results = targets.map(({ state, app, disabled }) => {
    const unchanged = canonicalJson(state.model.apps[common.name] ?? null) === canonicalJson(app);
    if (unchanged) return { stages: [], state, changes: [] };
    const model = withRouted(state, { name: common.name, app }, common.input);
    const template = common.input.templates.haproxy;
    const done = install(state, { template, phase, model, disabled });
    if (done === null) return { stages: [], state: { ...state, model }, changes: [] };
    return { ...done, changes: [{ balancer: state.balancer, change: done.change }] };
  });
  return {
    stages: results.flatMap(({ stages }) => stages),
    states: results.map(({ state }) => state),
    changes: results.flatMap(({ changes }) => changes),
  };
}
