import { canonicalJson } from "../model/hash.ts";
import type { LbApp, LbChange, LbModel, ServerAddress, ServerRef } from "../model/lb.ts";
import type { Phase } from "../model/plan.ts";
import { changeOf, hashesOf } from "../lb/change.ts";
import { desiredLb } from "../lb/desired.ts";
import { configHash } from "../lb/diff.ts";
import type { LbFacts } from "../lb/facts.ts";
import { normalizeHaproxy, refName, setAddress, setDisabled } from "../lb/normalize.ts";
import type { LbRender } from "../lb/render.ts";
import { renderLb } from "../lb/render.ts";
import type { DraftStages } from "../lb/steps.ts";
import { installConfig } from "../lb/steps.ts";
import type { PlanInput } from "./input.ts";

/** What a balancer will hold at some point of the plan: threaded through it, so that every step knows what is before it. */
export interface BalancerState {
  readonly balancer: string;
  readonly address: string;
  readonly model: LbModel;
  /** True where drover has installed something; else `model` is what it would begin with. */
  readonly ours: boolean;
  /** haproxy.cfg's exact text; null where there is none. */
  readonly text: string | null;
  /** The other files by path, as {@link hashesOf} tells them. */
  readonly files: Readonly<Record<string, string>>;
  /** False where the files are not what drover last installed there, or HAProxy does not run them. */
  readonly sound: boolean;
  /** Why HAProxy has to be (re)started: it does not run, or does not answer. Null: a reload will do. */
  readonly down: string | null;
}

/** The state a balancer was observed in. One that drover never touched begins with its set's settings and no app. */
export function observedBalancer(balancer: string, facts: LbFacts, input: PlanInput): BalancerState {
  const { config, manifest, interrupted, files } = facts.stable;
  const down = whyDown(facts);
  const [address = ""] = input.topology.hosts.find(({ name }) => name === balancer)?.addresses ?? [];
  return {
    balancer,
    address,
    model: manifest?.model ?? { set: desiredModel(balancer, input).set, apps: {} },
    ours: manifest !== null,
    text: config?.text ?? null,
    files,
    sound: isIntact(facts) && !interrupted && down === null && strayServers(facts).length === 0,
    down,
  };
}

function isIntact({ stable: { config, manifest } }: LbFacts): boolean {
  return config !== null && manifest !== null && configHash(config.text) === manifest.sha256;
}

/** Servers that HAProxy does not know, or looks for elsewhere than the files say: somebody told it so at runtime. */
export function strayServers({ stable, live }: LbFacts): readonly string[] {
  const apps = Object.values(stable.manifest?.model.apps ?? {});
  if (stable.admin === null) return [];
  return apps.flatMap(({ app, servers }) =>
    servers.flatMap(({ name, address, port }) => {
      const ref = refName({ backend: app, server: name });
      const there = live.addresses[ref];
      return there?.address === address && there.port === port ? [] : [ref];
    }),
  );
}

function whyDown({ stable, live }: LbFacts): string | null {
  if (!stable.active) return "HAProxy does not run";
  if (stable.admin === null) return "HAProxy does not answer on its admin socket";
  return live.processes === null ? "HAProxy's master does not answer" : null;
}

/** The model a balancer should have, with the certificates of its set. */
export function desiredModel(balancer: string, { topology, certificates }: PlanInput): LbModel {
  const set = topology.balancers.find(({ hosts }) => hosts.includes(balancer));
  return desiredLb(topology, balancer, set === undefined ? [] : (certificates.get(set.name) ?? []));
}

/** The model with one app replaced, added, or (null) taken out; keys stay sorted. */
export function withApp(model: LbModel, name: string, app: LbApp | null): LbModel {
  const others = Object.entries(model.apps).filter(([each]) => each !== name);
  const all = app === null ? others : [...others, [name, app] as const];
  return { ...model, apps: Object.fromEntries(all.toSorted(([left], [right]) => (left < right ? -1 : 1))) };
}

/** The state after a server's mark was put into the file or taken out of it. */
export function marked(state: BalancerState, server: ServerRef, disabled: boolean): BalancerState {
  return { ...state, text: state.text === null ? null : setDisabled(state.text, server, disabled) };
}

/** The state after a server's address was changed in place. */
export function moved(state: BalancerState, server: ServerRef, to: ServerAddress): BalancerState {
  const app = state.model.apps[server.backend];
  if (app === undefined) return state;
  const servers = app.servers.map((each) => (each.name === server.server ? { ...each, ...to } : each));
  return {
    ...state,
    model: withApp(state.model, server.backend, { ...app, servers }),
    text: state.text === null ? null : setAddress(state.text, server, to),
  };
}

/** What an installation is made of besides the balancer's present state. */
export interface Installation {
  readonly template: string;
  readonly phase: Phase;
  readonly model: LbModel;
  /** Servers that must not get traffic yet, besides those that are marked already. */
  readonly disabled: readonly ServerRef[];
}

/** What has to be done to bring a balancer to its next files, and what it holds then. */
export interface Installed {
  readonly stages: DraftStages;
  readonly state: BalancerState;
  /** How the change comes into effect. */
  readonly change: LbChange;
}

/** The balancer's next files, or null when it already holds them. */
export function install(state: BalancerState, { template, phase, model, disabled }: Installation): Installed | null {
  const marks = state.text === null ? new Set<string>() : normalizeHaproxy(state.text).disabled;
  const render = renderLb(template, model, new Set([...marks, ...disabled.map(refName)]));
  if (state.sound && holds(state, render)) return null;
  const change = changeFor(state, render);
  const previous = { config: state.text, files: state.files, model: state.ours ? state.model : null };
  const { balancer, address } = state;
  return {
    stages: installConfig(phase, [{ balancer, address, model, ...render, change, previous }]),
    state: { ...state, model, ours: true, text: render.config, files: hashesOf(render), sound: true, down: null },
    change,
  };
}

function holds(state: BalancerState, render: LbRender): boolean {
  return (
    state.text !== null &&
    configHash(state.text) === configHash(render.config) &&
    canonicalJson(state.files) === canonicalJson(hashesOf(render))
  );
}

function changeFor({ text, files, sound, down }: BalancerState, render: LbRender): LbChange {
  if (down !== null) return { kind: "restart", why: [down] };
  if (text === null || !sound) return { kind: "reload", why: ["what runs or lies there is not what drover installed"] };
  return changeOf({ config: text, files }, render);
}

/** For people: how changes come into effect on which balancers, and why, equal ones together. */
export function changeLines(
  changes: readonly { readonly balancer: string; readonly change: LbChange }[],
): readonly string[] {
  const balancers = new Map<string, string[]>();
  for (const { balancer, change } of changes) {
    const why = change.why.length === 0 ? "nothing that HAProxy reads differs" : change.why.join("; ");
    const says = `${WORDS[change.kind]}: ${why}`;
    balancers.set(says, [...(balancers.get(says) ?? []), balancer]);
  }
  return [...balancers].map(([says, names]) => `${[...new Set(names)].join(", ")}: ${says}`);
}

const WORDS: Readonly<Record<LbChange["kind"], string>> = {
  runtime: "HAProxy changes at runtime",
  reload: "HAProxy reloads",
  restart: "HAProxy is started anew",
};
