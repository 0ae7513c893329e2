import type { Action } from "../model/action.ts";
import type { DiscoveryAction, ZoneRef } from "../model/discovery.ts";
import type { Lane, Plan, Stage, Step } from "../model/plan.ts";

/**
 * The plan with the zone's servers as the files name them now: since it was made another one may have become the primary, and
 * the former one may be gone for good. What it had to do in a zone that the files do not name any more (`zone` is another or
 * null) is nobody's: who could sign it?
 */
export function withZone(plan: Plan, zone: ZoneRef | null): Plan {
  const stages = (all: readonly Stage[]): readonly Stage[] =>
    all.map((stage) => stage.flatMap(step)).filter((stage) => stage.length > 0);
  const step = (each: Step): readonly Step[] => {
    const undo = each.undo.kind === "none" ? each.undo : { ...each.undo, stages: stages(each.undo.stages) };
    const { action } = each;
    if (!isDns(action)) return [{ ...each, undo }];
    if (action.zone.zone !== zone?.zone) return [];
    return [{ ...each, undo, action: { ...action, zone: { ...action.zone, servers: zone.servers } } }];
  };
  const lane = (each: Lane): Lane => ({ ...each, stages: stages(each.stages) });
  return {
    ...plan,
    prologue: stages(plan.prologue),
    batches: plan.batches.map((batch) => batch.map(lane)),
    epilogue: stages(plan.epilogue),
  };
}

/** Zones that a plan changes. */
export function zonesOf(plan: Plan): ReadonlySet<string> {
  const all = [...plan.prologue, ...plan.batches.flat().flatMap(({ stages }) => stages), ...plan.epilogue].flat();
  return new Set(all.flatMap(({ action }) => (isDns(action) ? [action.zone.zone] : [])));
}

function isDns(action: Action): action is DiscoveryAction {
  return action.kind.startsWith("dns.");
}
