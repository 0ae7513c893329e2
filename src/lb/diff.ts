import { sha256 } from "../model/hash.ts";
import type { LbFacts } from "./facts.ts";
import { normalizeHaproxy } from "./normalize.ts";

/** What differs between a balancer and the files. */
export type LbDiff =
  | {
      readonly kind: "same";
      /** "backend/server" that is drained, in maintenance or marked without an open rollout to owe it. */
      readonly stray: readonly string[];
    }
  | { readonly kind: "install"; readonly reasons: readonly string[]; readonly stray: readonly string[] };

/** The hash a manifest holds: of the text without its marks. */
export function configHash(text: string): string {
  return sha256(normalizeHaproxy(text).text);
}

function reasonsToInstall(config: string, facts: LbFacts): readonly string[] {
  const { stable } = facts;
  const wanted = configHash(config);
  const reasons: string[] = [];
  if (stable.config === null) reasons.push("haproxy.cfg is missing");
  else if (configHash(stable.config.text) !== wanted) {
    const ours = stable.manifest !== null && configHash(stable.config.text) === stable.manifest.sha256;
    if (stable.manifest === null) reasons.push("haproxy.cfg was not written by drover");
    else reasons.push(ours ? "haproxy.cfg is older than the files" : "haproxy.cfg was changed by hand");
  } else if (stable.manifest?.sha256 !== wanted) reasons.push("the manifest does not match haproxy.cfg");
  if (!stable.active) reasons.push("HAProxy is not running");
  else if (stable.interrupted) reasons.push("an earlier change of haproxy.cfg was cut off");
  else if (stable.admin === null) reasons.push("HAProxy does not answer on its admin socket");
  return reasons;
}

/**
 * Compares the text a balancer should have (marks do not count) with what was observed there. `owed` holds the
 * "backend/server" that an open rollout, or whoever else is entitled to, keeps drained.
 *
 * @public the contract's tests hold balancers to it; reports of drift are made of it
 */
export function diffLb(config: string, facts: LbFacts, owed: ReadonlySet<string>): LbDiff {
  const { disabled, admin } = facts.stable;
  const drained = Object.entries(admin ?? {}).flatMap(([name, state]) => (state === "ready" ? [] : [name]));
  const stray = [...new Set([...disabled, ...drained])].filter((name) => !owed.has(name)).toSorted();
  const reasons = reasonsToInstall(config, facts);
  return reasons.length === 0 ? { kind: "same", stray } : { kind: "install", reasons, stray };
}
