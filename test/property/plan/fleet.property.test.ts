import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/model/hash.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import { forwardStages } from "../../../src/rollout/state.ts";
import { actionsOf, change, prepare } from "../../support/fleet-arbitraries.ts";
import type { FleetSketch } from "../../support/fleets.ts";
import { stepIndex } from "../../support/plans.ts";
import { often } from "../../support/runs.ts";

const FLEET = { kind: "fleet" } as const;

/** Problems a random fleet may honestly have: the files ask for more than what is there can give. */
const HONEST: ReadonlySet<string> = new Set(["min-available", "dns-empty"]);

/** Whom DNS should tell of: all instances of apps with a port. */
function servicesOf({ apps }: FleetSketch): Readonly<Record<string, readonly string[]>> {
  const services = apps.filter(({ sets }) => sets.length > 0);
  return Object.fromEntries(services.map(({ name, hosts }) => [name, hosts.toSorted()]));
}

describe("plans of random fleets", () => {
  test("are the same bytes from the same input", () => {
    fc.assert(
      fc.property(change, (each) => {
        const one = planFleet(prepare(each).input(each.after), FLEET);
        const other = planFleet(prepare(each).input(each.after), FLEET);
        expect(JSON.stringify(one)).toBe(JSON.stringify(other));
      }),
      { numRuns: often(12) },
    );
  });

  test("are safe in every state they pass through, or are not made", () => {
    fc.assert(
      fc.property(change, (each) => {
        const { problems } = planFleet(prepare(each).input(each.after), FLEET);
        expect(problems.filter(({ code }) => !HONEST.has(code))).toEqual([]);
      }),
      { numRuns: often(40) },
    );
  });

  test("lead to what the files say: planning again finds no difference, and nothing stays drained", () => {
    fc.assert(
      fc.property(change, (each) => {
        const fleet = prepare(each);
        const { plans, problems } = planFleet(fleet.input(each.after), FLEET);
        fc.pre(problems.length === 0);
        for (const plan of plans) for (const action of actionsOf(plan)) fleet.act(action);
        const again = planFleet(fleet.input(each.after), FLEET);
        expect(again.problems).toEqual([]);
        expect(again.plans.flatMap((plan) => plan.reasons)).toEqual([]);
        expect(fleet.drained()).toEqual([]);
        if (each.after.zone !== undefined) expect(fleet.zone.told()).toEqual(servicesOf(each.after));
      }),
      { numRuns: often(40) },
    );
  });

  test("have ids of their own for all steps and deadlines that end", () => {
    fc.assert(
      fc.property(change, (each) => {
        for (const plan of planFleet(prepare(each).input(each.after), FLEET).plans) {
          const steps = forwardStages(plan).flat();
          const undos = steps.flatMap((step) => (step.undo.kind === "stages" ? step.undo.stages.flat() : []));
          expect(stepIndex(plan).size).toBe(steps.length + undos.length);
          expect(JSON.parse(canonicalJson(plan))).toEqual(plan);
        }
      }),
      { numRuns: often(12) },
    );
  });
});
