import type { FirewallMatch, FirewallRule, PortRange } from "../model/firewall.ts";
import { sha256 } from "../model/hash.ts";
import { type Reach, uncovered } from "./minimal.ts";
import { remember } from "./remember.ts";
import { type PrefixSet, SET_FROM, prefixSet } from "./sets.ts";
import { type Family, type SafePrefix, isEveryPort, ruleComment, safePorts, safePrefix } from "./syntax.ts";

/** iptables' multiport takes so many, a range counts for two. */
const SLOTS = 15;

/** The peers of one line: everybody (null), a prefix, or a set. */
type LinePeers = null | string | PrefixSet;

interface Line extends Reach {
  readonly source: string;
  readonly peers: LinePeers;
}

/** One direction's rules in one family as iptables takes them, without the chain, and the sets they need. */
export interface RuleLines {
  readonly lines: readonly string[];
  readonly sets: readonly PrefixSet[];
}

interface FamilyRule extends Reach {
  readonly source: string;
  readonly prefixes: readonly string[];
}

function comparePrefixes(a: SafePrefix, b: SafePrefix): number {
  if (a.span.from !== b.span.from) return a.span.from < b.span.from ? -1 : 1;
  return a.span.to === b.span.to ? 0 : a.span.to > b.span.to ? -1 : 1;
}

/** Every port is no condition, also where it is written as a range. */
function plainMatch(match: FirewallMatch): FirewallMatch {
  if (!("ports" in match)) return match;
  const { protocol, ports } = match;
  if (ports === null || ports.some(isEveryPort)) return { protocol, ports: null };
  return { protocol, ports: ports.toSorted((a, b) => a.from - b.from) };
}

const ANYONE: Readonly<Record<Family, string>> = { v4: "0.0.0.0/0", v6: "::/0" };

const checkedPeers = remember((peers: readonly string[]): readonly SafePrefix[] =>
  peers.map(safePrefix).toSorted(comparePrefixes),
);

function inFamily(family: Family): (rule: FirewallRule) => readonly FamilyRule[] {
  const everybody = [safePrefix(ANYONE[family])];
  return remember(({ peers, match: written, source }) => {
    const prefixes = (peers === "anyone" ? everybody : checkedPeers(peers)).filter((one) => one.family === family);
    const match = plainMatch(written);
    const isClosed = "ports" in match && match.ports?.length === 0;
    if (prefixes.length === 0 || isClosed) return [];
    const spans = prefixes.map(({ span }) => span);
    return [{ match, spans, source, prefixes: prefixes.map(({ text }) => text) }];
  });
}

const familyRule: Readonly<Record<Family, (rule: FirewallRule) => readonly FamilyRule[]>> = {
  v4: inFamily("v4"),
  v6: inFamily("v6"),
};

function slotsOf({ from, to }: PortRange): number {
  return from === to ? 1 : 2;
}

/** As many matches as multiport needs for the ports. */
function splitPorts(match: FirewallMatch): readonly FirewallMatch[] {
  if (!("ports" in match) || match.ports === null) return [match];
  const parts: PortRange[][] = [];
  let free = 0;
  for (const range of match.ports) {
    if (slotsOf(range) > free) {
      parts.push([]);
      free = SLOTS;
    }
    parts.at(-1)?.push(range);
    free -= slotsOf(range);
  }
  return parts.map((ports) => ({ protocol: match.protocol, ports }));
}

function linesIn(family: Family): (rule: FamilyRule) => readonly Line[] {
  return remember(({ match, spans, source, prefixes }) => {
    const set = prefixes.length < SET_FROM ? null : prefixSet(family, prefixes);
    return splitPorts(match).flatMap((part): readonly Line[] => {
      if (set !== null) return [{ match: part, spans, source, peers: set }];
      return prefixes.map((prefix, index) => ({
        match: part,
        spans: spans.slice(index, index + 1),
        source,
        peers: prefix === ANYONE[family] ? null : prefix,
      }));
    });
  });
}

const linesOf: Readonly<Record<Family, (rule: FamilyRule) => readonly Line[]>> = {
  v4: linesIn("v4"),
  v6: linesIn("v6"),
};

function matchText(match: FirewallMatch): readonly string[] {
  if (!("ports" in match)) return match.protocol === "any" ? [] : ["-p vrrp"];
  const { protocol, ports } = match;
  if (ports === null) return [`-p ${protocol}`];
  const texts = ports.map(safePorts);
  const isOne = texts.length === 1;
  return [`-p ${protocol}`, isOne ? `-m ${protocol} --dport ${texts.join()}` : `-m multiport --dports ${texts.join()}`];
}

/** Written as iptables prints it, so that what is loaded and what is read back are the same text. */
function textIn(direction: FirewallRule["direction"]): (line: Line) => string {
  const [address, side] = direction === "in" ? ["-s", "src"] : ["-d", "dst"];
  return remember(({ match, source, peers }) => {
    const what = [
      ...(typeof peers === "string" ? [`${address} ${peers}`] : []),
      ...matchText(match),
      ...(peers !== null && typeof peers === "object" ? [`-m set --match-set ${peers.name} ${side}`] : []),
    ].join(" ");
    const comment = ruleComment(sha256(`${direction} ${what}`).slice(0, 12), source);
    return [what, `-m comment --comment "${comment}"`, "-j ACCEPT"].filter((part) => part !== "").join(" ");
  });
}

const lineText: Readonly<Record<FirewallRule["direction"], (line: Line) => string>> = {
  in: textIn("in"),
  out: textIn("out"),
};

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

const orderText = remember(
  ({ match, prefixes }: FamilyRule): string => `${matchText(match).join(" ")}\n${prefixes.join()}`,
);

/** The order of rules, and which of two that let the same pass stays: by source, then by what they let pass. */
function compareRules(a: FamilyRule, b: FamilyRule): number {
  return byText(a.source, b.source) || byText(orderText(a), orderText(b));
}

/** Renders the rules of one direction in one family: sorted, and none that another single one makes needless. */
export function ruleLines(
  rules: readonly FirewallRule[],
  direction: FirewallRule["direction"],
  family: Family,
): RuleLines {
  const own = rules.filter((rule) => rule.direction === direction).flatMap(familyRule[family]);
  const lines = uncovered(uncovered(own.toSorted(compareRules)).flatMap(linesOf[family]));
  return {
    lines: lines.map(lineText[direction]),
    sets: lines.flatMap(({ peers }) => (peers !== null && typeof peers === "object" ? [peers] : [])),
  };
}
