import { describe, expect, test } from "vitest";
import type { Failure } from "../../../src/model/errors.ts";
import { failure } from "../../../src/model/errors.ts";
import type { Counts, Ending } from "../../../src/model/event.ts";
import { conclude } from "../../../src/exec/conclude.ts";
import type { PlanSketch } from "../../support/plans.ts";
import { examplePlan, play } from "../../support/plans.ts";

const unhealthy = failure("unhealthy", "it is not healthy");
const lost = failure("host-lost", "it is gone");

interface Case {
  readonly name: string;
  readonly sketch?: PlanSketch;
  readonly fails?: Readonly<Record<string, Failure>>;
  readonly interrupted?: boolean;
  readonly counts: Partial<Counts>;
  readonly ending: Ending;
}

const CASES: readonly Case[] = [
  { name: "all went well", counts: { updated: 3 }, ending: { kind: "done" } },
  {
    name: "new instances and those that leave count too",
    sketch: { batches: [["app1"]], fresh: ["new1"], leaving: ["old1"] },
    counts: { updated: 3 },
    ending: { kind: "done" },
  },
  {
    name: "one failed and was reverted, one was not reached",
    fails: { "app2 switch": unhealthy },
    counts: { updated: 1, failed: 1, notReached: 1 },
    ending: { kind: "open", unreachable: false, stranded: [] },
  },
  {
    name: "one is gone",
    fails: { "app2 switch": lost, "app2 ~switch": lost },
    counts: { updated: 1, unreachable: 1, notReached: 1 },
    ending: { kind: "open", unreachable: true, stranded: ["app2"] },
  },
  {
    name: "everything was put back",
    sketch: { budget: { onFailure: "rollback" } },
    fails: { "app2 switch": unhealthy },
    counts: { failed: 1, notReached: 2 },
    ending: { kind: "reverted" },
  },
  {
    name: "a host that could not be staged is told apart from those that wait for it",
    fails: { "app2 stage": lost },
    counts: { unreachable: 1, notReached: 2 },
    ending: { kind: "failed", failure: lost },
  },
  {
    name: "a first deployment failed and was removed",
    sketch: { batches: [], fresh: ["new1", "new2"] },
    fails: { "new1 switch": unhealthy },
    counts: { failed: 1, notReached: 1 },
    ending: { kind: "reverted" },
  },
  {
    name: "interrupted and left open",
    fails: { "app2 switch": unhealthy },
    interrupted: true,
    counts: { updated: 1, failed: 1, notReached: 1 },
    ending: { kind: "interrupted", open: true, stranded: [] },
  },
  {
    name: "interrupted and put back",
    fails: { "app1 stage": unhealthy },
    interrupted: true,
    counts: { failed: 1, notReached: 2 },
    ending: { kind: "interrupted", open: false, stranded: [] },
  },
  { name: "interrupted too late", interrupted: true, counts: { updated: 3 }, ending: { kind: "done" } },
];

describe("a run ends", () => {
  test.for(CASES)("$name", ({ sketch = {}, fails = {}, interrupted = false, counts, ending }) => {
    const plan = examplePlan(sketch);
    const { end, state } = play(plan, (name) => fails[name] ?? null);
    const none = { updated: 0, unchanged: 1, failed: 0, unreachable: 0, notReached: 0 };
    expect(conclude(plan, { end, state, dropped: false }, interrupted)).toEqual({
      ending,
      counts: { ...none, ...counts },
    });
  });
});
