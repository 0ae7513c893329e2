import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import type { Action } from "../../../src/model/action.ts";
import type { Lane, Plan, Step } from "../../../src/model/plan.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import { PROLOGUE } from "../../../src/plan/place.ts";
import { hasFailed, laneProgress } from "../../../src/rollout/lanes.ts";
import type { End } from "../../../src/rollout/next.ts";
import { effectiveDirection, next } from "../../../src/rollout/next.ts";
import type { Direction, RolloutEvent, RolloutState } from "../../../src/rollout/state.ts";
import { INITIAL, forwardStages, isUndo, laneOf, reduce, takeOver } from "../../../src/rollout/state.ts";
import { begun } from "../../../src/rollout/undo.ts";
import type { Change } from "../../support/fleet-arbitraries.ts";
import { stepIndex } from "../../support/plans.ts";
import { actionsOf, change, prepare } from "../../support/fleet-arbitraries.ts";
import type { PaperFleet } from "../../support/fleets.ts";
import { often } from "../../support/runs.ts";

/** How likely the world is to misbehave, in percent, and the dice. */
interface Luck {
  readonly prologue: number;
  readonly forward: number;
  readonly back: number;
  readonly turn: number;
  readonly kill: number;
  readonly dice: () => number;
}

/** One rollout on a paper fleet, with every promise checked at every move. */
class Story {
  readonly plan: Plan;
  readonly fleet: PaperFleet;
  readonly index: ReadonlyMap<string, Step>;
  readonly events: RolloutEvent[] = [];
  readonly luck: Luck;
  readonly running = new Set<string>();
  /** Instances that changed since they were last probed, as `app/host`. */
  readonly unproven = new Set<string>();
  state: RolloutState = INITIAL;
  backFailed = false;
  /** Turned back before the step of this number ends. */
  turnBackAt = -1;

  constructor(plan: Plan, fleet: PaperFleet, luck: Luck) {
    this.plan = plan;
    this.fleet = fleet;
    this.luck = luck;
    this.index = stepIndex(plan);
  }

  chance(percent: number): boolean {
    return this.luck.dice() * 100 < percent;
  }

  tell(event: RolloutEvent): void {
    this.events.push(event);
    this.state = reduce(this.state, event);
  }

  turn(direction: Direction): void {
    this.tell({ kind: "turned", direction, why: "the test" });
  }

  run(): End {
    const bound = 6 * this.index.size + 100;
    for (let moves = 0; moves < bound; moves += 1) {
      if (this.chance(this.luck.turn))
        this.turn((["stop", "retreat", "back"] as const)[Math.floor(this.luck.dice() * 3)] ?? "stop");
      if (this.chance(this.luck.kill)) this.kill();
      const decision = next(this.plan, this.state);
      switch (decision.kind) {
        case "run":
          this.start(decision.steps);
          break;
        case "busy":
          this.finishOne();
          break;
        case "wait":
          expect(this.running.size).toBe(0);
          this.tell({ kind: "batch-released", batch: decision.batch });
          break;
        case "ended":
          expect([...this.running]).toEqual([]);
          return decision.end;
      }
    }
    throw new Error(`not ended after ${String(bound)} moves`);
  }

  start(steps: readonly Step[]): void {
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) {
      expect(this.index.get(step.id)).toBe(step);
      expect(["undefined", "again"]).toContain(String(this.state.steps[step.id]?.kind));
      if (!isUndo(step.id)) this.checkForward(step);
    }
    for (const step of steps) {
      this.tell({ kind: "started", step: step.id });
      this.running.add(step.id);
    }
    const busyLanes = new Set([...this.running].map((id) => laneOf(this.plan, id)?.host ?? ""));
    const largest = Math.max(1, ...this.plan.batches.map((batch) => batch.length));
    expect(busyLanes.size).toBeLessThanOrEqual(largest);
  }

  /** A step goes forward only when everything before it is done: its stage's predecessors, the prologue, the lanes. */
  checkForward(step: Step): void {
    const { prologue, epilogue, batches } = this.plan;
    // Past its first removal a rollout can only be finished.
    if (this.state.direction === "back") expect(epilogue.flat()).toContain(step);
    const own = [prologue, epilogue, ...batches.flat().map((each) => each.stages)].find((stages) =>
      stages.flat().includes(step),
    );
    const before = own?.slice(
      0,
      own.findIndex((stage) => stage.includes(step)),
    );
    const isFirst = own === prologue;
    const needed = [...(before ?? []), ...(isFirst ? [] : prologue)].flat();
    expect(needed.filter(({ id }) => this.state.steps[id]?.kind !== "done")).toEqual([]);
    const lane = laneOf(this.plan, step.id);
    if (lane !== undefined) this.checkLane(lane);
    else if (!isFirst) expect(batches.flat().filter((each) => this.progress(each) !== "updated")).toEqual([]);
  }

  /** A lane begins only forwards, within the budget, and when all batches before its own have come to their ends. */
  checkLane(lane: Lane): void {
    const { batches, budget } = this.plan;
    const mine = batches.findIndex((batch) => batch.includes(lane));
    for (const each of batches.slice(0, mine).flat()) {
      expect(["updated", "reverted", "stranded"]).toContain(this.progress(each));
    }
    for (const each of batches.slice(mine + 1).flat()) expect(begun(each.stages, this.state)).toBe(false);
    if (begun(lane.stages, this.state)) return;
    expect(this.state.direction).toBe("forward");
    expect(batches.flat().filter((each) => hasFailed(each, this.state)).length).toBeLessThanOrEqual(budget.maxFailures);
  }

  progress(lane: Lane): string {
    return laneProgress(lane, this.state, effectiveDirection(this.plan, this.state)).kind;
  }

  finishOne(): void {
    if (this.turnBackAt === 0) this.turn("back");
    this.turnBackAt -= 1;
    const ids = [...this.running];
    expect(ids.length).toBeGreaterThan(0);
    const id = ids[Math.floor(this.luck.dice() * ids.length)] ?? "";
    const step = this.index.get(id);
    if (step === undefined) throw new Error(`no step ${id}`);
    this.running.delete(id);
    const refusal = this.refusal(step.action);
    const fails = refusal ?? (this.chance(this.odds(step)) ? "unhealthy" : null);
    if (fails === null) {
      this.carryOut(step.action);
      this.tell({ kind: "succeeded", step: id });
      return;
    }
    if (isUndo(id)) this.backFailed = true;
    const code = fails === "unhealthy" && this.chance(50) ? "host-lost" : fails;
    // What failed may have happened all the same, unless it was refused.
    if (refusal === null && this.chance(50)) this.carryOut(step.action);
    this.tell({ kind: "failed", step: id, failure: failure(code, "the test") });
  }

  odds({ id }: Step): number {
    if (isUndo(id)) return this.luck.back;
    return id.startsWith(PROLOGUE) ? this.luck.prologue : this.luck.forward;
  }

  /** What the real operation would refuse before it changes anything. */
  refusal(action: Action): "min-available" | null {
    if (action.kind !== "lb.drain") return null;
    const others = [...this.fleet.balancer(action.balancer).admin].filter(([name, admin]) => {
      const [backend, server = ""] = name.split("/");
      const isUp = this.fleet.machine(server).apps.get(action.server.backend)?.isUp === true;
      return backend === action.server.backend && server !== action.server.server && admin === "ready" && isUp;
    });
    return others.length < action.floor ? "min-available" : null;
  }

  carryOut(action: Action): void {
    const { plan, fleet, unproven } = this;
    const readyOn = (app: string, host: string): readonly string[] =>
      [...fleet.balancers].filter(([, { admin }]) => admin.get(`${app}/${host}`) === "ready").map(([name]) => name);
    if (action.kind === "release.switch") {
      if (fleet.machine(action.host).apps.has(action.app)) expect(readyOn(action.app, action.host)).toEqual([]);
      unproven.add(`${action.app}/${action.host}`);
    }
    if (action.kind === "release.remove") expect(readyOn(action.app, action.host)).toEqual([]);
    if (action.kind === "release.probe") unproven.delete(`${plan.app ?? ""}/${action.host}`);
    if (action.kind === "lb.ready" || action.kind === "lb.rejoin")
      expect(unproven).not.toContain(`${action.server.backend}/${action.server.server}`);
    fleet.act(action);
  }

  /** kill -9: what was under way happened or not; somebody else takes over and puts everything back. */
  kill(): void {
    for (const id of this.running) {
      const step = this.index.get(id);
      if (step !== undefined && this.refusal(step.action) === null && this.chance(50)) this.carryOut(step.action);
    }
    this.running.clear();
    this.tell(takeOver(this.plan, this.state));
    this.turn("back");
  }
}

const percent = (...of: number[]): fc.Arbitrary<number> => fc.constantFrom(...of);
const luck = fc
  .record({
    prologue: percent(0, 0, 0, 5),
    forward: percent(0, 2, 5, 20),
    back: percent(0, 0, 5, 30),
    turn: percent(0, 0, 0, 1, 5),
    kill: percent(0, 0, 1),
    seed: fc.integer({ min: 1, max: 2147483646 }),
  })
  .map(({ seed, ...odds }): Luck => {
    let at = seed;
    const dice = (): number => {
      at = (at * 48271) % 2147483647;
      return at / 2147483647;
    };
    for (let warm = 0; warm < 10; warm += 1) dice();
    return { ...odds, dice };
  });

interface Beginning {
  readonly story: Story;
  readonly drainedBefore: readonly string[];
  /** All servers, as `balancer backend/server`. */
  readonly listedBefore: readonly string[];
  readonly pictureBefore: unknown;
  /** Whom DNS told clients of, as `app/host`, and who of them served. */
  readonly toldBefore: readonly string[];
  readonly servedBefore: readonly string[];
}

/** The plan with the most lanes, after the others; null where nothing is to be done. */
function begin(each: Change, dice: Luck): Beginning | null {
  const fleet = prepare(each);
  const { plans } = planFleet(fleet.input(each.after), { kind: "fleet" });
  const [plan, ...others] = plans.toSorted((left, right) => right.batches.flat().length - left.batches.flat().length);
  if (plan === undefined) return null;
  const before = others.filter((other) => plans.indexOf(other) < plans.indexOf(plan));
  for (const action of before.flatMap(actionsOf)) fleet.act(action);
  return {
    story: new Story(plan, fleet, dice),
    drainedBefore: fleet.drained(),
    listedBefore: [...fleet.balancers].flatMap(([name, { admin }]) =>
      [...admin.keys()].map((each) => `${name} ${each}`),
    ),
    pictureBefore: structuredClone(fleet.picture()),
    toldBefore: told(fleet),
    servedBefore: told(fleet).filter((name) => {
      const [app = "", host = ""] = name.split("/");
      return fleet.machine(host).apps.get(app)?.isUp === true;
    }),
  };
}

function told(fleet: PaperFleet): readonly string[] {
  return Object.entries(fleet.zone.told()).flatMap(([app, hosts]) => hosts.map((host) => `${app}/${host}`));
}

/** A server that served before and is out now belongs to a stranded lane, unless it is one of those that leave. */
function checkOwners(story: Story, end: End, { drainedBefore, listedBefore }: Beginning): void {
  const drained = story.fleet.drained().filter((name) => !drainedBefore.includes(name));
  if (end.kind !== "open") {
    expect(drained).toEqual([]);
    return;
  }
  const lanes = new Set(story.plan.batches.flat().map(({ host }) => host));
  const hosts = drained.filter((name) => listedBefore.includes(name)).map((name) => name.split("/")[1] ?? "");
  for (const host of hosts.filter((each) => lanes.has(each))) expect(end.stranded).toContain(host);
  if (end.stranded.length > 0) expect(story.backFailed).toBe(true);
}

/** Turned back, a rollout is put back as a whole, unless a step back failed or something has been removed for good. */
function checkBack(story: Story, end: End, beginning: Beginning): void {
  const { drainedBefore, pictureBefore, toldBefore, servedBefore } = beginning;
  const isPast = story.plan.epilogue
    .flat()
    .some(({ id, action }) => action.kind === "release.remove" && story.state.steps[id] !== undefined);
  if (story.state.direction === "back" && end.kind === "open") expect(story.backFailed || isPast).toBe(true);
  // A server that somebody had drained by hand comes back as it should be, not as it was.
  if (end.kind !== "reverted" || drainedBefore.length > 0) return;
  expect(story.fleet.picture()).toEqual(pictureBefore);
  // Clients are not told again of an instance that did not serve.
  expect(toldBefore).toEqual(expect.arrayContaining([...told(story.fleet)]));
  expect(told(story.fleet)).toEqual(expect.arrayContaining([...servedBefore]));
}

describe("a rollout under any events", () => {
  test("keeps its promises at every move, and leaves no drained server without an owner", () => {
    fc.assert(
      fc.property(change, luck, (each, dice) => {
        const beginning = begin(each, dice);
        if (beginning === null) return;
        const { story } = beginning;
        const end = story.run();
        checkOwners(story, end, beginning);
        checkBack(story, end, beginning);
        const steps = forwardStages(story.plan).flat();
        if (end.kind === "done") expect(steps.filter(({ id }) => story.state.steps[id]?.kind !== "done")).toEqual([]);
        expect(story.events.reduce(reduce, INITIAL)).toEqual(story.state);
      }),
      { numRuns: often(40) },
    );
  });

  test("turned back without further bad luck, puts everything back or finishes what it removed", () => {
    fc.assert(
      fc.property(change, luck, fc.nat({ max: 200 }), (each, { dice }, when) => {
        const beginning = begin(each, { prologue: 0, forward: 0, back: 0, turn: 0, kill: 0, dice });
        if (beginning === null) return;
        const { story } = beginning;
        story.turnBackAt = when;
        const end = story.run();
        if (end.kind === "done") return;
        expect(["reverted", "untouched"]).toContain(end.kind);
        checkBack(story, end, beginning);
      }),
      { numRuns: often(25) },
    );
  });
});
