import type { Ending } from "../model/event.ts";
import type { RolloutEvent } from "../rollout/state.ts";
import { reduce, takeOver } from "../rollout/state.ts";
import { Journal, readJournal } from "../exec/journal.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import { noneOpen } from "./none-open.ts";
import type { Runner } from "./run-rollout.ts";
import { createRunner, drive } from "./run-rollout.ts";
import type { Connected } from "./survey.ts";
import { acquire, observe, stateOf } from "./survey.ts";
import { tellFailure } from "./tell.ts";
import { withWorld } from "./with-world.ts";

/** `drover rollout abort APP`: puts everything back that the app's open rollout has changed, and closes it. */
export async function rolloutAbortCommand(context: Context, app: string): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  return await withWorld(context, files, (connected) => abort(context, connected, { files, app }));
}

async function abort(
  context: Context,
  connected: Connected,
  { files, app }: { readonly files: FleetFiles; readonly app: string },
): Promise<number> {
  const acquired = await acquire(context, connected.store, `abort of the rollout of ${app}`);
  if (acquired.kind === "failed") return tellFailure(context, acquired.failure);
  const { lease } = acquired;
  const runner = createRunner(context, connected, { lease, secrets: new Map() });
  try {
    const rollout = stateOf(await observe(context, connected)).open[app];
    if (rollout === undefined) return noneOpen(context, files, app);
    const ending = await takeBack(runner, app, rollout);
    return ending === null ? EXIT_CODE.done : exitCode(ending);
  } finally {
    await runner.relays.close();
    await lease.release();
  }
}

/** Takes a rollout over and turns it back; null when its journal says that it had ended and only its name was left. */
async function takeBack(runner: Runner, app: string, rollout: string): Promise<Ending | null> {
  const { context, connected, lease } = runner;
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const story = readJournal(await connected.store.read(rollout, limits));
  if (story.closed) {
    await lease.setOpen(app, null);
    context.print.line(`${app}: rollout ${rollout} had already ended`);
    return null;
  }
  const journal = new Journal(rollout, lease, context.clock);
  const events: readonly RolloutEvent[] = [
    takeOver(story.plan, story.state),
    { kind: "turned", direction: "back", why: `aborted by ${context.operator}` },
  ];
  await journal.events(events);
  return await drive(runner, {
    rollout,
    journal,
    plan: story.plan,
    state: events.reduce(reduce, story.state),
  });
}
