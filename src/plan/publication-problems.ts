import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import { cutBatches } from "./batches.ts";
import { publicationOf } from "./publication.ts";
import type { PlanInput } from "./input.ts";
import type { Situation } from "./situation.ts";
import { recordsFound } from "./dns-view.ts";

/** What keeps an app's plan from changing its records: they are another's, or nobody would be left in them. */
export function publicationProblems(situation: Situation, input: PlanInput): readonly Failure[] {
  const found = recordsFound(situation.name, input);
  if (found === null) return [];
  const [alias] = found.aliases;
  if (alias !== undefined) return [aliased(situation.name, ...alias)];
  if (found.owner.kind !== "ours") return [foreign(situation.name)];
  return input.allowEmpty ? [] : emptied(situation, input);
}

/** An app without which clients of DNS would be told of nobody: for the time of a batch, or for good. */
function emptied(situation: Situation, input: PlanInput): readonly Failure[] {
  const { name, app, changed, fresh } = situation;
  const before = (recordsFound(name, input)?.hosts ?? []).map(({ host }) => host);
  if (before.length === 0) return [];
  if (app === null) return [emptyFailure(name, before)];
  const settled = publicationOf(situation, input).settled.map(({ host }) => host);
  if (settled.length === 0) return [emptyFailure(name, before)];
  const coming = fresh.map(({ host }) => host).filter((host) => input.drains[host] === undefined);
  const inDns = new Set([...settled, ...coming]);
  const candidates = changed.map(({ desired: { host }, wasReady }) => ({ host, wasReady }));
  const whole = cutBatches(candidates, app.rollout.serial).find((batch) => {
    return [...inDns].every((host) => batch.some((each) => each.host === host));
  });
  if (whole !== undefined)
    return [
      emptyFailure(
        name,
        whole.map(({ host }) => host),
      ),
    ];
  const stays = [...inDns].some((host) => !situation.leaving.some((each) => each.host === host));
  return stays ? [] : [emptyFailure(name, [...inDns])];
}

/** Without these hosts DNS would name no instance of an app. */
export function emptyFailure(app: string, hosts: readonly string[]): Failure {
  const what = `${app}: without ${hosts.join(", ")} nobody who asks DNS would be told of any instance`;
  return failure("dns-empty", what, "if that is what you want: --allow-empty");
}

function aliased(app: string, set: string, target: string): Failure {
  const what = `${app}: ${set} is an alias (CNAME) of ${target} in DNS, and no record can stand beside one`;
  return failure("dns-foreign", what, "remove the alias where it was made, and try again");
}

function foreign(app: string): Failure {
  return failure(
    "dns-foreign",
    `${app}: its records in DNS were not written by this fleet`,
    `see them: drover dns show ${app}; take them over: drover dns adopt ${app}`,
  );
}
