import { DroverError, failure } from "../model/errors.ts";
import { canonicalJson } from "../model/hash.ts";
import type { Plan } from "../model/plan.ts";
import type { ServiceLedger } from "../model/discovery.ts";
import type { Topology } from "../model/topology.ts";
import { ledgerAfter } from "../plan/firewall-ledger.ts";
import type { FleetPlan } from "../plan/fleet-plan.ts";
import { namesAfter, namesBefore } from "../plan/services-ledger.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import { countsLine, printable } from "../report/words.ts";
import { refused } from "./ask.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import type { Prepared, Preparation } from "./prepare.ts";
import { prepare } from "./prepare.ts";
import type { Runner } from "./run-rollout.ts";
import { createRunner, runRollout } from "./run-rollout.ts";
import type { Connected } from "./survey.ts";
import { stateOf } from "./survey.ts";
import { skippedCode, tellFailure, tellProblems } from "./tell.ts";
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
  const { fleetPlan, lease, secrets, dnsKey } = prepared;
  const problems = tellProblems(context, fleetPlan);
  if (problems !== null) return problems;
  for (const skipped of fleetPlan.skipped) tellFailure(context, skipped);
  if (context.options.output === "text")
    for (const note of fleetPlan.notes) context.print.line(printable(`note: ${note}`));
  if (fleetPlan.plans.length === 0) {
    await remember(context, connected, prepared, []);
    return nothingToDo(context, connected, fleetPlan);
  }
  const refusal = ask ? await refused(context, fleetPlan.plans, "drover apply") : null;
  if (refusal !== null) return refusal;
  if (lease === null) throw new DroverError(failure("bug", "a change was begun without the lease"));
  await rememberNames(connected, prepared, namesBefore);
  const runner = createRunner(context, connected, { lease, secrets, dnsKey });
  try {
    const { code, behind } = await runAll(runner, fleetPlan.plans);
    await remember(context, connected, prepared, behind);
    if (code === EXIT_CODE.done && fleetPlan.whole) await rememberNames(connected, prepared, namesAfter);
    return code === EXIT_CODE.done ? skippedCode(fleetPlan) : code;
  } finally {
    await runner.relays.close();
  }
}

/** One plan after the other, and none after one that failed: but what is only closed is closed wherever it can be. */
async function runAll(
  runner: Runner,
  plans: readonly Plan[],
): Promise<{ readonly code: number; readonly behind: readonly string[] }> {
  const behind: string[] = [];
  let code: number = EXIT_CODE.done;
  for (const [index, plan] of plans.entries()) {
    if (code !== EXIT_CODE.done && !isClosing(plan)) {
      behind.push(...firewallHosts(plan));
      continue;
    }
    // oxlint-disable-next-line no-await-in-loop -- one rollout after the other
    const { ending, fates } = await runRollout(runner, plan, plans.slice(index + 1));
    behind.push(...firewallHosts(plan).filter((host) => fates.get(host) !== "updated"));
    if (ending.kind === "done") continue;
    code = exitCode(ending);
    if (ending.kind === "open" && isClosing(plan)) continue;
    return { code, behind: [...behind, ...plans.slice(index + 1).flatMap(firewallHosts)] };
  }
  return { code, behind };
}

/** Host by host it takes away what is not wanted any more: another such plan does not depend on it. */
function isClosing({ firewall, batches }: Plan): boolean {
  return firewall !== undefined && batches.length > 0;
}

function firewallHosts(plan: Plan): readonly string[] {
  if (plan.firewall === undefined) return [];
  return [...plan.prologue, ...plan.batches.flatMap((batch) => batch.flatMap(({ stages }) => stages))]
    .flat()
    .flatMap(({ host }) => host ?? []);
}

/** Remembers whose addresses were let in where, once firewalls have been brought into line or some were left behind. */
async function remember(
  { clock }: Pick<Context, "clock">,
  { topology }: Connected,
  prepared: Prepared,
  behind: readonly string[],
): Promise<void> {
  const { fleetPlan, lease, survey } = prepared;
  if (fleetPlan.behind === null || lease === null || lease.lost.aborted) return;
  const before = stateOf(survey).ledger;
  const now = new Date(clock.now()).toISOString();
  const after = ledgerAfter(topology, before, { behind: [...fleetPlan.behind, ...behind], now });
  if (canonicalJson(after) !== canonicalJson(before)) await lease.setLedger(after);
}

/** Remembers which names drover may have written in DNS: before the first of them is, and once what is left is known. */
async function rememberNames(
  { topology }: Connected,
  { lease, survey }: Prepared,
  next: (topology: Topology, before: ServiceLedger | null) => ServiceLedger | null,
): Promise<void> {
  const before = stateOf(survey).services;
  const after = next(topology, before);
  if (lease === null || lease.lost.aborted || after === null) return;
  if (canonicalJson(after) !== canonicalJson(before)) await lease.setServices(after);
}

function nothingToDo(context: Context, { topology }: Connected, { skipped }: FleetPlan): number {
  const open = skipped.length > 0;
  const unchanged = new Set(topology.apps.flatMap((app) => app.instances.map((instance) => instance.host))).size;
  if (context.options.output === "json") context.print.line(JSON.stringify({ plans: [], open }));
  else {
    if (!open) context.print.line("no difference");
    context.print.line(countsLine({ updated: 0, unchanged, failed: 0, unreachable: 0, notReached: 0 }));
  }
  return skippedCode({ skipped });
}
