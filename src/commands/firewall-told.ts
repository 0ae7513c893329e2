import { addressesByHost } from "../firewall/addresses.ts";
import type { FirewallFacts, FirewallStable } from "../firewall/facts.ts";
import { firewallHash } from "../firewall/render.ts";
import { changesInWords, namingOf } from "../firewall/words.ts";
import type { FirewallModel } from "../model/firewall.ts";
import { canonicalJson } from "../model/hash.ts";
import type { Fleet } from "../model/fleet.ts";
import type { Known } from "../model/known.ts";
import type { Topology } from "../model/topology.ts";
import type { FirewallShow, FirewallTold } from "../report/firewall-show.ts";
import { shownRules } from "./firewall-words.ts";

interface Files {
  readonly fleet: Pick<Fleet, "rulePlaces">;
  readonly topology: Topology;
}

/** What `firewall show` is made from. */
interface Told {
  readonly host: string;
  readonly facts: Known<FirewallFacts>;
  /** What the files want of this host; null: firewalls are not managed. */
  readonly desired: FirewallModel | null;
}

/** One host's firewall as it told, next to what the files want. */
export function firewallShowOf({ fleet, topology }: Files, { host, facts, desired }: Told): FirewallShow {
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
    pending: pendingOf(host, stable, { desired, topology }),
    drift: stable.drift,
    rivals: managed ? stable.rivals : [],
    missing: managed ? stable.missing : [],
    ahead: live.ahead,
    published: live.published,
  };
  return { host, managed, told, why: null };
}

/** What the files want and is not applied. */
function pendingOf(
  host: string,
  { manifest }: Pick<FirewallStable, "manifest">,
  { desired, topology }: { readonly desired: FirewallModel | null; readonly topology: Topology },
): readonly string[] {
  if (desired === null)
    return manifest === null ? [] : [`${host} keeps drover's rules, and the files want none any more`];
  if (manifest === null) return ["the files want a firewall here, and there is none yet"];
  const isSame = firewallHash(desired) === manifest.hash && canonicalJson(desired) === canonicalJson(manifest.model);
  if (isSame) return [];
  const logs = `${host} ${desired.log ? "logs" : "no longer logs"} what it refuses`;
  const changes = [
    ...changesInWords(host, manifest.model, desired, namingOf(addressesByHost(topology))),
    ...(manifest.model.log === desired.log ? [] : [logs]),
  ];
  return changes.length > 0 ? changes : ["the same passes, for other reasons"];
}
