import { type RuleChange, ruleChanges, sourceOf } from "./rule-changes.ts";
import { type Chains, type FirewallPrinted, type Sets, chainsOf, setsOf } from "./normalize.ts";

/** One way through one family, and the chains of drover it passes. */
interface Way {
  /** How it is called in words. */
  readonly name: string;
  readonly from: "INPUT" | "OUTPUT";
  readonly ours: "DRV-INPUT" | "DRV-OUTPUT";
  readonly before: Chains;
  readonly now: Chains;
}

/** A rule without its comment, which nobody has to read. */
function plain(rule: string): string {
  return rule.replace(/ ?-m comment --comment ("[^"]*"|\S+)/, "").trim();
}

function ruleName(rule: string): string {
  const source = sourceOf(rule);
  return source === null ? `the rule ${plain(rule)}` : `the rule of ${source}`;
}

/** What the rule says, where its name does not: a source may have several. */
function saying(rule: string): string {
  return sourceOf(rule) === null ? "" : `: ${plain(rule)}`;
}

function changeWords(change: RuleChange, chain: string): string {
  switch (change.kind) {
    case "edited":
      return `${ruleName(change.from)} was edited: it is now -A ${chain} ${plain(change.to)}`;
    case "deleted":
      return `${ruleName(change.rule)} was deleted${saying(change.rule)}`;
    case "added":
      return `a rule was added by hand: -A ${chain} ${change.rule}`;
    case "moved":
      return `${ruleName(change.rule)} was moved${saying(change.rule)}`;
  }
}

function jumpWords({ from, ours, now }: Way): readonly string[] {
  const toOurs = (now.get(from) ?? []).filter((rule) => new RegExp(`-[jg] ${ours}(?= |$)`).test(rule));
  const [first] = toOurs;
  if (first === undefined) return [`the jump to ${ours} is missing`];
  if (toOurs.length > 1) return [`the jump to ${ours} is there ${String(toOurs.length)} times`];
  return first === `-j ${ours}` ? [] : [`the jump to ${ours} was edited: it is now -A ${from} ${first}`];
}

/** The chains that packets passed when it was confirmed: what ours leads to, and so on. */
function chainsBehind({ before, ours }: Way): readonly string[] {
  const found = new Set<string>([ours]);
  for (const chain of found) {
    for (const rule of before.get(chain) ?? []) {
      const target = /(?:^| )-[jg] (DRV-\S+)$/.exec(rule)?.[1];
      if (target !== undefined) found.add(target);
    }
  }
  return [...found];
}

function chainWords(way: Way, chain: string): readonly string[] {
  const [before = [], now] = [way.before.get(chain), way.now.get(chain)];
  // What was not looked at when it was loaded need not be there; a rule in it is seen all the same.
  if (now === undefined) return way.before.has(chain) ? [`the chain ${chain} is missing`] : [];
  if (now.length === 0 && before.length > 1) return [`the chain ${chain} was emptied`];
  return ruleChanges(before, now).map((change) => changeWords(change, chain));
}

function wayWords(way: Way): readonly string[] {
  // A host without IPv6.
  if (!way.before.has(way.ours)) return [];
  const chains = chainsBehind(way).flatMap((chain) => chainWords(way, chain));
  return [...jumpWords(way), ...chains].map((words) => `${way.name}: ${words}`);
}

function setsBehind(ways: readonly Way[]): ReadonlyMap<string, readonly string[]> {
  const rules = ways.flatMap((way) => chainsBehind(way).flatMap((chain) => way.before.get(chain) ?? []));
  const users = new Map<string, readonly string[]>();
  for (const rule of rules) {
    const name = /--match-set (\S+)/.exec(rule)?.[1];
    if (name !== undefined) users.set(name, [...(users.get(name) ?? []), sourceOf(rule) ?? plain(rule)]);
  }
  return users;
}

function setWords(name: string, before: Sets, now: Sets): readonly string[] {
  const [old, members] = [before.get(name) ?? new Set<string>(), now.get(name)];
  if (members === undefined) return ["is missing"];
  const lost = [...old].filter((member) => !members.has(member)).toSorted();
  const come = [...members].filter((member) => !old.has(member)).toSorted();
  return [
    ...(lost.length === 0 ? [] : [`has lost ${lost.join(", ")}`]),
    ...(come.length === 0 ? [] : [`was given ${come.join(", ")} by hand`]),
  ];
}

/**
 * What differs in drover's chains and sets between what was loaded, read back right after, and what is there now; in words,
 * by the rules' sources. Empty: nothing. Chains that packets do not pass are not looked at, nor are those of others.
 */
export function driftWords(loaded: FirewallPrinted, live: FirewallPrinted): readonly string[] {
  const ways = (["v4", "v6"] as const).flatMap((family) => {
    const both = { before: chainsOf(loaded[family]), now: chainsOf(live[family]) };
    const suffix = family === "v4" ? "" : " of IPv6";
    return [
      { name: `INPUT${suffix}`, from: "INPUT", ours: "DRV-INPUT", ...both } as const,
      { name: `OUTPUT${suffix}`, from: "OUTPUT", ours: "DRV-OUTPUT", ...both } as const,
    ];
  });
  const [before, now] = [setsOf(loaded.sets), setsOf(live.sets)];
  const sets = [...setsBehind(ways)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...ways.flatMap(wayWords),
    ...sets.flatMap(([name, users]) =>
      setWords(name, before, now).map((words) => `the set ${name} of ${[...new Set(users)].join(", ")} ${words}`),
    ),
  ];
}
