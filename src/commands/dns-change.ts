import type { ServiceLedger } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure, isUnreachable } from "../model/errors.ts";
import { canonicalJson } from "../model/hash.ts";
import type { Lease, StateFacts } from "../model/ports.ts";
import type { ZoneFacts } from "../discovery/facts.ts";
import type { ZonePlan } from "../plan/dns-adopt.ts";
import { dnsUnknowns } from "../plan/dns-plan.ts";
import type { DnsInput } from "../plan/input.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import { countsLine, printable } from "../report/words.ts";
import { refused } from "./ask.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { createRunner, runRollout } from "./run-rollout.ts";
import type { Connected } from "./survey.ts";
import { acquire, stateOf } from "./survey.ts";
import type { DnsFound } from "./survey-dns.ts";
import { findDns } from "./survey-dns.ts";
import { tellFailure } from "./tell.ts";
import { withWorld } from "./with-world.ts";
import type { ZoneSurvey } from "./zone-survey.ts";

/** What a change of the zone alone is made from. */
export interface ZoneSeen<Seen extends ZoneSurvey> {
  readonly dns: DnsInput;
  /** As the primary told. */
  readonly zone: ZoneFacts;
  readonly survey: Seen;
  readonly state: StateFacts;
}

/** What is to be done, and what is remembered of it. */
export interface ZoneChange extends ZonePlan {
  /** Names that may be in zones: written down before anything is written there, and once it came through. */
  readonly before: ServiceLedger | null;
  readonly after: ServiceLedger | null;
}

/** A command that changes the zone and nothing else. */
export interface ZoneWork<Seen extends ZoneSurvey> {
  /** As it was typed, for the lease and for hints. */
  readonly command: string;
  readonly look: (context: Context, connected: Connected) => Promise<Seen>;
  readonly decide: (seen: ZoneSeen<Seen>) => ZoneChange;
}

/** Lease, look, plan, question, and then the one plan; without anything to do, nothing but what is remembered changes. */
export async function changeZone<Seen extends ZoneSurvey>(
  context: Context,
  files: FleetFiles,
  work: ZoneWork<Seen>,
): Promise<number> {
  return await withWorld(context, files, async (connected) => {
    const acquired = await acquire(context, connected.store, work.command.replace(/^drover /, ""));
    if (acquired.kind === "failed") return tellFailure(context, acquired.failure);
    const { lease } = acquired;
    try {
      const survey = await work.look(context, connected);
      const state = stateOf(survey);
      const found = await findDns(context, connected, { survey, fleetKey: lease.fingerprintKey });
      if (found.input === null) throw new DroverError(failure("bug", "the zone was not looked at"));
      const unheard = unheardOf(found.input);
      if (unheard !== null) return refuse(context, unheard);
      const { facts } = found.input.view.primary;
      if (facts.kind === "unknown") return refuse(context, [facts.why]);
      const change = work.decide({ dns: found.input, zone: facts.value, survey, state });
      return await carryOut({ context, connected, lease, found, state }, change, work.command);
    } finally {
      await lease.release();
    }
  });
}

function unheardOf(dns: DnsInput): readonly Failure[] | null {
  const { problems } = dnsUnknowns({ dns });
  return problems.length === 0 ? null : problems;
}

function refuse(context: Context, problems: readonly Failure[]): number {
  const codes = problems.map((problem) => tellFailure(context, problem));
  if (context.options.output === "text") context.print.line("nothing was changed");
  if (problems.some(isUnreachable)) return EXIT_CODE.unreachable;
  return codes.find((code) => code !== EXIT_CODE.failed) ?? EXIT_CODE.failed;
}

/** Everything it takes to change the zone. */
interface Means {
  readonly context: Context;
  readonly connected: Connected;
  readonly lease: Lease;
  readonly found: DnsFound;
  readonly state: StateFacts;
}

async function carryOut(means: Means, change: ZoneChange, command: string): Promise<number> {
  const { context, connected, lease, found } = means;
  const { plan, problems, notes } = change;
  if (problems.length > 0) return refuse(context, problems);
  if (plan === null) {
    await remember(means, change.after);
    return nothingToDo(context, notes);
  }
  if (context.options.output === "text") for (const note of notes) context.print.line(printable(`note: ${note}`));
  const refusal = await refused(context, [plan], command);
  if (refusal !== null) return refusal;
  await remember(means, change.before);
  const runner = createRunner(context, connected, { lease, secrets: new Map(), dnsKey: found.key?.key ?? null });
  try {
    const { ending } = await runRollout(runner, plan, []);
    if (ending.kind === "done")
      await remember({ ...means, state: { ...means.state, services: change.before } }, change.after);
    return exitCode(ending);
  } finally {
    await runner.relays.close();
  }
}

/** Writes down which names may be in zones, where that is not what is written already. */
export async function remember(
  { lease, state }: { readonly lease: Lease; readonly state: Pick<StateFacts, "services"> },
  next: ServiceLedger | null,
): Promise<void> {
  if (next === null || lease.lost.aborted) return;
  if (canonicalJson(next) !== canonicalJson(state.services)) await lease.setServices(next);
}

/** Says that nothing in any zone has to change. */
export function nothingToDo({ print, options }: Context, notes: readonly string[]): number {
  if (options.output === "json") print.line(JSON.stringify({ plans: [], notes }));
  else {
    for (const note of notes) print.line(printable(`note: ${note}`));
    print.line("no difference");
    print.line(countsLine({ updated: 0, unchanged: 0, failed: 0, unreachable: 0, notReached: 0 }));
  }
  return EXIT_CODE.done;
}
