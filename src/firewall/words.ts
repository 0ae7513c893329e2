import type { FirewallModel, FirewallRule } from "../model/firewall.ts";
import { effectOf } from "./effect.ts";
import {
  type Addresses,
  addressesOfPeers,
  ANYONE,
  isAnyone,
  minus,
  NOBODY,
  parsePrefix,
  toPrefixes,
  unionOf,
} from "./prefixes.ts";
import {
  type Allowance,
  allowanceOf,
  EVERYTHING,
  intersectAllowance,
  minusAllowance,
  type Region,
  type RegionMatch,
  sameAllowance,
  slicesOf,
} from "./regions.ts";

/** Whose an address is: hosts, or words like `the VIP of edge`; empty: nobody that is known. */
export type Naming = (address: string) => readonly string[];

/** More names or prefixes than this are counted. */
const NAMED = 6;
/** Larger networks stay networks, even where all their addresses are known. */
const EXPANDED = 256n;

/** Names addresses by the hosts that they belong to; an address of several hosts, a VIP, by all of them. */
export function namingOf(addresses: ReadonlyMap<string, readonly string[]>): Naming {
  const hosts = new Map<string, string[]>();
  for (const [host, own] of addresses) {
    for (const address of own) hosts.set(address, [...(hosts.get(address) ?? []), host]);
  }
  return (address) => hosts.get(address) ?? [];
}

function bare(prefix: string): string {
  return prefix.replace(prefix.includes(":") ? /\/128$/ : /\/32$/, "");
}

/** Each address of a prefix as a set of its own; empty where there are too many. */
function singles(prefix: string): readonly Addresses[] {
  const { v4, v6 } = parsePrefix(prefix) ?? NOBODY;
  const family = v4.length > 0 ? "v4" : "v6";
  const [span] = [...v4, ...v6];
  if (span === undefined || span.to - span.from >= EXPANDED) return [];
  return Array.from({ length: Number(span.to - span.from) + 1 }, (_, index) => {
    const address = span.from + BigInt(index);
    return { ...NOBODY, [family]: [{ from: address, to: address }] };
  });
}

/** Where most of a prefix is known it is named address by address. */
function namesIn(prefix: string, naming: Naming): readonly string[] {
  const each = singles(prefix).map((one) => ({ one, names: naming(bare(toPrefixes(one)[0] ?? "")) }));
  const known = each.filter(({ names }) => names.length > 0);
  if (known.length * 2 <= each.length) return [bare(prefix)];
  const rest = toPrefixes(unionOf(each.filter(({ names }) => names.length === 0).map(({ one }) => one)));
  return [...known.flatMap(({ names }) => names), ...rest.map(bare)];
}

function listed(prefixes: readonly string[], naming: Naming): string {
  // What has a name comes first: it is not among those that are only counted.
  const all = [...new Set(prefixes.flatMap((prefix) => namesIn(prefix, naming)))];
  const isNetwork = (name: string): boolean => parsePrefix(name) !== null;
  const names = [...all.filter((name) => !isNetwork(name)), ...all.filter(isNetwork)];
  if (names.length <= NAMED + 1) return names.join(", ");
  return `${names.slice(0, NAMED).join(", ")} and ${String(names.length - NAMED)} more`;
}

/** Addresses in words: `lb1, lb2`, `10.1.0.0/16 and 7 more`, `anyone`, `anyone but lb1`. */
export function whoInWords(addresses: Addresses, naming: Naming): string {
  if (isAnyone(addresses)) return "anyone";
  const rest = minus(ANYONE, addresses);
  const prefixes = toPrefixes(addresses);
  // Only almost anyone has few gaps, and few prefixes in them.
  if (prefixes.length <= NAMED || rest.v4.length + rest.v6.length > NAMED) return listed(prefixes, naming);
  const others = toPrefixes(rest);
  return others.length < prefixes.length ? `anyone but ${listed(others, naming)}` : listed(prefixes, naming);
}

/** Ports in words: `at tcp 80, 8000-8010`, `at any udp port`, `at any port`, `with VRRP`. */
export function portsInWords(match: RegionMatch): string {
  switch (match.protocol) {
    case "any":
      return "at any port";
    case "vrrp":
      return "with VRRP";
    case "other":
      return "with other protocols";
    case "tcp":
    case "udp": {
      if (match.ports === null) return `at any ${match.protocol} port`;
      const ports = match.ports.map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`));
      return `at ${match.protocol} ${ports.join(", ")}`;
    }
  }
}

/** Regions as `who at which ports`: what the same peers get is said together. */
function flows(regions: readonly Region[], naming: Naming): readonly { readonly who: string; readonly at: string }[] {
  const grouped = new Map<string, string[]>();
  for (const { match, addresses } of regions) {
    const who = whoInWords(addresses, naming);
    grouped.set(who, [...(grouped.get(who) ?? []), portsInWords(match)]);
  }
  return [...grouped].map(([who, ports]) => ({ who, at: ports.join(" and ") }));
}

type Verb = "open" | "still" | "close";

const SENTENCES: Readonly<Record<"in" | "out", Readonly<Record<Verb, readonly [string, string]>>>> = {
  in: { open: ["lets", " in"], still: ["still lets", " in"], close: ["no longer lets", " in"] },
  out: {
    open: ["may open connections to", ""],
    still: ["may still open connections to", ""],
    close: ["may no longer open connections to", ""],
  },
};

interface Telling {
  readonly host: string;
  readonly direction: "in" | "out";
  readonly verb: Verb;
  readonly naming: Naming;
}

function sentences({ host, direction, verb, naming }: Telling, regions: readonly Region[], source: string | null) {
  const [before, after] = SENTENCES[direction][verb];
  return flows(regions, naming).map(({ who, at }) => {
    return `${host} ${before} ${who}${after} ${at}${source === null ? "" : ` (${source})`}`;
  });
}

function bySource(
  { direction }: Telling,
  rules: readonly FirewallRule[],
): ReadonlyMap<string, readonly FirewallRule[]> {
  return Map.groupBy(
    rules.filter((rule) => rule.direction === direction),
    ({ source }) => source,
  );
}

/** Everything that rules let pass, as they say it. */
function whole(telling: Telling, rules: readonly FirewallRule[]): readonly string[] {
  return [...bySource(telling, rules)].flatMap(([source, own]) => {
    const regions = own.map(({ match, peers }) => ({ match, addresses: addressesOfPeers(peers) }));
    return sentences(telling, regions, source);
  });
}

/** A part of what passes, each source with its own; what two let pass is said of the first. */
function byRule(telling: Telling, rules: readonly FirewallRule[], part: Allowance): readonly string[] {
  let rest = part;
  const lines: string[] = [];
  for (const [source, own] of bySource(telling, rules)) {
    const allowance = allowanceOf(own, telling.direction);
    const said = slicesOf(intersectAllowance(allowance, rest));
    if (said.length === 0) continue;
    lines.push(...sentences(telling, said, telling.verb === "close" ? null : source));
    rest = minusAllowance(rest, allowance);
  }
  return lines;
}

/**
 * What is opened and closed on a host that goes from one model to another (null: not managed, everything is open), in
 * words: `app2 lets lb1, lb2 in at tcp 8080 (app/shop/routes:0)`. Pairs that stay as they are are not named, unless
 * everything was open: then what is left of it is. The same models give the same lines, in the same order.
 */
export function changesInWords(
  host: string,
  before: FirewallModel | null,
  after: FirewallModel | null,
  naming: Naming,
): readonly string[] {
  const [old, now] = [effectOf(before), effectOf(after)];
  return (["in", "out"] as const).flatMap((direction) => {
    const [was, is] = [old[direction], now[direction]];
    if (sameAllowance(was, is)) return [];
    const telling = (verb: Verb): Telling => ({ host, direction, verb, naming });
    const [said, tail] = [SENTENCES[direction], direction === "in" ? " in" : ""];
    if (sameAllowance(is, EVERYTHING)) return [`${host} ${said.open[0]} anyone${tail}`];
    if (sameAllowance(was, EVERYTHING)) {
      return [`${host} ${said.close[0]} anyone${tail}`, ...whole(telling("still"), after?.rules ?? [])];
    }
    return [
      ...byRule(telling("open"), after?.rules ?? [], minusAllowance(is, was)),
      ...byRule(telling("close"), before?.rules ?? [], minusAllowance(was, is)),
    ];
  });
}
