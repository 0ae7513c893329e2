import { oldWorkersFact } from "../lb/old-workers.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { SetShow } from "../report/lb-show.ts";
import { showLines } from "../report/lb-show.ts";
import { failureLines } from "../report/words.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { findSets } from "./lb-sets.ts";
import { surveyBalancers } from "./lb-survey.ts";
import { showOf } from "./lb-told.ts";
import { wantedBalancers } from "./lb-wanted.ts";
import { templatesOf } from "./templates.ts";
import { withWorld } from "./with-world.ts";

/** `drover lb show [SET]`: who holds each VIP, and every balancer and server as it is now. Changes nothing. */
export async function lbShowCommand(context: Context, name: string | undefined): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const sets = findSets(context, files, name);
  if (sets === null) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const balancers = [...new Set(sets.flatMap(({ hosts }) => hosts))];
    const survey = await surveyBalancers(context, connected, { balancers, more: [oldWorkersFact] });
    const { state } = survey;
    const { topology } = files;
    const templates = await templatesOf(context, files.fleet);
    const fingerprintKey = state.kind === "known" ? state.value.fingerprintKey : null;
    const { balancers: wanted, problems } = await wantedBalancers(context, { topology, templates, fingerprintKey });
    const carried = new Map(balancers.map((each) => [each, survey.more(oldWorkersFact, each)]));
    const told = { balancers: survey.balancers, state, carried, wanted, now: context.clock.now() };
    const shown = sets.map((set) => showOf(set, told));
    const silent = [...problems, ...(state.kind === "unknown" ? [state.why] : [])];
    if (context.options.output === "json") context.print.line(JSON.stringify({ sets: shown, unknown: silent }));
    else for (const line of [...showLines(shown), ...silent.flatMap(failureLines)]) context.print.line(line);
    return silent.length > 0 || shown.some(isUnsure) ? EXIT_CODE.failed : EXIT_CODE.done;
  });
}

/** True where a VIP has no single holder, or a balancer did not tell. */
function isUnsure({ vips, balancers }: SetShow): boolean {
  return vips.some(({ kind }) => kind !== "one") || balancers.some(({ told }) => told === null);
}
