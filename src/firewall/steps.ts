import type { FirewallAction, FirewallCut, FirewallModel, FirewallTexts } from "../model/firewall.ts";
import type { Draft, Phase } from "../model/plan.ts";

/** Upload, commit, a new connection, confirmation; beyond that the host goes back by itself within `confirm`. */
const MARGIN = 60_000;

/** One host's next rules, and the generation that is confirmed there now (null: none of drover's). */
export interface FirewallInput {
  readonly host: string;
  readonly generation: number;
  readonly model: FirewallModel;
  readonly texts: FirewallTexts;
  readonly cuts: readonly FirewallCut[];
  /** Milliseconds. */
  readonly confirm: number;
  readonly previous: number | null;
}

/** Puts a generation in force, confirmed over a new connection; taken back by the generation from before. */
export function applyFirewall(phase: Phase, { previous, ...input }: FirewallInput): Draft {
  const { host, generation, confirm } = input;
  const apply: FirewallAction = { kind: "firewall.apply", ...input };
  const restore: FirewallAction = { kind: "firewall.restore", host, generation: previous, confirm };
  const deadline = confirm + MARGIN;
  const back: Draft = {
    phase,
    kind: "act",
    host,
    says: previous === null ? `take drover's rules off ${host}` : `put generation ${String(previous)} back on ${host}`,
    action: restore,
    deadline,
    undo: { kind: "none", reason: "it is itself an undo" },
  };
  return {
    ...back,
    says: `firewall of ${host}: generation ${String(generation)}`,
    action: apply,
    undo: { kind: "stages", stages: [[back]] },
  };
}

/** Takes all that drover made for a host's firewall away. */
export function removeFirewall(host: string): Draft {
  return {
    phase: "contract",
    kind: "act",
    host,
    says: `take drover's firewall off ${host}`,
    action: { kind: "firewall.remove", host },
    deadline: MARGIN,
    undo: { kind: "none", reason: "what was refused is refused again by the next apply, once the files say so" },
  };
}
