import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { hexLines } from "../model/hex.ts";
import { readManifest } from "../model/manifest.ts";
import { driftWords } from "./drift.ts";
import { type FirewallManifest, isManifest } from "./manifest.ts";
import { type FirewallPrinted, terminalAhead } from "./normalize.ts";
import { MANIFEST } from "./paths.ts";
import { FACTS, FACTS_OF_UNMANAGED } from "./script-facts.ts";

/** What is diffed, and what makes the fingerprint of a saved plan. */
export interface FirewallStable {
  /** Debian packages that the host lacks, sorted: of iptables and ipset; conntrack is asked by netlink. */
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
export function firewallFact(managed: boolean): Fact<FirewallFacts> {
  return { name: "firewall", text: managed ? FACTS : FACTS_OF_UNMANAGED, parse: parseFirewallFacts };
}

/** The three parts of what was printed, as the host wrote them one after the other. */
function printedOf(text: string): FirewallPrinted {
  const [, v4 = "", v6 = "", sets = ""] = /^# v4\n(.*\n)?# v6\n(.*\n)?# sets\n(.*)$/s.exec(text) ?? [];
  return { v4, v6, sets };
}

function driftOf(found: ReadonlyMap<string, string>): readonly string[] {
  const [loaded, live] = [found.get("loaded"), found.get("live")];
  if (loaded === undefined || live === undefined) return [];
  if (loaded === "") return ["what was loaded is not on record any more"];
  return driftWords(printedOf(loaded), printedOf(live));
}

function generationOf(text: string | undefined): number | null {
  return text === undefined || !/^[1-9]\d*$/.test(text) ? null : Number(text);
}

function operatorOf(text: string | undefined): FirewallLive["operator"] {
  const [from, , to, port] = text?.split(" ") ?? [];
  if (from === undefined || to === undefined || port === undefined) return null;
  return { from, to, port: Number(port) };
}

function publishedOf(text: string): readonly string[] {
  return lines(text).flatMap((line) => {
    const protocol = /-p (\S+)/.exec(line)?.[1] ?? "any";
    const address = /-d (\S+?)(?:\/32)?(?= )/.exec(line)?.[1];
    const port = /--dport (\S+)/.exec(line)?.[1] ?? "any";
    const to = /--to-destination (\S+)/.exec(line)?.[1];
    return to === undefined ? [] : [`${protocol}/${port}${address === undefined ? "" : ` of ${address}`}, to ${to}`];
  });
}

function lines(text: string | undefined): readonly string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

/** Parses what {@link firewallFact} printed. Throws a DroverError when it makes no sense. */
function parseFirewallFacts(stdout: string): FirewallFacts {
  const found = hexLines(stdout);
  if (found.has("none")) return NONE;
  if (!found.has("end")) throw new DroverError(failure("unknown-state", "the firewall fact came back cut off"));
  const v4 = generationOf(found.get("active.v4"));
  const ahead = [found.get("ahead.v4"), found.get("ahead.v6")].flatMap((text) => terminalAhead(text ?? ""));
  return {
    stable: {
      missing: (found.get("missing") ?? "").split(" ").filter((name) => name !== ""),
      rivals: lines(found.get("rivals")),
      manifest: readManifest(MANIFEST, found.get("manifest"), isManifest),
      // A host without IPv6 has nothing there that could be wrong.
      active: { v4, v6: found.has("alone") ? v4 : generationOf(found.get("active.v6")) },
      newest: Number(found.get("newest") ?? "0"),
      unconfirmed: generationOf(found.get("pending")),
      enabled: found.has("enabled"),
      drift: driftOf(found),
    },
    live: {
      ahead: [...new Set(ahead)],
      published: publishedOf(found.get("published") ?? ""),
      operator: operatorOf(found.get("operator")),
    },
  };
}
