import type { FirewallMatch, PortRange } from "../model/firewall.ts";
import type { Span } from "./prefixes.ts";
import { remember } from "./remember.ts";

/** What one rule lets pass in one family; spans sorted, each of them a prefix. */
export interface Reach {
  readonly match: FirewallMatch;
  readonly spans: readonly Span[];
}

/** Rules with the same match: those of one prefix can be searched, since prefixes are nested or apart. */
interface Group<Each extends Reach> {
  readonly match: FirewallMatch;
  readonly all: readonly Each[];
  /** The widest of those with one prefix, sorted. */
  readonly widest: readonly Each[];
  readonly several: readonly Each[];
}

function includes(wide: PortRange, narrow: PortRange): boolean {
  return wide.from <= narrow.from && narrow.to <= wide.to;
}

function coversMatch(wide: FirewallMatch, narrow: FirewallMatch): boolean {
  if (wide.protocol === "any" || narrow.protocol === "any") return wide.protocol === "any";
  if (!("ports" in wide) || !("ports" in narrow)) return wide.protocol === narrow.protocol;
  if (wide.protocol !== narrow.protocol) return false;
  const { ports } = wide;
  if (ports === null || narrow.ports === null) return ports === null;
  return narrow.ports.every((port) => ports.some((range) => includes(range, port)));
}

function holdsSpan({ from, to }: Span, part: Span): boolean {
  return from <= part.from && part.to <= to;
}

/** The last span that begins at an address or before it. */
function atOrBefore<Each>(
  sorted: readonly Each[],
  first: (one: Each) => bigint | undefined,
  address: bigint,
): Each | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = sorted[middle];
    const start = one === undefined ? undefined : first(one);
    if (start !== undefined && start <= address) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}

function coversSpans(wide: readonly Span[], narrow: readonly Span[]): boolean {
  return narrow.every((span) => {
    const one = atOrBefore(wide, ({ from }) => from, span.from);
    return one !== undefined && holdsSpan(one, span);
  });
}

function widestOf<Each extends Reach>(single: readonly Each[]): readonly Each[] {
  const kept: Each[] = [];
  // The widest of those that begin together comes first; of equals the one that was first stays so.
  const sorted = single.toSorted((a, b) => {
    const [one, other] = [a.spans[0], b.spans[0]];
    if (one === undefined || other === undefined) return 0;
    if (one.from !== other.from) return one.from < other.from ? -1 : 1;
    return one.to === other.to ? 0 : one.to > other.to ? -1 : 1;
  });
  for (const each of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !coversSpans(last.spans, each.spans)) kept.push(each);
  }
  return kept;
}

const keyOf = remember((match: FirewallMatch): string => JSON.stringify(match));

function groupsOf<Each extends Reach>(all: readonly Each[]): readonly Group<Each>[] {
  const groups = new Map<string, Each[]>();
  for (const each of all) {
    const key = keyOf(each.match);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const several = members.filter(({ spans }) => spans.length !== 1);
    return [
      {
        match: first.match,
        all: members,
        widest: widestOf(members.filter(({ spans }) => spans.length === 1)),
        several,
      },
    ];
  });
}

/** The widest of one prefix that lets all of these addresses in; it may be the very rule that has them. */
function widestAround<Each extends Reach>({ widest }: Group<Each>, { spans }: Reach): Each | undefined {
  const [first] = spans;
  if (first === undefined) return undefined;
  const one = atOrBefore(widest, ({ spans: [span] }) => span?.from, first.from);
  return one !== undefined && coversSpans(one.spans, spans) ? one : undefined;
}

/** Whether a rule of a group with another, wider match makes it needless. */
function isCovered<Each extends Reach>(wider: Group<Each>, each: Each): boolean {
  return widestAround(wider, each) !== undefined || wider.several.some((other) => coversSpans(other.spans, each.spans));
}

/** Whether another rule of the same match makes it needless. */
function isRepeated<Each extends Reach>(group: Group<Each>, each: Each): boolean {
  // Of equals the first is among the widest.
  const around = widestAround(group, each);
  if (around !== undefined && around !== each) return true;
  const place = group.several.indexOf(each);
  return group.several.some((other, index) => {
    if (other === each || !coversSpans(other.spans, each.spans)) return false;
    return index < place || !coversSpans(each.spans, other.spans);
  });
}

/** One single port: then only the same match or a wide one can cover it. */
function isNarrow(match: FirewallMatch): boolean {
  if (!("ports" in match) || match.ports?.length !== 1) return false;
  return match.ports.every(({ from, to }) => from === to);
}

/** From the first port to the last. */
function extent(match: FirewallMatch): PortRange {
  const ports = "ports" in match ? match.ports : null;
  return { from: ports?.[0]?.from ?? 0, to: ports?.at(-1)?.to ?? 65_535 };
}

/** Finds the groups whose match lets through all of another one and more. Compares numbers first: there may be thousands. */
function widerSearch<Each extends Reach>(
  groups: readonly Group<Each>[],
): (group: Group<Each>) => readonly Group<Each>[] {
  const wide = groups
    .filter(({ match }) => !isNarrow(match))
    .map((group) => ({ group, ...extent(group.match) }))
    .toSorted((a, b) => a.from - b.from);
  return (group) => {
    const { from, to } = extent(group.match);
    const wider: Group<Each>[] = [];
    for (const other of wide) {
      if (other.from > from) break;
      if (other.to >= to && other.group !== group && coversMatch(other.group.match, group.match))
        wider.push(other.group);
    }
    return wider;
  };
}

/** Leaves out whatever a single other one lets pass as well; of two that let the same pass the first stays. */
export function uncovered<Each extends Reach>(all: readonly Each[]): readonly Each[] {
  const groups = groupsOf(all);
  const widerThan = widerSearch(groups);
  const needless = new Set<Each>();
  for (const group of groups) {
    const wider = widerThan(group);
    for (const each of group.all) {
      if (isRepeated(group, each) || wider.some((other) => isCovered(other, each))) needless.add(each);
    }
  }
  return all.filter((each) => !needless.has(each));
}
