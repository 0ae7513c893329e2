/** How one chain became another. Rules may repeat. */
export type RuleChange =
  | { readonly kind: "edited"; readonly from: string; readonly to: string }
  | { readonly kind: "deleted" | "added" | "moved"; readonly rule: string };

/** Who a rule is for, from the comment that drover gave it; null where it has none of drover's. */
export function sourceOf(rule: string): string | null {
  return /--comment "?drv:[0-9a-f]{12} ([^\s"]+)"?/.exec(rule)?.[1] ?? null;
}

function commentOf(rule: string): string | null {
  return /--comment "?(drv:[0-9a-f]{12} [^\s"]+)"?/.exec(rule)?.[1] ?? null;
}

interface Placed {
  readonly rule: string;
  /** In the chain it is of. */
  readonly index: number;
}

interface Aligned {
  /** Places of one rule before and after. */
  readonly common: readonly { readonly before: number; readonly after: number }[];
  readonly gone: readonly Placed[];
  readonly come: readonly Placed[];
}

function align(before: readonly string[], after: readonly string[]): Aligned {
  const places = new Map<string, number[]>();
  for (const [index, rule] of after.entries()) places.set(rule, [...(places.get(rule) ?? []), index]);
  const common: { before: number; after: number }[] = [];
  const gone: Placed[] = [];
  for (const [index, rule] of before.entries()) {
    const place = places.get(rule)?.shift();
    if (place === undefined) gone.push({ rule, index });
    else common.push({ before: index, after: place });
  }
  const taken = new Set(common.map((pair) => pair.after));
  const come = after.flatMap((rule, index) => (taken.has(index) ? [] : [{ rule, index }]));
  return { common, gone, come };
}

/** Of numbers, a longest part that ascends: what kept its order when the fewest are said to have moved. */
function ascending(numbers: readonly number[]): ReadonlySet<number> {
  const tails: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const number of numbers) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? Infinity) < number) low = middle + 1;
      else high = middle;
    }
    before.set(number, tails[low - 1]);
    tails[low] = number;
  }
  const kept = new Set<number>();
  for (let last = tails.at(-1); last !== undefined; last = before.get(last)) kept.add(last);
  return kept;
}

/** The nearest kept place ahead of an index; -1: none. */
function anchor(kept: readonly number[], index: number): number {
  return kept.findLastIndex((place) => place < index);
}

/**
 * Compares a chain as it was with the chain as it is. What kept its comment, or has another rule in its very place, was
 * edited; of rules in another order the fewest moved.
 */
export function ruleChanges(before: readonly string[], after: readonly string[]): readonly RuleChange[] {
  const { common, gone, come } = align(before, after);
  const stayed = ascending(common.map((pair) => pair.after));
  const kept = common.filter((pair) => stayed.has(pair.after));
  const moved = common.filter((pair) => !stayed.has(pair.after));
  const [keptBefore, keptAfter] = [kept.map((pair) => pair.before), kept.map((pair) => pair.after)];
  const free = new Set(come);
  const take = (fits: (one: Placed) => boolean): Placed | undefined => {
    const one = [...free].find(fits);
    if (one !== undefined) free.delete(one);
    return one;
  };
  const byComment = new Map(
    gone.flatMap((old) => {
      const comment = commentOf(old.rule);
      const now = comment === null ? undefined : take(({ rule }) => commentOf(rule) === comment);
      return now === undefined ? [] : [[old, now] as const];
    }),
  );
  const changes = gone.map((old): RuleChange => {
    const place = anchor(keptBefore, old.index);
    const now =
      byComment.get(old) ?? take(({ rule, index }) => commentOf(rule) === null && anchor(keptAfter, index) === place);
    return now === undefined ? { kind: "deleted", rule: old.rule } : { kind: "edited", from: old.rule, to: now.rule };
  });
  return [
    ...changes,
    ...[...free].map(({ rule }): RuleChange => ({ kind: "added", rule })),
    ...moved.map((pair): RuleChange => ({ kind: "moved", rule: before[pair.before] ?? "" })),
  ];
}
