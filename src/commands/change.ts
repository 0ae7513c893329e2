import { DroverError, failure } from "../model/errors.ts";
import type { Ending } from "../model/event.ts";
import type { Plan } from "../model/plan.ts";
import type { FleetPlan } from "../plan/fleet-plan.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import { fullPlanLines } from "../report/plan-text.ts";
import { countsLine } from "../report/words.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import type { Prepared, Preparation } from "./prepare.ts";
import { prepare } from "./prepare.ts";
import { createRunner, runRollout } from "./run-rollout.ts";
import type { Connected } from "./survey.ts";
import { tellFailure, tellProblems } from "./tell.ts";
import { withWorld } from "./with-world.ts";

/** Whether a person is asked before anything changes. */
export interface Caution {
  readonly ask: boolean;
}

/**
 * The one way in which anything changes: lease, survey, plan, question, and then one plan after the other until one does
 * not come through. `apply` and `rollout start` differ only in scope.
 */
export async function change(context: Context, files: FleetFiles, what: Preparation & Caution): Promise<number> {
  return await withWorld(context, files, async (connected) => {
    const preparing = await prepare(context, connected, what);
    if (preparing.kind === "failed") return tellFailure(context, preparing.failure);
    try {
      return await carryOut(context, connected, { prepared: preparing.prepared, ask: what.ask });
    } finally {
      await preparing.prepared.lease?.release();
    }
  });
}

async function carryOut(
  context: Context,
  connected: Connected,
  { prepared, ask }: { readonly prepared: Prepared; readonly ask: boolean },
): Promise<number> {
  const { fleetPlan, lease, secrets } = prepared;
  const problems = tellProblems(context, fleetPlan);
  if (problems !== null) return problems;
  for (const skipped of fleetPlan.skipped) tellFailure(context, skipped);
  if (fleetPlan.plans.length === 0) return nothingToDo(context, connected, fleetPlan);
  const refusal = ask ? await refused(context, fleetPlan.plans) : null;
  if (refusal !== null) return refusal;
  if (lease === null) throw new DroverError(failure("bug", "a change was begun without the lease"));
  const runner = createRunner(context, connected, { lease, secrets });
  try {
    for (const [index, plan] of fleetPlan.plans.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- one rollout after the other, and none after one that failed
      const ending: Ending = await runRollout(runner, plan, fleetPlan.plans.slice(index + 1));
      if (ending.kind !== "done") return exitCode(ending);
    }
  } finally {
    await runner.relays.close();
  }
  return fleetPlan.skipped.length > 0 ? EXIT_CODE.open : EXIT_CODE.done;
}

function nothingToDo(context: Context, { topology }: Connected, { skipped }: FleetPlan): number {
  const open = skipped.length > 0;
  const unchanged = new Set(topology.apps.flatMap((app) => app.instances.map((instance) => instance.host))).size;
  if (context.options.output === "json") context.print.line(JSON.stringify({ plans: [], open }));
  else {
    if (!open) context.print.line("no difference");
    context.print.line(countsLine({ updated: 0, unchanged, failed: 0, unreachable: 0, notReached: 0 }));
  }
  return open ? EXIT_CODE.open : EXIT_CODE.done;
}

/** Shows the plans and asks; without anybody to ask, only `--yes` goes on. The exit code where it must not go on. */
async function refused(context: Context, plans: readonly Plan[]): Promise<number | null> {
  if (context.options.yes) return null;
  if (context.confirm === null) {
    const nobody = "there is nobody to ask whether this may be changed";
    return tellFailure(context, failure("usage", nobody, "say so: drover apply --yes"));
  }
  for (const plan of plans) for (const line of fullPlanLines(plan)) context.print.line(line);
  if (await context.confirm("apply this?")) return null;
  context.print.line("nothing was changed");
  return EXIT_CODE.failed;
}
