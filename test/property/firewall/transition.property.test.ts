import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkPasses } from "../../../src/firewall/invariants.ts";
import { joinRules, sameModel } from "../../../src/firewall/merge.ts";
import { type FirewallChange, type FirewallPass, transition } from "../../../src/firewall/transition.ts";
import type { FirewallModel, FirewallRule } from "../../../src/model/firewall.ts";
import { anyChange, PROBES, STRANGERS } from "../../support/firewall-arbitraries.ts";
import { endOf, laid, walk, worldOf } from "../../support/firewall-walk.ts";
import { often } from "../../support/runs.ts";

const seed = fc.integer({ min: 0, max: 1_000_000 });

function walked(change: FirewallChange, passes: readonly FirewallPass[], at: number, fast = false): string | null {
  return walk(change, passes, worldOf(change.addresses, STRANGERS, PROBES), { seed: at, fast });
}

test("no moment lets less or more pass than before or after, and the end is what was wanted", () => {
  fc.assert(
    fc.property(fc.boolean().chain(anyChange), seed, (change, at) => {
      const passes = transition(change);
      expect(walked(change, passes, at)).toBeNull();
      expect(checkPasses(change, passes)).toBeNull();
      const end = laid(change, passes);
      for (const [host, wanted] of endOf(change)) expect(sameModel(end.get(host) ?? null, wanted)).toBe(true);
    }),
    { numRuns: often(70) },
  );
});

/** Managed before and after: only then is there a source that can refuse. */
const managed = anyChange(false).map((change): FirewallChange => {
  const isManaged = (host: string): boolean =>
    (change.before.get(host) ?? null) !== null && (change.after.get(host) ?? null) !== null;
  const only = (models: FirewallChange["before"]): FirewallChange["before"] =>
    new Map([...models].filter(([host]) => isManaged(host)));
  return { ...change, before: only(change.before), after: only(change.after) };
});

test("what is refused in the end is refused by the source at once, and times out at no moment", () => {
  fc.assert(
    fc.property(managed, seed, (change, at) => {
      expect(walked(change, transition(change), at, true)).toBeNull();
    }),
    { numRuns: often(50) },
  );
});

test("every target differs from what lay there, and a second change finds nothing to do", () => {
  fc.assert(
    fc.property(fc.boolean().chain(anyChange), (change) => {
      const now = new Map(change.before);
      for (const { targets } of transition(change)) {
        for (const [host, model] of targets) {
          expect(sameModel(now.get(host) ?? null, model)).toBe(false);
          now.set(host, model);
        }
      }
      expect(transition({ ...change, before: now })).toEqual([]);
    }),
    { numRuns: often(50) },
  );
});

type Steps = (change: FirewallChange) => readonly FirewallPass[];

/** What somebody might have written instead: each goes wrong somewhere, and both walks have to see it. */
const MISTAKES: Readonly<Record<string, Steps>> = {
  "everything at once": (change) => [onePass("contract", change, (_, to) => to)],
  "contract before expand": (change) => [
    onePass("contract", change, (from, to) => {
      const wanted = new Set(to.rules.map(keyOf));
      return { ...from, rules: from.rules.filter((rule) => wanted.has(keyOf(rule))) };
    }),
    onePass("expand", change, (_, to) => to),
  ],
  "destinations replaced before sources": (change) => [
    onePass("expand", change, (from, to) => mixed(from, { in: to, out: from })),
    onePass("contract", change, (_, to) => to),
  ],
  "a union that forgets what the other end loses": (change) => [
    onePass("expand", change, (from, to) => {
      const rules = joinRules(from.rules, to.rules).filter(({ direction }) => direction === "in" || to.egress);
      return { ...from, rules, egress: from.egress && to.egress };
    }),
    onePass("contract", change, (_, to) => to),
  ],
  "the new rules in place of the union": (change) => [
    onePass("expand", change, (from, to) => mixed(from, { in: to, out: from })),
    onePass("expand", change, (_, to) => to),
  ],
};

function keyOf({ direction, peers, match }: FirewallRule): string {
  return JSON.stringify([direction, peers, match]);
}

function mixed(base: FirewallModel, from: Readonly<Record<"in" | "out", FirewallModel>>): FirewallModel {
  const rules = (["in", "out"] as const).flatMap((side) =>
    from[side].rules.filter(({ direction }) => direction === side),
  );
  return { ...base, rules, egress: from.out.egress };
}

function onePass(
  phase: FirewallPass["phase"],
  { before, after }: FirewallChange,
  targetOf: (from: FirewallModel, to: FirewallModel) => FirewallModel,
): FirewallPass {
  const targets = [...after].flatMap(([host, to]) => {
    const from = before.get(host) ?? null;
    return from === null || to === null ? [] : [[host, targetOf(from, to)] as const];
  });
  return { phase, direction: "both", targets: new Map(targets) };
}

describe("mistakes are seen", () => {
  test.for(Object.entries(MISTAKES))("%s", ([, steps]) => {
    const found = fc.check(
      fc.property(managed, seed, (change, at) => {
        const wrong = walked(change, steps(change), at);
        // What the packets show, the algebra has to have seen before.
        if (wrong !== null) expect(checkPasses(change, steps(change))).not.toBeNull();
        expect(wrong).toBeNull();
      }),
      { numRuns: often(50), seed: 7, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
    expect(String(found.errorInstance)).toMatch(/cut|opened/);
  });

  test("sources that close after destinations", () => {
    const found = fc.check(
      fc.property(managed, seed, (change, at) => {
        const passes = transition(change);
        const [last, before, ...rest] = passes.toReversed();
        fc.pre(last?.direction === "in" && before?.direction === "out" && before.phase === "contract");
        const swapped = [
          ...rest.toReversed(),
          onePass("contract", change, (from, to) => mixed(to, { in: to, out: from })),
        ];
        expect(walked(change, swapped, at, true)).toBeNull();
      }),
      { numRuns: often(50), seed: 7, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
    expect(String(found.errorInstance)).toMatch("times out");
  });
});
