import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import { hostsOf, withoutHosts } from "../rollout/gone.ts";
import { laneProgress } from "../rollout/lanes.ts";
import type { RolloutEvent, RolloutState } from "../rollout/state.ts";
import { reduce, takeOver } from "../rollout/state.ts";
import { withZone, zonesOf } from "../rollout/zone.ts";
import { zoneRef } from "../discovery/desired.ts";
import { Journal, readJournal } from "../exec/journal.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import { zoneKey } from "./dns-key.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import { noneOpen } from "./none-open.ts";
import type { Runner } from "./run-rollout.ts";
import { createRunner, drive } from "./run-rollout.ts";
import type { Connected, Survey } from "./survey.ts";
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
  const key = await zoneKey(context, connected.topology, lease.fingerprintKey);
  const runner = createRunner(context, connected, { lease, secrets: new Map(), dnsKey: key?.key ?? null });
  try {
    const survey = await observe(context, connected);
    const rollout = stateOf(survey).open[app];
    if (rollout === undefined) return noneOpen(context, files, app);
    return await takeBack(runner, { app, rollout, survey });
  } finally {
    await runner.relays.close();
    await lease.release();
  }
}

/** Takes a rollout over and turns it back, unless its journal says that it had ended and only its name was left. */
async function takeBack(
  runner: Runner,
  { app, rollout, survey }: { readonly app: string; readonly rollout: string; readonly survey: Survey },
): Promise<number> {
  const { context, connected, lease } = runner;
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const story = readJournal(await connected.store.read(rollout, limits));
  if (story.closed) {
    await lease.setOpen(app, null);
    context.print.line(`${app}: rollout ${rollout} had already ended`);
    return EXIT_CODE.done;
  }
  const gone = hostsOf(story.plan).difference(new Set(survey.views.keys()));
  for (const host of gone) {
    runner.emit({ kind: "note", host, text: "it has left the inventory: nothing is taken back there" });
  }
  const zone = zoneRef(connected.topology);
  for (const name of zonesOf(story.plan)) {
    if (name === zone?.zone) continue;
    runner.emit({
      kind: "note",
      host: null,
      text: `the files do not name ${name} any more: nothing is taken back there`,
    });
  }
  const plan = withZone(withoutHosts(story.plan, gone), zone);
  const journal = new Journal(rollout, lease, context.clock);
  const events: readonly RolloutEvent[] = [
    takeOver(story.plan, story.state),
    { kind: "turned", direction: "back", why: `aborted by ${context.operator}` },
  ];
  const state = events.reduce(reduce, story.state);
  const blocked = wouldDrain(plan, state) ? silentBalancer(plan, survey) : null;
  if (blocked !== null) {
    tellFailure(context, blocked);
    return EXIT_CODE.unreachable;
  }
  await journal.events(events);
  const { ending } = await drive(runner, { rollout, journal, plan, state });
  return exitCode(ending);
}

/** True when an instance that serves would have to be drained to be taken back. */
function wouldDrain(plan: Plan, state: RolloutState): boolean {
  return plan.batches.flat().some((lane) => {
    const serves = lane.stages
      .flat()
      .some(({ id, action }) => action.kind === "lb.ready" && state.steps[id] !== undefined);
    return serves && laneProgress(lane, state, "back").kind === "run";
  });
}

/** A balancer that cannot take part: draining on the others alone would take capacity away and lead nowhere. */
function silentBalancer(plan: Plan, { views }: Survey): Failure | null {
  for (const host of hostsOf(plan)) {
    const lb = views.get(host)?.lb ?? null;
    if (lb === null || (lb.kind === "known" && lb.value.stable.admin !== null)) continue;
    const why = lb.kind === "unknown" ? [lb.why.message] : ["HAProxy does not answer there"];
    return failure(
      "balancer-answer",
      `nothing was taken back: ${host} would have to take part`,
      `bring it back (drover apply starts HAProxy), or take ${host} out of the inventory, and abort again`,
      why,
    );
  }
  return null;
}
