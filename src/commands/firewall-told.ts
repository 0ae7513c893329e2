import type { FirewallFacts, FirewallManifest } from "../firewall/facts.ts";
import { firewallHash } from "../firewall/render.ts";
import type { FirewallModel } from "../model/firewall.ts";
import type { Known } from "../model/known.ts";
import type { FirewallShow, FirewallTold } from "../report/firewall-show.ts";
import type { RuleWords } from "./firewall-words.ts";
import { modelDifferences, shownRules } from "./firewall-words.ts";
import type { FleetFiles } from "./fleet-files.ts";

/** What `firewall show` is made from. */
interface Told {
  readonly host: string;
  readonly facts: Known<FirewallFacts>;
  /** What the files want of this host; null: firewalls are not managed. */
  readonly desired: FirewallModel | null;
}

/** One host's firewall as it told, next to what the files want. */
export function firewallShowOf({ fleet, topology }: FleetFiles, { host, facts, desired }: Told): FirewallShow {
  const managed = desired !== null;
  if (facts.kind === "unknown") return { host, managed, told: null, why: facts.why };
  const { stable, live } = facts.value;
  const { manifest } = stable;
  const words = { topology, rulePlaces: fleet.rulePlaces };
  const told: FirewallTold = {
    generation: manifest?.generation ?? null,
    active: stable.active,
    unconfirmed: stable.unconfirmed,
    enabled: stable.enabled,
    egress: manifest?.model.egress ?? null,
    rules: shownRules(manifest?.model.rules ?? [], words),
    pending: pendingOf(manifest, desired, words),
    drift: stable.drift,
    rivals: managed ? stable.rivals : [],
    missing: managed ? stable.missing : [],
    ahead: live.ahead,
    published: live.published,
  };
  return { host, managed, told, why: null };
}

/** What the files want and is not applied; models that are rendered to the same do not differ. */
function pendingOf(
  manifest: FirewallManifest | null,
  desired: FirewallModel | null,
  words: RuleWords,
): readonly string[] {
  if (desired === null) {
    return manifest === null ? [] : ["drover.yaml has no firewall: block, and drover's rules are still here"];
  }
  if (manifest === null) return ["the files want a firewall here, and there is none yet → drover apply"];
  return firewallHash(desired) === manifest.hash ? [] : modelDifferences(manifest.model, desired, words);
}
