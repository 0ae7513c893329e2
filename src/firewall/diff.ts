import type { FirewallModel } from "../model/firewall.ts";
import type { FirewallFacts, FirewallStable } from "./facts.ts";
import type { FirewallManifest } from "./manifest.ts";
import { sameModel } from "./merge.ts";
import { firewallHash } from "./render.ts";

/** What differs between a host's firewall and the files. */
export type FirewallDiff =
  | { readonly kind: "same" }
  /** Why, in words; at least one. */
  | { readonly kind: "apply"; readonly reasons: readonly string[] };

function manifestReasons(model: FirewallModel, { hash, model: before }: FirewallManifest): readonly string[] {
  if (hash !== firewallHash(model)) return ["what passes is not what the files say"];
  // What a later change closes, and what it cuts by that, is told from the rules as they were applied.
  return sameModel(model, before) ? [] : ["the same passes, for other reasons"];
}

function forceReasons(generation: number, { active }: FirewallStable): readonly string[] {
  const families = [
    ["IPv4", active.v4],
    ["IPv6", active.v6],
  ] as const;
  return families.flatMap(([family, number]) => {
    if (number === generation) return [];
    const instead = number === null ? "nothing of drover is in force" : `generation ${String(number)} is in force`;
    return [`${family}: ${instead} instead of generation ${String(generation)}`];
  });
}

/** Compares what a host should let pass with what was observed there. */
export function diffFirewall(model: FirewallModel, { stable }: FirewallFacts): FirewallDiff {
  const { manifest, unconfirmed } = stable;
  const waiting = unconfirmed === null ? [] : [`generation ${String(unconfirmed)} was never confirmed`];
  if (manifest === null) {
    return { kind: "apply", reasons: ["drover's firewall is not on this host yet", ...waiting] };
  }
  const reasons = [
    ...manifestReasons(model, manifest),
    ...forceReasons(manifest.generation, stable),
    ...stable.drift,
    ...(stable.enabled ? [] : ["it is not loaded at boot"]),
    ...waiting,
  ];
  return reasons.length === 0 ? { kind: "same" } : { kind: "apply", reasons };
}
