import { describe, expect, test } from "vitest";
import type { Lane, Plan, Stage, Step } from "../../../src/model/plan.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import type { PlanInput } from "../../../src/plan/input.ts";
import { simulate } from "../../../src/plan/simulate.ts";
import { actionsOf } from "../../support/fleet-arbitraries.ts";
import type { AppSketch, FleetSketch } from "../../support/fleets.ts";
import { PaperFleet } from "../../support/fleets.ts";

const BALANCERS = { edge: ["lb1", "lb2"] } as const;

function shop(over: Partial<AppSketch> = {}): FleetSketch {
  const hosts = ["app1", "app2", "app3", "app4"];
  const app = { name: "shop", release: "1.0", hosts: ["app1", "app2", "app3"], sets: ["edge"], rollout: {}, ...over };
  return { hosts, balancers: BALANCERS, apps: [app] };
}

/** The plan from one shop to another, and what it was made from. */
function planned(from: FleetSketch | null, to: FleetSketch): { readonly plan: Plan; readonly input: PlanInput } {
  const fleet = new PaperFleet();
  if (from !== null) {
    for (const plan of planFleet(fleet.input(from), { kind: "fleet" }).plans) {
      for (const action of actionsOf(plan)) fleet.act(action);
    }
  }
  const input = fleet.input(to);
  const [plan] = planFleet(input, { kind: "fleet" }).plans;
  if (plan === undefined) throw new Error("there is nothing to plan");
  return { plan, input };
}

const rollout = (): ReturnType<typeof planned> => planned(shop(), shop({ release: "2.0" }));
const growth = (): ReturnType<typeof planned> => planned(shop(), shop({ hosts: ["app1", "app2", "app3", "app4"] }));

function withLanes(plan: Plan, change: (lane: Lane) => readonly Stage[]): Plan {
  return { ...plan, batches: plan.batches.map((batch) => batch.map((lane) => ({ ...lane, stages: change(lane) }))) };
}

const without = (stages: readonly Stage[], ...kinds: string[]): readonly Stage[] =>
  stages.filter((stage) => !stage.some((step) => kinds.includes(step.action.kind)));

/** Stage `kind` moved one place forward, so that it comes after its successor. */
function later(stages: readonly Stage[], kind: string): readonly Stage[] {
  const at = stages.findIndex((stage) => stage.some((step) => step.action.kind === kind));
  const all = [...stages];
  const [moved] = all.splice(at, 1);
  if (moved !== undefined) all.splice(at + 1, 0, moved);
  return all;
}

function edit(stages: readonly Stage[], kind: string, change: (step: Step) => Step): readonly Stage[] {
  return stages.map((stage) => stage.map((step) => (step.action.kind === kind ? change(step) : step)));
}

function finding(plan: Plan, input: PlanInput): string {
  const [first] = simulate(plan, input);
  if (first === undefined) return "safe";
  expect(first.code).toBe("unsafe-plan");
  return [first.message, ...first.detail].join("\n");
}

describe("the plans drover makes", () => {
  test.for([
    ["a first deployment", null, shop()],
    ["a release", shop(), shop({ release: "2.0" })],
    ["a release, two at a time", shop(), shop({ release: "2.0", rollout: { serial: 2 } })],
    ["a new instance", shop(), shop({ hosts: ["app1", "app2", "app3", "app4"] })],
    ["an instance that leaves", shop(), shop({ hosts: ["app1", "app2"] })],
    ["all instances move to other hosts", shop({ hosts: ["app1", "app2"] }), shop({ hosts: ["app3", "app4"] })],
    ["a worker's release", shop({ sets: [] }), shop({ sets: [], release: "2.0" })],
  ] as const)("%s is safe", ([, from, to]) => {
    const { plan, input } = planned(from, to);
    expect(finding(plan, input)).toBe("safe");
  });
});

describe("a plan with a planted mistake is found unsafe:", () => {
  test("switched while it serves", () => {
    const { plan, input } = rollout();
    expect(
      finding(
        withLanes(plan, (lane) => without(lane.stages, "lb.drain", "lb.maint")),
        input,
      ),
    ).toContain("not proven healthy");
  });

  test("drained, but a reload would let it in", () => {
    const { plan, input } = rollout();
    const unmarked = withLanes(plan, (lane) =>
      lane.stages.filter((stage) => !stage.some(({ action }) => action.kind === "lb.mark" && action.disabled)),
    );
    expect(finding(unmarked, input)).toContain("not proven healthy");
  });

  test("back in before it is probed", () => {
    const { plan, input } = rollout();
    expect(
      finding(
        withLanes(plan, (lane) => without(lane.stages, "release.probe")),
        input,
      ),
    ).toContain("not proven healthy");
  });

  test("back in without a fresh pass of HAProxy's own check", () => {
    const { plan, input } = rollout();
    const early = withLanes(plan, (lane) => later(lane.stages, "lb.prove"));
    expect(finding(early, input)).toContain("before a fresh pass");
  });

  test("never back in", () => {
    const { plan, input } = rollout();
    expect(
      finding(
        withLanes(plan, (lane) => without(lane.stages, "lb.ready")),
        input,
      ),
    ).toContain("have to stay ready");
  });

  test("too many at once", () => {
    const { plan, input } = rollout();
    const all = { ...plan, batches: [plan.batches.flat()] };
    expect(finding(all, input)).toContain("would send traffic to 0 instances, and 2 have to stay ready");
  });

  test("a way back that leaves it drained", () => {
    const { plan, input } = rollout();
    const stuck = withLanes(plan, (lane) =>
      edit(lane.stages, "lb.drain", (step) => ({
        ...step,
        undo:
          step.undo.kind === "stages" ? { kind: "stages", stages: without(step.undo.stages, "lb.rejoin") } : step.undo,
      })),
    );
    expect(finding(stuck, input)).toContain("would leave it drained");
  });

  test("a way back that lets it in unproven", () => {
    const { plan, input } = rollout();
    const hasty = withLanes(plan, (lane) =>
      edit(lane.stages, "release.switch", (step) => ({
        ...step,
        undo:
          step.undo.kind === "stages"
            ? { kind: "stages", stages: without(step.undo.stages, "release.probe") }
            : step.undo,
      })),
    );
    expect(finding(hasty, input)).toContain("not proven healthy");
  });

  test("a step that changes traffic and has no way back", () => {
    const { plan, input } = rollout();
    const oneWay = withLanes(plan, (lane) =>
      edit(lane.stages, "lb.drain", (step) => ({ ...step, undo: { kind: "none", reason: "forgotten" } })),
    );
    expect(finding(oneWay, input)).toContain("could not be taken back");
  });

  test("all balancers of a set reconfigured at once", () => {
    const { plan, input } = growth();
    const installs = plan.prologue.filter((stage) => stage.some(({ action }) => action.kind === "lb.install"));
    const others = plan.prologue.filter((stage) => !installs.includes(stage));
    expect(finding({ ...plan, prologue: [...others, installs.flat()] }, input)).toContain(
      "on all balancers of edge at once",
    );
  });

  test("a new server in the file before its instance runs", () => {
    const { plan, input } = growth();
    const early = { ...plan, prologue: without(plan.prologue, "release.switch", "release.probe") };
    expect(finding(early, input)).toContain("where nothing runs");
  });

  test("an instance removed while it serves", () => {
    const { plan, input } = planned(shop(), shop({ hosts: ["app1", "app2"] }));
    const hasty = { ...plan, epilogue: without(plan.epilogue, "lb.drain", "lb.maint", "lb.mark", "lb.install") };
    expect(finding(hasty, input)).toContain("where nothing runs");
  });

  test.for([0, -1, Infinity, NaN])("a deadline of %s", (deadline) => {
    const { plan, input } = rollout();
    const endless = withLanes(plan, (lane) => edit(lane.stages, "release.probe", (step) => ({ ...step, deadline })));
    expect(finding(endless, input)).toContain("has no deadline");
  });

  test("two steps of one name", () => {
    const { plan, input } = rollout();
    expect(finding({ ...plan, epilogue: [...plan.epilogue, ...plan.epilogue] }, input)).toContain(
      "two steps are called",
    );
  });

  test("a lane that changes another instance", () => {
    const { plan, input } = rollout();
    const [first, second] = plan.batches.flat();
    const crossed = {
      ...plan,
      batches: [
        [{ host: "app1", wasReady: true, stages: second?.stages ?? [] }],
        [{ host: "app2", wasReady: true, stages: first?.stages ?? [] }],
      ],
    };
    expect(finding(crossed, input)).toContain("changes another instance");
  });
});
