import type { JournalStory } from "../exec/journal.ts";
import { readJournal } from "../exec/journal.ts";
import { hostFates } from "../exec/conclude.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { printable } from "../report/words.ts";
import { effectiveDirection, firstFailure } from "../rollout/next.ts";
import { laneProgress } from "../rollout/lanes.ts";
import { begun } from "../rollout/undo.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import { noneOpen } from "./none-open.ts";
import type { Connected } from "./survey.ts";
import { observe, stateOf } from "./survey.ts";
import { withWorld } from "./with-world.ts";

/** `drover rollout status APP`: whether a rollout of the app is open, how far it came and what to type next. */
export async function rolloutStatusCommand(context: Context, app: string): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  return await withWorld(context, files, (connected) => status(context, connected, { files, app }));
}

async function status(
  context: Context,
  connected: Connected,
  { files, app }: { readonly files: FleetFiles; readonly app: string },
): Promise<number> {
  const { open, holder } = stateOf(await observe(context, connected));
  const rollout = open[app];
  if (rollout === undefined) return noneOpen(context, files, app);
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const story = readJournal(await connected.store.read(rollout, limits));
  const running = holder !== null && holder.run !== "" && rollout.startsWith(holder.run);
  if (context.options.output === "json")
    context.print.line(JSON.stringify({ app, open: rollout, running, ...summary(story) }));
  else for (const line of lines(app, story, running)) context.print.line(line);
  return EXIT_CODE.open;
}

function summary(story: JournalStory): object {
  const failed = firstFailure(story.plan, story.state);
  return {
    from: story.plan.from,
    to: story.plan.to,
    operator: story.operator,
    openedAt: story.openedAt,
    hosts: Object.fromEntries(hostFates(story.plan, story.state)),
    failure: failed?.failure ?? null,
  };
}

function lines(app: string, story: JournalStory, running: boolean): readonly string[] {
  const { plan, state, operator, openedAt } = story;
  const direction = effectiveDirection(plan, state);
  const lanes = plan.batches
    .flat()
    .map(
      (lane) =>
        `  ${lane.host}: ${laneWord(begun(lane.stages, state) ? laneProgress(lane, state, direction).kind : "untouched")}`,
    );
  const failed = firstFailure(plan, state);
  const why = failed === null ? [] : [`  ${printable(failed.step.says)}: ${printable(failed.failure.message)}`];
  const since = new Date(openedAt).toISOString();
  return [
    `${app}: rollout ${story.rollout}, ${plan.from ?? "nothing"} → ${plan.to ?? "nothing"}, by ${printable(operator)} since ${since}`,
    ...lanes,
    ...why,
    running ? "  it is running now" : `  nobody runs it; put everything back: drover rollout abort ${app}`,
  ];
}

function laneWord(kind: ReturnType<typeof laneProgress>["kind"]): string {
  switch (kind) {
    case "run":
    case "busy":
      return "under way";
    case "untouched":
      return "not reached";
    case "updated":
      return "updated";
    case "reverted":
      return "reverted";
    case "kept":
      return "could not be taken back, and serves as it is";
    case "stranded":
      return "still drained";
  }
}
