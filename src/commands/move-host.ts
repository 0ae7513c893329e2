import type { Failure } from "../model/errors.ts";
import { DroverError, failure, isUnreachable } from "../model/errors.ts";
import type { HostMove, Plan } from "../model/plan.ts";
import type { HostDrain, Lease, StateFacts } from "../model/ports.ts";
import type { Topology } from "../model/topology.ts";
import { suggest } from "../inventory/suggest.ts";
import { planMove } from "../plan/drain-plan.ts";
import type { PlanInput } from "../plan/input.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { countsLine, printable } from "../report/words.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import type { Runner } from "./run-rollout.ts";
import { createRunner } from "./run-rollout.ts";
import type { Connected, Survey } from "./survey.ts";
import { acquire, observe, stateOf } from "./survey.ts";
import { findDns } from "./survey-dns.ts";
import { tellFailure } from "./tell.ts";
import { templatesOf } from "./templates.ts";
import { withWorld } from "./with-world.ts";

/** A host's way out or in, planned and safe, with the lease held. */
export interface Move {
  readonly runner: Runner;
  readonly state: StateFacts;
  /** Null: no balancer has to do anything. */
  readonly plan: Plan | null;
  readonly notes: readonly string[];
}

/** What to move, and what to do once it is planned. */
export interface Moving extends HostMove, Allowed {
  /** What the lease is for. */
  readonly purpose: string;
  readonly use: (move: Move) => Promise<number>;
}

/** Lease, survey, plan; then `use`, unless something stands in the way: then nothing is changed. */
export async function moveHost(context: Context, files: FleetFiles, moving: Moving): Promise<number> {
  return await withWorld(context, files, async (connected) => {
    const acquired = await acquire(context, connected.store, moving.purpose);
    if (acquired.kind === "failed") return tellFailure(context, acquired.failure);
    try {
      return await surveyed(context, connected, { lease: acquired.lease, moving });
    } finally {
      await acquired.lease.release();
    }
  });
}

async function surveyed(
  context: Context,
  connected: Connected,
  { lease, moving }: { readonly lease: Lease; readonly moving: Moving },
): Promise<number> {
  const survey = await observe(context, connected);
  const dns = await findDns(context, connected, { survey, fleetKey: lease.fingerprintKey });
  const runner = createRunner(context, connected, { lease, secrets: new Map(), dnsKey: dns.key?.key ?? null });
  try {
    return await planned(runner, { survey, dns: dns.input }, moving);
  } finally {
    await runner.relays.close();
  }
}

async function planned(
  runner: Runner,
  { survey, dns }: { readonly survey: Survey; readonly dns: PlanInput["dns"] },
  { host, to, use, allowEmpty }: Moving,
): Promise<number> {
  const { context, connected, lease } = runner;
  const { topology, fleet } = connected;
  const state = stateOf(survey);
  // A host that has left the inventory can still be taken off the list.
  const isKnown = topology.hosts.some(({ name }) => name === host) || state.drains[host] !== undefined;
  if (!isKnown) return unknownHost(context, host, topology);
  // A host's move reads no artifact, no secret and no certificate.
  const input: PlanInput = {
    topology,
    templates: await templatesOf(context, fleet),
    certificates: new Map(),
    desired: new Map(),
    views: survey.views,
    epoch: lease.epoch,
    running: null,
    open: state.open,
    ledger: state.ledger,
    drains: state.drains,
    dns,
    services: state.services,
    allowEmpty,
  };
  const { plan, problems, notes } = planMove({ host, to }, input);
  return problems.length > 0 ? refuse(context, problems) : await use({ runner, state, plan, notes });
}

/** Says that no host is called so; the exit code. */
export function unknownHost(context: Context, host: string, { hosts }: Topology): number {
  const near = suggest(
    host,
    hosts.map(({ name }) => name),
  );
  const hint = near === null ? "see them all: drover hosts" : `did you mean ${near}?`;
  return tellFailure(context, failure("usage", `there is no host ${JSON.stringify(host)}`, hint));
}

function refuse(context: Context, problems: readonly Failure[]): number {
  const codes = problems.map((problem) => tellFailure(context, problem));
  if (context.options.output === "text") context.print.line("nothing was changed");
  if (problems.some(isUnreachable)) return EXIT_CODE.unreachable;
  return codes.find((code) => code !== EXIT_CODE.failed) ?? EXIT_CODE.failed;
}

/** A host about which no balancer has to do anything, and what is recorded of it. */
export interface Settled {
  readonly host: string;
  readonly says: string;
  readonly notes: readonly string[];
  readonly drain: HostDrain | null;
}

/** Says that the balancers are as they should be, and why the host is out, if it is. */
export function tellSettled(context: Context, { host, says, notes, drain }: Settled): number {
  const { print, options } = context;
  if (options.output === "json") print.line(JSON.stringify({ host, changed: false, drain, notes }));
  else {
    print.line(drain === null ? says : `${says}: ${drainWords(drain)}`);
    for (const note of drain !== null && notes.length === 0 ? [NO_SERVER] : notes) print.line(`  ${printable(note)}`);
    print.line(countsLine({ updated: 0, unchanged: 1, failed: 0, unreachable: 0, notReached: 0 }));
  }
  return EXIT_CODE.done;
}

const NO_SERVER = "no balancer has a server there; what is deployed there while it is drained gets no traffic";

/** Why, by whom and since when a host is out. */
export function drainWords({ reason, operator, since }: HostDrain): string {
  return printable(`${reason} (${operator}, since ${since})`);
}

/** Takes a host off the list of the drained; where that fails the run has ended all the same, and it stays listed. */
export async function forget({ lease, emit }: Runner, host: string): Promise<void> {
  try {
    await lease.setDrain(host, null);
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    emit({ kind: "warning", host, failure: error.failure });
  }
}
