import { describe, expect, test } from "vitest";
import type { Plan, Stage } from "../../../src/model/plan.ts";
import { cutBatches, resolveMinAvailable } from "../../../src/plan/batches.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import { place } from "../../../src/plan/place.ts";
import { actionsOf, carryOut } from "../../support/fleet-arbitraries.ts";
import { stepIndex } from "../../support/plans.ts";
import type { AppSketch, FleetSketch } from "../../support/fleets.ts";
import { PaperFleet, topologyOf } from "../../support/fleets.ts";

const BALANCERS = { edge: ["lb1", "lb2"], inner: ["lb3", "lb4"] } as const;

function shop(over: Partial<AppSketch> = {}): FleetSketch {
  const hosts = ["app1", "app2", "app3", "app4"];
  const app = { name: "shop", release: "1.0", hosts: ["app1", "app2", "app3"], sets: ["edge"], rollout: {}, ...over };
  return { hosts, balancers: BALANCERS, apps: [app] };
}

function planOne(fleet: PaperFleet, towards: FleetSketch): Plan {
  const { plans, problems } = planFleet(fleet.input(towards), { kind: "fleet" });
  expect(problems).toEqual([]);
  expect(plans).toHaveLength(1);
  const [plan] = plans;
  if (plan === undefined) throw new Error("no plan");
  return plan;
}

function running(sketch: FleetSketch): PaperFleet {
  const fleet = new PaperFleet();
  carryOut(fleet, sketch);
  return fleet;
}

const kinds = (stages: readonly Stage[]): readonly string[] =>
  stages.map((stage) => [...new Set(stage.map((step) => step.action.kind))].join("+"));

describe("cutBatches", () => {
  const ready = (host: string): { host: string; wasReady: boolean } => ({ host, wasReady: true });
  const broken = (host: string): { host: string; wasReady: boolean } => ({ host, wasReady: false });

  test.for([
    [1, [["a"], ["b"], ["c"]]],
    [2, [["a", "b"], ["c"]]],
    [5, [["a", "b", "c"]]],
  ] as const)("serial %s", ([serial, batches]) => {
    const cut = cutBatches(["a", "b", "c"].map(ready), serial);
    expect(cut.map((batch) => batch.map(({ host }) => host))).toEqual(batches);
  });

  test("what is broken goes first, in batches of its own", () => {
    const cut = cutBatches([ready("a"), broken("b"), ready("c"), broken("d"), broken("e")], 2);
    expect(cut.map((batch) => batch.map(({ host }) => host))).toEqual([["b", "d"], ["e"], ["a", "c"]]);
  });

  test("nothing gives no batch", () => {
    expect(cutBatches([], 1)).toEqual([]);
  });
});

describe("resolveMinAvailable", () => {
  test.for([
    [{}, 2],
    [{ rollout: { serial: 2 } }, 1],
    [{ rollout: { serial: 3 } }, 1],
    [{ rollout: { minAvailable: 0 } }, 0],
    [{ hosts: ["app1"] }, 1],
    [{ hosts: ["app1"], sets: [] }, 0],
  ] as const)("%j keeps %s", ([over, expected]) => {
    const [app] = topologyOf(shop(over)).apps;
    if (app === undefined) throw new Error("no app");
    expect(resolveMinAvailable(app)).toBe(expected);
  });
});

describe("place", () => {
  test("numbers stages, names the server before its action, and leaves empty stages out", () => {
    const plan = planOne(running(shop()), shop({ release: "2.0" }));
    const [lane] = plan.batches.flat();
    expect(lane?.stages[0]?.map(({ id }) => id)).toEqual(["app1/00.app1.lb.drain@lb1", "app1/00.app1.lb.drain@lb2"]);
    const [undo] = lane?.stages[0]?.[0]?.undo.kind === "stages" ? lane.stages[0][0].undo.stages : [];
    expect(undo?.map(({ id }) => id)).toEqual(["app1/00.app1.lb.drain@lb1~00.app1.lb.rejoin@lb1"]);
    expect(place("x", [[], []])).toEqual([]);
  });

  test("keeps a host called like a part of the plan apart from it", () => {
    const names = { hosts: ["prologue", "epilogue"], balancers: BALANCERS };
    const app = (release: string): FleetSketch => ({ ...names, apps: shop({ hosts: names.hosts, release }).apps });
    const plan = planOne(running(app("1.0")), app("2.0"));
    expect(stepIndex(plan).size).toBeGreaterThan(20);
  });
});

describe("a first deployment", () => {
  test("starts all instances at once and opens the route when they are healthy", () => {
    const plan = planOne(new PaperFleet(), shop());
    expect(kinds(plan.prologue)).toEqual([
      "release.stage",
      "release.switch",
      "release.probe",
      "lb.install",
      "lb.try",
      "lb.install",
      "lb.try",
      "lb.prove",
      "lb.ready",
      "lb.mark",
    ]);
    expect(plan.prologue[1]).toHaveLength(3);
    expect(plan.batches).toEqual([]);
    expect(plan.from).toBeNull();
  });
});

describe("a release", () => {
  test("takes each instance through the phases, one after the other", () => {
    const plan = planOne(running(shop()), shop({ release: "2.0" }));
    expect(kinds(plan.prologue)).toEqual(["release.stage"]);
    expect(plan.batches.map((batch) => batch.map((lane) => lane.host))).toEqual([["app1"], ["app2"], ["app3"]]);
    expect(kinds(plan.batches[0]?.[0]?.stages ?? [])).toEqual([
      "lb.drain",
      "lb.mark",
      "lb.quiesce",
      "lb.maint",
      "release.switch",
      "release.probe",
      "lb.prove",
      "lb.ready",
      "lb.mark",
      "lb.hold",
    ]);
    expect(kinds(plan.epilogue)).toEqual(["release.prune"]);
    expect([plan.from, plan.to]).toEqual(["1.0", "2.0"]);
  });

  test("repairs what is broken first and counts the others as they are", () => {
    const fleet = running(shop());
    const broken = fleet.machine("app3").apps.get("shop");
    if (broken !== undefined) broken.isUp = false;
    const plan = planOne(fleet, shop({ release: "2.0" }));
    expect(plan.batches.map(([lane]) => [lane?.host, lane?.wasReady])).toEqual([
      ["app3", false],
      ["app1", true],
      ["app2", true],
    ]);
  });

  test("leaves instances alone that have it", () => {
    const fleet = running(shop());
    const plan = planOne(fleet, shop({ release: "2.0" }));
    for (const lane of plan.batches.slice(0, 1).flat())
      for (const step of [...plan.prologue.flat(), ...lane.stages.flat()]) fleet.act(step.action);
    const again = planOne(fleet, shop({ release: "2.0" }));
    expect(again.unchanged).toEqual(["app1"]);
    expect(again.batches.flat().map(({ host }) => host)).toEqual(["app2", "app3"]);
  });
});

describe("a route on a second set of balancers", () => {
  const touchedBy = (plan: Plan, kind: string): readonly string[] => [
    ...new Set(
      actionsOf(plan).flatMap((action) => (action.kind === kind && "balancer" in action ? [action.balancer] : [])),
    ),
  ];

  test("begins there without taking anything out on the first", () => {
    const plan = planOne(running(shop()), shop({ sets: ["edge", "inner"] }));
    expect(touchedBy(plan, "lb.install")).toEqual(["lb3", "lb4"]);
    expect(touchedBy(plan, "lb.prove")).toEqual(["lb3", "lb4"]);
  });

  test("ends there without taking anything out on the first", () => {
    const plan = planOne(running(shop({ sets: ["edge", "inner"] })), shop());
    expect(touchedBy(plan, "lb.install")).toEqual(["lb3", "lb4"]);
    expect(touchedBy(plan, "lb.drain")).toEqual([]);
  });
});

describe("what stands in the way", () => {
  test("an instance too few names the numbers", () => {
    const fleet = running(shop());
    for (const host of ["app2", "app3"]) {
      const app = fleet.machine(host).apps.get("shop");
      if (app !== undefined) app.isUp = host === "app3";
    }
    const { problems } = planFleet(fleet.input(shop({ release: "2.0", rollout: { minAvailable: 3, serial: 2 } })), {
      kind: "fleet",
    });
    expect(problems.map(({ code }) => code)).toEqual(["min-available"]);
  });

  test("a single instance may be replaced when a second comes in first", () => {
    const fleet = running(shop({ hosts: ["app1"] }));
    const plan = planOne(fleet, shop({ hosts: ["app1", "app2"], release: "2.0" }));
    expect(plan.prologue.flat().some(({ action }) => action.kind === "release.switch")).toBe(true);
    expect(plan.batches.flat().map(({ host }) => host)).toEqual(["app1"]);
  });

  test("an app whose rollout is open is skipped and named", () => {
    const fleet = running(shop());
    const { plans, skipped } = planFleet(fleet.input(shop({ release: "2.0" }), { shop: "r1" }), { kind: "fleet" });
    expect(plans).toEqual([]);
    expect(skipped.map(({ code }) => code)).toEqual(["rollout-open"]);
  });
});
