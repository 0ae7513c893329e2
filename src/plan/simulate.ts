import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Lane, Plan, Stage, Step } from "../model/plan.ts";
import type { PlanInput } from "./input.ts";
import type { Finding, Floors } from "./invariants.ts";
import { allAtOnce, exposed, floorsOf, malformed, notRestored, tooFew } from "./invariants.ts";
import { planSubject } from "./subject.ts";
import { situationOf } from "./situation.ts";
import type { SimInstance, World } from "./world.ts";
import { act, away, observedWorld } from "./world.ts";

/** Takes findings; the first of each kind is enough to know that a plan must not run. */
type Note = (finding: Finding) => void;

/** What a walk is measured by; `floors` null within a lane, whose batch is measured as a whole. */
interface Walk {
  readonly app: string;
  readonly floors: Floors | null;
  readonly note: Note;
}

/**
 * Simulates a plan before anything runs (DESIGN §4 "Every intermediate state is safe"): stage by stage forwards, and
 * from each stage all the way back. A finding means that the plan must not be carried out.
 */
export function simulate(plan: Plan, input: PlanInput): readonly Failure[] {
  const findings: string[] = [];
  const note: Note = (finding) => {
    if (finding !== null) findings.push(finding);
  };
  note(malformed(plan));
  for (const stage of atOnce(plan)) note(allAtOnce(stage, input.topology));
  if (plan.app !== null) {
    const start = observedWorld(situationOf(plan.app, input), input);
    walkPlan(plan, start, { app: plan.app, floors: floorsOf(start, plan.budget.minAvailable, input.allowEmpty), note });
  }
  const [first, ...others] = [...new Set(findings)];
  if (first === undefined) return [];
  const hint = "nothing was changed; see the steps with: drover plan";
  return [failure("unsafe-plan", `${planSubject(plan)}: the plan is not safe: ${first}`, hint, others)];
}

/** Steps that may fall together. Lanes of a batch do not wait for each other, so a batch counts as one stage. */
function atOnce(plan: Plan): readonly Stage[] {
  const stages = [
    ...plan.prologue,
    ...plan.epilogue,
    ...plan.batches.map((batch) => batch.flatMap((lane) => lane.stages.flat())),
  ];
  return stages.flatMap((stage) => [stage, ...undoStages([stage])]);
}

function walkPlan(plan: Plan, start: World, walk: Walk): void {
  let world = walkBothWays(plan.prologue, start, walk);
  for (const batch of plan.batches) world = walkBatch(batch, world, walk);
  // What has been removed cannot be put back; up to there everything can.
  const end = plan.epilogue.findIndex((stage) => stage.some((step) => step.action.kind === "release.remove"));
  const reversible = end === -1 ? plan.epilogue : plan.epilogue.slice(0, end);
  const last = walkBothWays(reversible, world, walk);
  walkStages(plan.epilogue.slice(reversible.length), last, walk);
  walkAbort(plan, walkStages(undoStages(reversible), last, walk), walk);
}

/** `rollout abort` when every lane came through: batch by batch, then the prologue. */
function walkAbort(plan: Plan, from: World, walk: Walk): void {
  let world = from;
  for (const batch of plan.batches.toReversed()) {
    noteWithout(batch, world, walk);
    for (const lane of batch) {
      const back = walkStages(undoStages(lane.stages), only(world, lane.host), { ...walk, floors: null });
      world = new Map([...world, ...back]);
    }
  }
  walkStages(undoStages(plan.prologue), world, walk);
}

/** Lanes side by side: at worst all of their instances are out at the same time. */
function walkBatch(batch: readonly Lane[], start: World, walk: Walk): World {
  noteWithout(batch, start, walk);
  let world = start;
  for (const lane of batch) {
    const before = only(start, lane.host);
    const after = walkBothWays(lane.stages, before, { ...walk, floors: null }, (back) => {
      if (lane.wasReady) walk.note(notRestored(before, back));
    });
    world = new Map([...world, ...after]);
  }
  if (walk.floors !== null) walk.note(tooFew(world, walk.floors));
  return world;
}

function noteWithout(batch: readonly Lane[], world: World, { floors, note }: Walk): void {
  const hosts = new Set(batch.map((lane) => lane.host));
  const out = [...world].map(([host, each]): [string, SimInstance] => [host, hosts.has(host) ? away(each) : each]);
  if (floors !== null) note(tooFew(new Map(out), floors));
}

function only(world: World, host: string): World {
  return new Map([...world].filter(([each]) => each === host));
}

/** Forwards stage by stage, and from each stage all the way back, which must lead where `isBack` wants it. */
function walkBothWays(
  stages: readonly Stage[],
  start: World,
  walk: Walk,
  isBack: (world: World) => void = () => {},
): World {
  let world = start;
  for (const [index, stage] of stages.entries()) {
    world = walkStages([stage], world, walk);
    isBack(walkStages(undoStages(stages.slice(0, index + 1)), world, walk));
  }
  return world;
}

/** The stages that take back all of the given ones, last first. */
function undoStages(stages: readonly Stage[]): readonly Stage[] {
  return stages.toReversed().flatMap((stage) => {
    const undos = stage.flatMap((step) => (step.undo.kind === "stages" ? [step.undo.stages] : []));
    const longest = Math.max(0, ...undos.map((sequence) => sequence.length));
    return Array.from({ length: longest }, (_, index) => undos.flatMap((sequence) => sequence[index] ?? []));
  });
}

/** Each step of a stage alone, as if it were the first, and then all of them: nothing within a stage has an order. */
function walkStages(stages: readonly Stage[], from: World, walk: Walk): World {
  let world = from;
  for (const stage of stages) {
    const before = world;
    for (const step of stage) {
      noteExposed(step, act(before, walk.app, step.action), walk);
      world = act(world, walk.app, step.action);
    }
    for (const step of stage) noteExposed(step, world, walk);
    if (walk.floors !== null) walk.note(tooFew(world, walk.floors));
  }
  return world;
}

function subjectsOf({ action, host }: Pick<Step, "action" | "host">): readonly string[] {
  if (action.kind === "dns.publish") return action.hosts.map((each) => each.host);
  const named = "server" in action ? action.server.server : host;
  return named === null ? [] : [named];
}

/** Looks at the instances whose place a step can change. */
function noteExposed({ action, host, says }: Step, world: World, { note }: Walk): void {
  const isFile = action.kind === "lb.install" || action.kind === "lb.restore";
  for (const each of isFile ? world.keys() : subjectsOf({ action, host })) {
    const finding = exposed(world, each);
    if (finding !== null) note(`at "${says}" ${finding}`);
  }
}
