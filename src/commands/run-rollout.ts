import type { DnsKey } from "../model/dns.ts";
import type { Ending, RunEvent } from "../model/event.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import type { Lease } from "../model/ports.ts";
import type { Secret } from "../model/secret.ts";
import type { Fate } from "../exec/conclude.ts";
import { conclude, hostFates } from "../exec/conclude.ts";
import type { ExecDeps, Untimed } from "../exec/deps.ts";
import { Journal } from "../exec/journal.ts";
import { Relays } from "../exec/relays.ts";
import type { PlanEnd } from "../exec/run-plan.ts";
import { runPlan } from "../exec/run-plan.ts";
import { operate, relayCommand } from "../plan/operate.ts";
import { planSubject } from "../plan/subject.ts";
import { jsonReporter } from "../report/run-json.ts";
import { textReporter } from "../report/run-text.ts";
import type { RolloutState } from "../rollout/state.ts";
import { INITIAL } from "../rollout/state.ts";
import type { Context } from "./context.ts";
import { onStop } from "./context.ts";
import { editFleetFile } from "./edit-file.ts";
import type { Connected } from "./survey.ts";

/** Everything a run of plans shares. */
export interface Runner {
  readonly context: Context;
  readonly connected: Connected;
  readonly lease: Lease;
  readonly deps: ExecDeps;
  readonly relays: Relays;
  readonly emit: (event: Untimed) => void;
}

/** Wires a run: reporter, relays, and what steps are carried out with. */
export function createRunner(
  context: Context,
  connected: Connected,
  use: { readonly lease: Lease; readonly secrets: ReadonlyMap<string, Secret>; readonly dnsKey: DnsKey | null },
): Runner {
  const report = context.options.output === "json" ? jsonReporter(context.print.line) : textReporter(context.print);
  const emit = (event: Untimed): void => {
    const timed: RunEvent = { ...event, at: context.clock.now() };
    report(timed);
  };
  const { transport, dns } = connected;
  const deps: ExecDeps = {
    transport,
    files: context.files,
    clock: context.clock,
    dns,
    dnsKey: use.dnsKey,
    // The fleet's name goes along: a host says later whose it is.
    warrant: { run: `${connected.topology.fleet}/${use.lease.run}`, epoch: use.lease.epoch },
    operate,
    relay: relayCommand,
    secrets: use.secrets,
    edit: (edit) => editFleetFile(context.files, edit),
    emit,
    forks: context.options.forks,
  };
  return { context, connected, lease: use.lease, deps, relays: new Relays(transport, relayCommand), emit };
}

/** How a plan's run ended, and what became of every host in it. */
export interface RolloutEnd {
  readonly ending: Ending;
  readonly fates: ReadonlyMap<string, Fate>;
}

/** Opens a rollout, runs its plan and closes it, or leaves it open. `rest` is what the command means to run after it. */
export async function runRollout(runner: Runner, plan: Plan, rest: readonly Plan[]): Promise<RolloutEnd> {
  const rollout = `${runner.lease.run}-${labelOf(plan)}`;
  const journal = new Journal(rollout, runner.lease, runner.context.clock);
  await journal.write([{ kind: "opened", rollout, operator: runner.context.operator, plan }]);
  if (plan.app !== null) await runner.lease.setOpen(plan.app, rollout);
  return await drive(runner, { rollout, journal, plan, state: INITIAL }, rest);
}

/** What a plan's journal is called by, besides its run. */
function labelOf({ app, firewall, dns, move }: Plan): string {
  if (app !== null) return app;
  if (dns !== undefined) return `dns-${dns}`;
  if (firewall !== undefined) return `firewall-${firewall}`;
  return move === undefined ? "balancers" : "drain";
}

/** One rollout on its way, fresh or taken over. */
export interface Underway {
  readonly rollout: string;
  readonly journal: Journal;
  readonly plan: Plan;
  readonly state: RolloutState;
}

/** Runs a rollout's plan from the given state to an end, and writes down how it ended. */
export async function drive(
  runner: Runner,
  { rollout, journal, plan, state }: Underway,
  rest: readonly Plan[] = [],
): Promise<RolloutEnd> {
  const { context, lease, deps, relays, emit } = runner;
  emit({ kind: "run-started", rollout, plan, back: state.direction === "back" });
  const { interrupts, confirm, options } = context;
  const result = await runPlan({
    plan,
    state,
    journal,
    lease,
    relays,
    deps,
    steering: {
      subscribe: (listener) => {
        onStop(interrupts, listener);
      },
      drop: interrupts.drop,
      ask: async (batch) => options.yes || (await confirm?.(`go on with batch ${String(batch + 1)}?`)) === true,
    },
  });
  const { ending, counts } = conclude(plan, result, interrupts.stop.aborted);
  await writeEnd(runner, { journal, plan, result, ending });
  if (ending.kind !== "done" && rest.length > 0) emit({ kind: "warning", host: null, failure: notBegun(plan, rest) });
  emit({ kind: "run-ended", rollout, app: plan.app, ending, counts });
  return { ending, fates: hostFates(plan, result.state) };
}

/** What else was to change: an app that nobody mentions would be taken for one that is as its file says. */
function notBegun(stopped: Plan, rest: readonly Plan[]): Failure {
  return failure(
    "interrupted",
    `not begun, because ${planSubject(stopped)} did not come through: ${[...new Set(rest.map(planSubject))].join(", ")}`,
    "what is left to do: drover plan",
  );
}

/** A rollout that came to a real end needs nobody any more; any other stays open and keeps its app to itself. */
async function writeEnd(
  { lease, emit }: Runner,
  end: { readonly journal: Journal; readonly plan: Plan; readonly result: PlanEnd; readonly ending: Ending },
): Promise<void> {
  const closed = end.result.end.kind !== "open";
  try {
    await end.journal.write([{ kind: closed ? "closed" : "left", ending: end.ending }]);
    if (closed && end.plan.app !== null) await lease.setOpen(end.plan.app, null);
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    emit({ kind: "warning", host: null, failure: error.failure });
  }
}
