import type { LbApp, LbModel, ServerRef } from "../model/lb.ts";
import { sha256 } from "../model/hash.ts";
import type { Phase } from "../model/plan.ts";
import { configHash } from "../lb/diff.ts";
import type { LbFacts } from "../lb/facts.ts";
import { normalizeHaproxy, refName, setDisabled } from "../lb/normalize.ts";
import { renderHaproxy } from "../lb/render.ts";
import type { DraftStages } from "../lb/steps.ts";
import { installConfig } from "../lb/steps.ts";

/** What a balancer will hold at some point of the plan: threaded through it, so that every step knows what is before it. */
export interface BalancerState {
  readonly balancer: string;
  readonly model: LbModel;
  /** The file's exact text; null where there is none. */
  readonly text: string | null;
  /** False where the file is not what drover last installed there, or HAProxy does not run it. */
  readonly sound: boolean;
}

const EMPTY: LbModel = { apps: {} };

/** The state a balancer was observed in. */
export function observedBalancer(balancer: string, facts: LbFacts): BalancerState {
  const { config, manifest, active, interrupted, admin } = facts.stable;
  const ours = config !== null && manifest !== null && configHash(config.text) === manifest.sha256;
  return {
    balancer,
    model: manifest?.model ?? EMPTY,
    text: config?.text ?? null,
    sound: ours && active && !interrupted && admin !== null,
  };
}

/** The model with one app replaced, added, or (null) taken out; keys stay sorted. */
export function withApp(model: LbModel, name: string, app: LbApp | null): LbModel {
  const others = Object.entries(model.apps).filter(([each]) => each !== name);
  const all = app === null ? others : [...others, [name, app] as const];
  return { apps: Object.fromEntries(all.toSorted(([left], [right]) => (left < right ? -1 : 1))) };
}

/** The state after a server's mark was put into the file or taken out of it. */
export function marked(state: BalancerState, server: ServerRef, disabled: boolean): BalancerState {
  return { ...state, text: state.text === null ? null : setDisabled(state.text, server, disabled) };
}

/** What an installation is made of besides the balancer's present state. */
export interface Installation {
  readonly template: string;
  readonly phase: Phase;
  readonly model: LbModel;
  /** Servers that must not get traffic yet, besides those that are marked already. */
  readonly disabled: readonly ServerRef[];
}

/** The balancer's next file, or null when it already holds it. */
export function install(
  state: BalancerState,
  { template, phase, model, disabled }: Installation,
): { readonly stages: DraftStages; readonly state: BalancerState } | null {
  const marks = state.text === null ? new Set<string>() : normalizeHaproxy(state.text).disabled;
  const config = renderHaproxy(template, model, new Set([...marks, ...disabled.map(refName)]));
  if (state.sound && state.text !== null && configHash(state.text) === configHash(config)) return null;
  const previous = {
    sha256: state.text === null ? null : sha256(state.text),
    // An empty model may be what drover installed there, or that it never did.
    model: state.sound || Object.keys(state.model.apps).length > 0 ? state.model : null,
  };
  return {
    stages: installConfig(phase, [{ balancer: state.balancer, model, config, previous }]),
    state: { ...state, model, text: config, sound: true },
  };
}
