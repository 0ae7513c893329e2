import { EXIT_CODE } from "../report/exit-code.ts";
import { fullPlanLines } from "../report/plan-text.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { missingKey, prepare } from "./prepare.ts";
import { tellFailure, tellProblems } from "./tell.ts";

/** `drover plan`: shows what `apply` would change, where and in which order. Takes no lease, changes nothing. */
export async function planCommand(context: Context): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const world = context.connect(files.fleet);
  try {
    const connected = { topology: files.topology, ...world };
    const preparing = await prepare(context, connected, { scope: { kind: "fleet" }, purpose: null, edit: null });
    if (preparing.kind === "failed") return tellFailure(context, preparing.failure);
    const { fleetPlan, survey, secrets } = preparing.prepared;
    const problems = tellProblems(context, fleetPlan);
    if (problems !== null) return problems;
    const key = missingKey(survey, secrets);
    if (context.options.output === "json") context.print.line(JSON.stringify(fleetPlan));
    else {
      for (const plan of fleetPlan.plans) for (const line of fullPlanLines(plan)) context.print.line(line);
      for (const skipped of fleetPlan.skipped) tellFailure(context, skipped);
      if (key !== null) tellFailure(context, key);
      if (fleetPlan.plans.length === 0 && fleetPlan.skipped.length === 0) context.print.line("no difference");
    }
    if (fleetPlan.skipped.length > 0) return EXIT_CODE.open;
    return fleetPlan.plans.length > 0 ? EXIT_CODE.differences : EXIT_CODE.done;
  } finally {
    await world.transport.close();
  }
}
