import { expect, test } from "vitest";
import type { HostMove, Plan } from "../../../src/model/plan.ts";
import type { HostPlan } from "../../../src/plan/drain-plan.ts";
import { planMove } from "../../../src/plan/drain-plan.ts";
import type { PlanInput } from "../../../src/plan/input.ts";
import { known, unknown } from "../../../src/model/known.ts";
import { failure } from "../../../src/model/errors.ts";
import { carryOut } from "../../support/fleet-arbitraries.ts";
import type { AppSketch, FleetSketch } from "../../support/fleets.ts";
import { PaperFleet } from "../../support/fleets.ts";

const HOSTS = ["app1", "app2", "app3"] as const;

function app(name: string, over: Partial<AppSketch> = {}): AppSketch {
  return { name, release: "1.0", hosts: HOSTS, sets: ["edge"], rollout: {}, ...over };
}

function sketch(...apps: readonly AppSketch[]): FleetSketch {
  return { hosts: HOSTS, balancers: { edge: ["lb1", "lb2"] }, apps };
}

interface World {
  readonly fleet: PaperFleet;
  readonly plan: (move: HostMove, over?: Partial<PlanInput>) => HostPlan;
  /** Plans and does every step. */
  readonly carry: (move: HostMove) => Plan;
}

function world(towards: FleetSketch): World {
  const fleet = new PaperFleet();
  carryOut(fleet, towards);
  const plan: World["plan"] = (move, over = {}) => {
    // As the command asks: no artifact was read.
    return planMove(move, { ...fleet.input(towards), desired: new Map(), ...over });
  };
  return {
    fleet,
    plan,
    carry: (move) => {
      const { plan: made, problems } = plan(move);
      expect(problems).toEqual([]);
      if (made === null) throw new Error("there is nothing to do");
      for (const step of made.prologue.flat()) fleet.act(step.action);
      return made;
    },
  };
}

const out = (host: string): HostMove => ({ host, to: "out" });
const back = (host: string): HostMove => ({ host, to: "in" });

test("every app of the host leaves every balancer, stage by stage, and comes back proven", () => {
  const { carry, fleet } = world(sketch(app("orders"), app("shop")));
  const plan = carry(out("app1"));
  expect(plan.prologue.map((stage) => stage.map(({ action }) => action.kind))).toEqual([
    Array.from({ length: 4 }, () => "lb.drain"),
    Array.from({ length: 4 }, () => "lb.mark"),
    Array.from({ length: 4 }, () => "lb.quiesce"),
    Array.from({ length: 4 }, () => "lb.maint"),
  ]);
  expect(plan.reasons[0]).toBe("orders: out of lb1, lb2; 2 (app2, app3) stay ready, minAvailable 2");
  expect(fleet.drained()).toEqual(["lb1 orders/app1", "lb1 shop/app1", "lb2 orders/app1", "lb2 shop/app1"]);
  const home = carry(back("app1"));
  expect(home.prologue.map((stage) => stage[0]?.action.kind)).toEqual(["lb.prove", "lb.ready", "lb.mark"]);
  expect(fleet.drained()).toEqual([]);
});

test("every step has an id of its own, and its way back", () => {
  const { plan } = world(sketch(app("orders"), app("shop")));
  const steps = plan(out("app1")).plan?.prologue.flat() ?? [];
  expect(new Set(steps.map(({ id }) => id)).size).toBe(16);
  for (const { undo } of steps.filter(({ action }) => action.kind === "lb.drain")) expect(undo.kind).toBe("stages");
});

test("a drained host has nothing left to drain, and one that serves nothing to undrain", () => {
  const { carry, plan } = world(sketch(app("shop")));
  expect(plan(back("app1"))).toEqual({ plan: null, problems: [], notes: ["shop: is in already"] });
  carry(out("app1"));
  expect(plan(out("app1"))).toEqual({ plan: null, problems: [], notes: ["shop: is out already"] });
});

test("what a cut-off drain has left is completed, and can be taken back, whichever step was the last", () => {
  const towards = sketch(app("orders"), app("shop"));
  const { plan } = world(towards);
  const steps = plan(out("app1")).plan?.prologue.flat() ?? [];
  for (let done = 1; done < steps.length; done += 1) {
    for (const move of [out("app1"), back("app1")]) {
      const cut = world(towards);
      for (const step of steps.slice(0, done)) cut.fleet.act(step.action);
      const rest = cut.plan(move);
      expect(rest.problems).toEqual([]);
      for (const step of rest.plan?.prologue.flat() ?? []) cut.fleet.act(step.action);
      expect(cut.fleet.drained()).toHaveLength(move.to === "out" ? 4 : 0);
      expect(cut.plan(move).plan).toBe(null);
    }
  }
});

test("a server that is drained and marked may still carry sessions: a second drain waits for them", () => {
  const { plan, fleet } = world(sketch(app("shop")));
  const steps = plan(out("app1")).plan?.prologue ?? [];
  for (const step of steps.slice(0, 2).flat()) fleet.act(step.action);
  expect(
    plan(out("app1"))
      .plan?.prologue.flat()
      .map(({ action }) => action.kind),
  ).toEqual(expect.arrayContaining(["lb.quiesce", "lb.maint"]));
});

test("a drain that would leave too few is refused with the numbers and the names", () => {
  const { carry, plan } = world(sketch(app("orders", { rollout: { minAvailable: 1 } }), app("shop")));
  carry(out("app1"));
  expect(plan(out("app2"))).toMatchObject({
    plan: null,
    problems: [
      {
        code: "min-available",
        message: "shop: 2 ready instances; without app2 1 (app3) would be left, fewer than minAvailable 2",
        detail: ["app1: not ready"],
      },
    ],
  });
  const drains = { app1: { reason: "new disk", operator: "ann", since: "2026-01-01T00:00:00.000Z" } };
  expect(plan(out("app2"), { drains }).problems[0]?.detail).toEqual([
    "app1: drained: new disk (ann, since 2026-01-01T00:00:00.000Z)",
  ]);
});

test("an instance that does not serve anyway may be drained, however few there are", () => {
  const { plan, fleet } = world(sketch(app("shop")));
  for (const host of ["app1", "app2"]) {
    const running = fleet.machine(host).apps.get("shop");
    if (running !== undefined) running.isUp = false;
  }
  expect(plan(out("app1")).problems).toEqual([]);
  expect(plan(out("app3")).problems).toMatchObject([{ code: "min-available" }]);
});

test("a host without a server needs no plan", () => {
  const { plan } = world(sketch(app("shop", { hosts: ["app1", "app2"] })));
  expect(plan(out("app3"))).toEqual({ plan: null, problems: [], notes: [] });
  expect(plan(out("dns1"))).toEqual({ plan: null, problems: [], notes: [] });
});

test("an open rollout of an app there keeps the host where it is", () => {
  const { plan } = world(sketch(app("orders", { hosts: ["app2"], rollout: { minAvailable: 0 } }), app("shop")));
  const open = { orders: "r7" };
  expect(plan(out("app1"), { open }).problems).toEqual([]);
  for (const move of [out("app2"), back("app2")]) {
    expect(plan(move, { open }).problems).toMatchObject([
      { code: "rollout-open", hint: "put everything back: drover rollout abort orders" },
    ]);
  }
});

test("a balancer that is silent, or whose HAProxy is down, stops it before anything is changed", () => {
  const { plan, fleet } = world(sketch(app("shop")));
  const input = fleet.input(sketch(app("shop")));
  const lb2 = input.views.get("lb2");
  if (lb2?.lb?.kind !== "known") throw new Error("lb2 is known");
  const why = failure("host-timeout", "lb2 did not answer");
  const silent = new Map([...input.views, ["lb2", { ...lb2, lb: unknown(why) }] as const]);
  expect(plan(out("app1"), { views: silent }).problems).toEqual([why]);
  const stable = { ...lb2.lb.value.stable, active: false, admin: null };
  const down = new Map([...input.views, ["lb2", { ...lb2, lb: known({ ...lb2.lb.value, stable }) }] as const]);
  expect(plan(out("app1"), { views: down }).problems).toMatchObject([{ code: "balancer-answer" }]);
});

test("a host that is down itself can be taken out", () => {
  const { plan, fleet } = world(sketch(app("shop")));
  const running = fleet.machine("app1").apps.get("shop");
  if (running !== undefined) running.isUp = false;
  const { views } = fleet.input(sketch(app("shop")));
  const app1 = views.get("app1");
  if (app1 === undefined) throw new Error("app1 is there");
  const why = failure("host-timeout", "app1 did not answer");
  const silent = new Map([...views, ["app1", { ...app1, release: unknown(why), lastChange: unknown(why) }] as const]);
  const { plan: made, problems } = plan(out("app1"), { views: silent });
  expect(problems).toEqual([]);
  expect(made?.prologue).toHaveLength(4);
});

test("an app that no longer belongs on the host is not let in again", () => {
  const before = sketch(app("shop"));
  const { fleet, carry } = world(before);
  carry(out("app1"));
  const after = sketch(app("shop", { hosts: ["app2", "app3"] }));
  const { plan, notes } = planMove(back("app1"), { ...fleet.input(after), desired: new Map() });
  expect(plan).toBe(null);
  expect(notes).toEqual(["shop: leaves app1, and is not let in again"]);
});

test("a balancer without a VIP cannot be drained: its clients reach it directly", () => {
  const { plan } = world(sketch(app("shop")));
  expect(plan(out("lb1")).problems).toMatchObject([
    { code: "unsafe-plan", message: expect.stringContaining("clients reach lb1 directly") },
  ]);
  expect(plan(back("lb1")).problems).toEqual([]);
});
