import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import { appProblem } from "../discovery/claims.ts";
import { serviceOf } from "../discovery/desired.ts";
import { cutBatches } from "./batches.ts";
import { publicationOf } from "./publication.ts";
import type { PlanInput } from "./input.ts";
import type { Situation } from "./situation.ts";
import { recordsFound } from "./dns-view.ts";

/** What keeps an app's plan from changing its records: they are another's, or nobody would be left in them. */
export function publicationProblems(situation: Situation, input: PlanInput): readonly Failure[] {
  const found = recordsFound(situation.name, input);
  if (found === null) return [];
  const service = situation.app === null ? null : serviceOf(input.topology, situation.app);
  const wanted = (service?.hosts ?? []).flatMap(({ endpoints }) => endpoints.map(({ set }) => set));
  const problem = appProblem(found, new Set([...wanted, ...found.sets.keys(), ...found.aliases.keys()]));
  if (problem !== null) return service === null ? [] : [problem];
  return input.allowEmpty ? [] : emptied(situation, input);
}

/** An app without which clients of DNS would be told of nobody: for the time of a batch, or for good. */
function emptied(situation: Situation, input: PlanInput): readonly Failure[] {
  const { name, app, changed } = situation;
  const before = (recordsFound(name, input)?.hosts ?? []).map(({ host }) => host);
  if (before.length === 0) return [];
  if (app === null || serviceOf(input.topology, app) === null) return [leavingFailure(name, before)];
  const settled = publicationOf(situation, input).settled.map(({ host }) => host);
  if (settled.length === 0) return [emptyFailure(name, before)];
  const told = reliable(situation, settled, input);
  const candidates = changed.map(({ desired: { host }, wasReady }) => ({ host, wasReady }));
  const batches = cutBatches(candidates, app.rollout.serial).map((batch) => batch.map(({ host }) => host));
  const leaving = situation.leaving.map(({ host }) => host);
  const whole = [...batches, leaving].find((gone) => told.every((host) => gone.includes(host)));
  return whole === undefined ? [] : [emptyFailure(name, whole)];
}

/** Whom clients are told of and can rely on; where nobody serves, whoever they are told of. */
function reliable({ ready, fresh }: Situation, settled: readonly string[], { drains }: PlanInput): readonly string[] {
  const coming = fresh.map(({ host }) => host).filter((host) => drains[host] === undefined);
  const healthy = [...settled.filter((host) => ready.has(host)), ...coming];
  return healthy.length > 0 ? healthy : [...settled, ...coming];
}

function leavingFailure(app: string, hosts: readonly string[]): Failure {
  const what = `${app}: no file gives it a port any more, and clients of DNS are still told of ${hosts.join(", ")}`;
  return failure("dns-empty", what, "if it is to go for good: --allow-empty; else put its file, or its port, back");
}

/** Without these hosts DNS would name no instance of an app. */
export function emptyFailure(app: string, hosts: readonly string[]): Failure {
  const what = `${app}: without ${hosts.join(", ")} nobody who asks DNS would be told of any instance`;
  return failure("dns-empty", what, "if that is what you want: --allow-empty");
}
