import type { Fact } from "../model/fact.ts";
import type { FirewallModel } from "../model/firewall.ts";

/** What drover last applied, and confirmed, on a host. */
export interface FirewallManifest {
  readonly generation: number;
  readonly model: FirewallModel;
  /** Of the model as rendered, see render.ts; the same whatever the generation. */
  readonly hash: string;
}

/** What is diffed, and what makes the fingerprint of a saved plan. */
export interface FirewallStable {
  /** Debian packages that the host lacks, sorted: of iptables, ipset, conntrack. */
  readonly missing: readonly string[];
  /** What else rules this host's packet filter, in words: ufw, firewalld, rules of the other backend. */
  readonly rivals: readonly string[];
  readonly manifest: FirewallManifest | null;
  /** The generation in force per family; null: none is, or the jumps lead nowhere. */
  readonly active: { readonly v4: number | null; readonly v6: number | null };
  /** The largest generation that any chain or file of this host carries; 0: none. */
  readonly newest: number;
  /** Committed and not confirmed: the host will go back by itself. */
  readonly unconfirmed: number | null;
  /** The confirmed generation is loaded at boot. */
  readonly enabled: boolean;
  /** What differs from what was confirmed, in words; empty: nothing. */
  readonly drift: readonly string[];
}

/** What only people and gates look at. */
export interface FirewallLive {
  /** Rules of others, before ours in INPUT or OUTPUT, that end a packet's way, as iptables prints them. */
  readonly ahead: readonly string[];
  /** Ports that Docker publishes past INPUT, in words. */
  readonly published: readonly string[];
  /** The connection drover came over, as the host sees it. */
  readonly operator: { readonly from: string; readonly to: string; readonly port: number } | null;
}

/** All that is observed of one host's firewall. */
export interface FirewallFacts {
  readonly stable: FirewallStable;
  readonly live: FirewallLive;
}

const NONE: FirewallFacts = {
  stable: {
    missing: [],
    rivals: [],
    manifest: null,
    active: { v4: null, v6: null },
    newest: 0,
    unconfirmed: null,
    enabled: false,
    drift: [],
  },
  live: { ahead: [], published: [], operator: null },
};

/** Observes a host's firewall; where it is not managed, only whether it ever was. */
export function firewallFact(_managed: boolean): Fact<FirewallFacts> {
  return { name: "firewall", text: ":", parse: () => NONE };
}
