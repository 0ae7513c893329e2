import { describe, expect, test } from "vitest";
import type { Failure } from "../../../src/model/errors.ts";
import { failure } from "../../../src/model/errors.ts";
import { firstFailure, next } from "../../../src/rollout/next.ts";
import type { RolloutState } from "../../../src/rollout/state.ts";
import { INITIAL, reduce, takeOver } from "../../../src/rollout/state.ts";
import type { PlanSketch } from "../../support/plans.ts";
import { examplePlan, play } from "../../support/plans.ts";

const unhealthy = failure("unhealthy", "it is not healthy");
const lost = failure("host-lost", "it is gone");

/** Fails the named steps, everything else succeeds. */
function failing(cases: Readonly<Record<string, Failure>>): (name: string) => Failure | null {
  return (name) => cases[name] ?? null;
}

function turned(state: RolloutState, direction: "stop" | "retreat" | "back"): RolloutState {
  return reduce(state, { kind: "turned", direction, why: "a test" });
}

const lane = (host: string): readonly string[] => [`${host} drain`, `${host} switch`, `${host} ready`];
const staged = (...hosts: string[]): readonly string[] => hosts.map((host) => `${host} stage`);

describe("a rollout that goes well", () => {
  test("stages everywhere, then goes lane by lane", () => {
    const { order, end } = play(examplePlan());
    expect(order).toEqual([...staged("app1", "app2", "app3"), ...lane("app1"), ...lane("app2"), ...lane("app3")]);
    expect(end).toEqual({ kind: "done" });
  });

  test("runs the lanes of a batch side by side and the next batch after the slowest", () => {
    const { order } = play(examplePlan({ batches: [["app1", "app2"], ["app3"]] }));
    expect(order.slice(3, 9).toSorted()).toEqual([...lane("app1"), ...lane("app2")].toSorted());
    expect(order.slice(3, 5)).toEqual(["app1 drain", "app2 drain"]);
    expect(order.slice(9)).toEqual(lane("app3"));
  });

  test("removes what leaves at the very end", () => {
    const { order } = play(examplePlan({ batches: [["app1"]], leaving: ["old1"] }));
    expect(order.at(-1)).toBe("old1 remove");
  });

  test("waits before every batch but the first", () => {
    const { order } = play(examplePlan({ budget: { batchWait: 5000 } }));
    expect(order.filter((name) => name.startsWith("wait"))).toEqual(["wait 5000", "wait 5000"]);
    expect(order.indexOf("wait 5000")).toBe(order.indexOf("app1 ready") + 1);
  });
});

describe("a prologue that fails", () => {
  test("is taken back whole, and no instance that serves was touched", () => {
    const plan = examplePlan({ batches: [["app1"]], fresh: ["new1"] });
    const { order, end } = play(plan, failing({ "new1 switch": unhealthy }));
    expect(order).toEqual(["app1 stage", "new1 stage", "new1 switch", "new1 ~remove", "app1 ~stage", "new1 ~stage"]);
    expect(end).toEqual({ kind: "reverted", touched: true });
  });

  test("has touched nothing where only files were staged", () => {
    const { order, end } = play(examplePlan(), failing({ "app2 stage": lost }));
    expect(order.some((name) => name.includes("drain"))).toBe(false);
    expect(end).toEqual({ kind: "reverted", touched: false });
  });

  test("stays open when it cannot be taken back", () => {
    const { end } = play(examplePlan(), failing({ "app2 stage": lost, "app2 ~stage": lost }));
    expect(end).toEqual({ kind: "open", unreachable: true, stranded: [] });
  });

  test("is taken back when a person stops it half way", () => {
    const plan = examplePlan({ batches: [["app1"]] });
    const [stage] = plan.prologue.flat();
    const begun = reduce(reduce(INITIAL, { kind: "started", step: stage?.id ?? "" }), {
      kind: "succeeded",
      step: stage?.id ?? "",
    });
    const more = examplePlan({ batches: [["app1"]], fresh: ["new1"] });
    expect(play(more, () => null, turned(begun, "stop")).order).toEqual(["app1 ~stage"]);
  });

  test("was not begun where a person stops before it", () => {
    expect(next(examplePlan(), turned(INITIAL, "stop"))).toEqual({ kind: "ended", end: { kind: "untouched" } });
    expect(next(examplePlan(), turned(INITIAL, "back"))).toEqual({ kind: "ended", end: { kind: "untouched" } });
  });
});

interface LaneCase {
  readonly name: string;
  readonly sketch?: PlanSketch;
  readonly fails: Readonly<Record<string, Failure>>;
  /** From the first step of the first lane on. */
  readonly order: readonly string[];
  readonly end: ReturnType<typeof play>["end"];
}

const open = (unreachable: boolean, ...stranded: string[]): LaneCase["end"] => ({
  kind: "open",
  unreachable,
  stranded,
});

const LANES: readonly LaneCase[] = [
  {
    name: "is switched back and enabled again, and nothing else begins (maxFailures 0, pause)",
    fails: { "app1 ready": unhealthy },
    order: [...lane("app1"), "app1 ~drain", "app1 ~switch", "app1 ~ready"],
    end: open(false),
  },
  {
    name: "lost before the switch is enabled again through the balancer",
    fails: { "app1 drain": lost },
    order: ["app1 drain", "app1 ~ready"],
    end: open(true),
  },
  {
    name: "lost after the switch stays drained, owned and listed",
    fails: { "app1 switch": lost, "app1 ~switch": lost },
    order: ["app1 drain", "app1 switch", "app1 ~switch"],
    end: open(true, "app1"),
  },
  {
    name: "that the switch never reached is enabled again: nothing of it has changed",
    fails: { "app1 switch": failure("host-timeout", "no way to app1") },
    order: ["app1 drain", "app1 switch", "app1 ~ready"],
    end: open(true),
  },
  {
    name: "that does not get healthy again stays drained: it must not get traffic",
    fails: { "app1 switch": unhealthy, "app1 ~switch": unhealthy },
    order: ["app1 drain", "app1 switch", "app1 ~switch"],
    end: open(false, "app1"),
  },
  {
    name: "whose drain was refused is left alone: undoing it would take it out",
    fails: { "app1 drain": failure("min-available", "too few") },
    order: ["app1 drain"],
    end: open(false),
  },
  {
    name: "within the budget is passed over, and the rollout is left open",
    sketch: { budget: { maxFailures: 1 } },
    fails: { "app1 switch": unhealthy },
    order: ["app1 drain", "app1 switch", "app1 ~switch", "app1 ~ready", ...lane("app2"), ...lane("app3")],
    end: open(false),
  },
  {
    name: "beyond the budget stops the run",
    sketch: { budget: { maxFailures: 1 } },
    fails: { "app1 drain": unhealthy, "app2 drain": lost },
    order: ["app1 drain", "app1 ~ready", "app2 drain", "app2 ~ready"],
    end: open(true),
  },
  {
    name: "in a batch does not disturb its neighbour",
    sketch: { batches: [["app1", "app2"], ["app3"]] },
    fails: { "app1 drain": unhealthy },
    order: ["app1 drain", "app2 drain", "app1 ~ready", "app2 switch", "app2 ready"],
    end: open(false),
  },
];

describe("a lane that fails", () => {
  test.for(LANES)("$name", ({ sketch = {}, fails, order, end }) => {
    const plan = examplePlan(sketch);
    const played = play(plan, failing(fails));
    const from = played.order.findIndex((name) => name.endsWith("drain"));
    expect(played.order.slice(from)).toEqual(order);
    expect(played.end).toEqual(end);
  });

  test("whose way back is refused serves as it is: the rollout stays open, and nobody is called drained", () => {
    const plan = examplePlan({});
    const refused = failure("min-available", "too few");
    const { state } = play(plan, failing({ "app3 switch": unhealthy }));
    const { order, end } = play(plan, failing({ "app2 ~drain": refused }), turned(state, "back"));
    expect(order).toContain("app2 ~drain");
    expect(order).not.toContain("app2 ~switch");
    expect(end).toEqual(open(false));
  });

  test("turns everything back with onFailure rollback, last batch first, prologue at the end", () => {
    const plan = examplePlan({ budget: { onFailure: "rollback" } });
    const { order, end } = play(plan, failing({ "app2 switch": unhealthy }));
    const back = ["app2 ~switch", "app2 ~ready", "app1 ~drain", "app1 ~switch", "app1 ~ready"];
    expect(order.slice(order.indexOf("app2 switch") + 1)).toEqual([
      ...back,
      ...staged("app1", "app2", "app3").map((name) => name.replace("stage", "~stage")),
    ]);
    expect(end).toEqual({ kind: "reverted", touched: true });
  });

  test("that cannot be reverted stops the way back before the prologue: its files are still needed", () => {
    const plan = examplePlan({ budget: { onFailure: "rollback" } });
    const { order, end } = play(plan, failing({ "app2 switch": unhealthy, "app2 ~switch": unhealthy }));
    expect(end).toEqual(open(false, "app2"));
    expect(order).toContain("app1 ~ready");
    expect(order.some((name) => name.endsWith("~stage"))).toBe(false);
  });

  test("is named by the first failure in plan order", () => {
    const plan = examplePlan({ batches: [["app1", "app2"]] });
    const { state } = play(plan, failing({ "app2 drain": lost, "app1 switch": unhealthy }));
    expect(firstFailure(plan, state)?.failure).toBe(unhealthy);
  });
});

describe("a person or a lost lease", () => {
  const after = (name: string, direction: "stop" | "retreat" | "back") =>
    play(examplePlan(), undefined, INITIAL, (done, state) => (done === name ? turned(state, direction) : state));

  test("stop finishes the instance under way and begins no other", () => {
    const { order, end } = after("app1 drain", "stop");
    expect(order.slice(3)).toEqual(lane("app1"));
    expect(end).toEqual(open(false));
  });

  test("stop during the last instance leaves nothing open", () => {
    expect(after("app3 drain", "stop").end).toEqual({ kind: "done" });
  });

  test("stop during the last instance removes nobody that leaves", () => {
    const plan = examplePlan({ leaving: ["old1"] });
    const { order, end } = play(plan, undefined, INITIAL, (done, state) =>
      done === "app3 drain" ? turned(state, "stop") : state,
    );
    expect(order.slice(-3)).toEqual(lane("app3"));
    expect(end).toEqual(open(false));
  });

  test("retreat takes the instance under way back", () => {
    const { order, end } = after("app1 drain", "retreat");
    expect(order.slice(3)).toEqual(["app1 drain", "app1 ~ready"]);
    expect(end).toEqual(open(false));
  });

  test("retreat leaves what came through as it is", () => {
    const { order } = after("app2 drain", "retreat");
    expect(order.slice(3)).toEqual([...lane("app1"), "app2 drain", "app2 ~ready"]);
  });

  test("back takes everything back", () => {
    const { order, end } = after("app2 drain", "back");
    expect(order.slice(7, 11)).toEqual(["app2 ~ready", "app1 ~drain", "app1 ~switch", "app1 ~ready"]);
    expect(end).toEqual({ kind: "reverted", touched: true });
  });

  test("a direction never gets milder", () => {
    const state = turned(turned(INITIAL, "back"), "stop");
    expect(state.direction).toBe("back");
  });

  test("past the first removal there is no way back, only on", () => {
    const plan = examplePlan({ batches: [["app1"]], leaving: ["old1", "old2"] });
    const { order, end } = play(plan, undefined, INITIAL, (name, state) =>
      name === "old1 remove" ? turned(state, "back") : state,
    );
    expect(order.slice(-2)).toEqual(["old1 remove", "old2 remove"]);
    expect(end).toEqual({ kind: "done" });
  });
});

describe("a change of the balancers alone", () => {
  const plan = examplePlan({ batches: [], contract: ["app1", "app2"] });

  test("is all or nothing: what a balancer refuses leaves nothing open", () => {
    const { order, end } = play(plan, failing({ "app2 ready": unhealthy }));
    expect(order).toEqual(["app1 ready", "app2 ready", "app2 ~drain", "app1 ~drain"]);
    expect(end).toEqual({ kind: "reverted", touched: true });
  });

  test("is left open at the end of a rollout: its instances run what they should", () => {
    const whole = examplePlan({ batches: [["app3"]], contract: ["app1", "app2"] });
    const { order, end } = play(whole, failing({ "app2 ready": unhealthy }));
    expect(order.slice(-2)).toEqual(["app1 ready", "app2 ready"]);
    expect(end).toEqual(open(false));
  });
});

describe("a takeover after kill -9", () => {
  test("takes a step that was under way for one that may have happened", () => {
    const plan = examplePlan({ batches: [["app1"]] });
    const { state: before } = play(plan, failing({ "app1 switch": unhealthy, "app1 ~switch": lost }));
    const taken = turned(reduce(before, takeOver(plan, before)), "back");
    const { order, end } = play(plan, () => null, taken);
    expect(order).toEqual(["app1 ~switch", "app1 ~ready", "app1 ~stage"]);
    expect(end).toEqual({ kind: "reverted", touched: true });
  });

  test("finishes a removal that was under way, so that the rollout can be closed", () => {
    const plan = examplePlan({ batches: [["app1"]], leaving: ["old1"] });
    const { state: before } = play(plan, failing({ "old1 remove": lost }));
    const taken = turned(reduce(before, takeOver(plan, before)), "back");
    expect(play(plan, () => null, taken)).toMatchObject({ order: ["old1 remove"], end: { kind: "done" } });
  });
});
