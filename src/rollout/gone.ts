import type { Lane, Plan, Stage, Step } from "../model/plan.ts";

/**
 * The plan as far as it can still be worked on when some of its hosts have left the inventory: what was to be done on
 * them is nobody's any more, and they no longer count among those that have to stay ready.
 */
export function withoutHosts(plan: Plan, gone: ReadonlySet<string>): Plan {
  if (gone.size === 0) return plan;
  const lost = plan.batches.flat().filter((lane) => gone.has(lane.host)).length;
  const stages = (all: readonly Stage[]): readonly Stage[] =>
    all
      .map((stage) => stage.filter(({ host }) => host === null || !gone.has(host)).map(step))
      .filter((stage) => stage.length > 0);
  const step = (each: Step): Step => {
    const undo = each.undo.kind === "none" ? each.undo : { ...each.undo, stages: stages(each.undo.stages) };
    const { action } = each;
    if (action.kind !== "lb.drain") return { ...each, undo };
    return { ...each, undo, action: { ...action, floor: Math.max(0, action.floor - lost) } };
  };
  const lane = (each: Lane): Lane => ({ ...each, stages: stages(each.stages) });
  return {
    ...plan,
    prologue: stages(plan.prologue),
    batches: plan.batches
      .map((batch) => batch.filter(({ host }) => !gone.has(host)).map(lane))
      .filter((batch) => batch.length > 0),
    epilogue: stages(plan.epilogue),
  };
}

/** Every host that a plan works on. */
export function hostsOf(plan: Plan): ReadonlySet<string> {
  const lanes = plan.batches.flat();
  const all = [...plan.prologue, ...lanes.flatMap((each) => each.stages), ...plan.epilogue].flat();
  return new Set([...lanes.map((each) => each.host), ...all.flatMap(({ host }) => (host === null ? [] : [host]))]);
}
