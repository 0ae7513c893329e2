import { EXIT_CODE } from "../report/exit-code.ts";
import { fullPlanLines } from "../report/plan-text.ts";
import { printable } from "../report/words.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import type { Prepared } from "./prepare.ts";
import { missingKey, prepare } from "./prepare.ts";
import { skippedCode, tellFailure, tellProblems } from "./tell.ts";
import { withWorld } from "./with-world.ts";

/** `drover plan`: shows what `apply` would change, where and in which order. Takes no lease, changes nothing. */
export async function planCommand(context: Context, { allowEmpty }: Allowed): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const preparing = await prepare(context, connected, {
      scope: { kind: "fleet" },
      purpose: null,
      edit: null,
      allowEmpty,
    });
    return preparing.kind === "failed"
      ? tellFailure(context, preparing.failure)
      : tellPlan(context, preparing.prepared);
  });
}

function tellPlan(context: Context, { fleetPlan, survey, secrets }: Prepared): number {
  const problems = tellProblems(context, fleetPlan);
  if (problems !== null) return problems;
  const { plans, skipped, notes } = fleetPlan;
  if (context.options.output === "json") context.print.line(JSON.stringify(fleetPlan));
  else {
    for (const line of plans.flatMap(fullPlanLines)) context.print.line(line);
    const key = missingKey(survey, secrets);
    for (const note of key === null ? skipped : [...skipped, key]) tellFailure(context, note);
    for (const note of notes) context.print.line(printable(`note: ${note}`));
    if (plans.length === 0 && skipped.length === 0) context.print.line("no difference");
  }
  if (skipped.length > 0) return skippedCode(fleetPlan);
  return plans.length > 0 ? EXIT_CODE.differences : EXIT_CODE.done;
}
