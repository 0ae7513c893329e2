import type { ServiceSubject } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import { appProblem, hostProblem, nothingThere, ownedSets, takeoverProblem } from "../discovery/claims.ts";
import { addressTtlOf, addressesOf, serviceOf } from "../discovery/desired.ts";
import { diffAddresses, diffService } from "../discovery/diff.ts";
import { noAddresses, noRecords } from "../discovery/facts.ts";
import type { AppRecords, HostRecords, ZoneFacts } from "../discovery/facts.ts";
import type { OwnerState } from "../discovery/owner.ts";
import { adopt } from "../discovery/steps.ts";
import type { DnsInput } from "./input.ts";
import { PROLOGUE, place } from "./place.ts";
import type { Topology } from "../model/topology.ts";
import { WHOLE } from "./whole.ts";

/** What is to be taken over. */
export interface AdoptionInput {
  readonly topology: Topology;
  readonly dns: Pick<DnsInput, "zone">;
  /** As the primary told. */
  readonly zone: ZoneFacts;
  /** Called so in the files: an app, a host, or one of each. */
  readonly subjects: readonly ServiceSubject[];
  /** The fleet to take it from; null: from nobody. */
  readonly from: string | null;
}

/** A plan without any app, or why there is none. */
export interface ZonePlan {
  /** Null: there is nothing to do. */
  readonly plan: Plan | null;
  readonly subjects: readonly ServiceSubject[];
  readonly problems: readonly Failure[];
  readonly notes: readonly string[];
}

/** One subject's part of the plan. */
type Part =
  | { readonly kind: "take"; readonly sets: readonly string[]; readonly reasons: readonly string[] }
  | { readonly kind: "ours" }
  | { readonly kind: "nothing" }
  | { readonly kind: "unwanted" }
  | { readonly kind: "problem"; readonly problem: Failure };

/** Takes over what stands in the zone under a name, as it stands: no answer changes. */
export function planAdoption(input: AdoptionInput): ZonePlan {
  const { dns, subjects, from } = input;
  const parts = subjects.map((subject) => {
    const part = subject.kind === "app" ? appPart(subject.app, input) : hostPart(subject.host, input);
    return { subject, part };
  });
  const taken = parts.flatMap(({ subject, part }) => (part.kind === "take" ? [{ subject, part }] : []));
  const prologue = place(
    PROLOGUE,
    taken.flatMap(({ subject, part }) => adopt({ zone: dns.zone, subject, sets: part.sets, from })),
  );
  const reasons = taken.flatMap(({ part }) => part.reasons);
  const problems = parts.flatMap(({ part }) => (part.kind === "problem" ? [part.problem] : []));
  return {
    plan: prologue.length === 0 ? null : { ...WHOLE, dns: "adopt", reasons, prologue },
    subjects: taken.map(({ subject }) => subject),
    problems:
      problems.length === 0
        ? fruitless(
            parts.map(({ part }) => part),
            nameOf(subjects[0]),
          )
        : problems,
    notes: parts.flatMap(({ subject, part }) =>
      part.kind === "ours" ? [`${nameOf(subject)} is this fleet's already`] : [],
    ),
  };
}

/** Why nothing at all is to be taken over; none where something is, or is this fleet's already. */
function fruitless(parts: readonly Part[], name: string): readonly Failure[] {
  if (parts.some(({ kind }) => kind === "take" || kind === "ours")) return [];
  return [parts.some(({ kind }) => kind === "nothing") ? nothingThere(name) : unwanted(name)];
}

function nameOf(subject: ServiceSubject | undefined): string {
  if (subject === undefined) return "it";
  return subject.kind === "app" ? subject.app : subject.host;
}

function problem(why: Failure): Part {
  return { kind: "problem", problem: why };
}

/** What nobody publishes would be taken out again by the next apply: that is no way to keep it. */
function unwanted(name: string): Failure {
  const says = `the files do not publish ${name}: the next apply would take out what is taken over now`;
  return failure("usage", says, "give the app a port, or the host an app with one; then again");
}

function appPart(app: string, { topology, zone, from }: AdoptionInput): Part {
  const file = topology.apps.find(({ name }) => name === app);
  const service = file === undefined ? null : serviceOf(topology, file);
  if (service === null) return { kind: "unwanted" };
  const found = zone.apps.get(app) ?? noRecords(app);
  if (isNothing(found.owner, found.sets.size + found.aliases.size)) return { kind: "nothing" };
  const [alias] = found.aliases.keys();
  const why =
    takeoverProblem(app, found.owner, from) ?? (alias === undefined ? null : appProblem(asNobodys(found), [alias]));
  if (why !== null) return problem(why);
  const sets = [...found.sets.keys()];
  if (found.owner.kind === "ours" && sets.every((set) => ownedSets(found).includes(set))) return { kind: "ours" };
  const diff = diffService(service.hosts, service.ttl, { ...found, owner: owning(sets) });
  const count = [...found.sets].map(([set, { records }]) => `${set} (${String(records.length)})`);
  const what = `${app}: ${count.length === 0 ? "its owner record" : count.join(", ")}`;
  return { kind: "take", sets, reasons: [what, ...later(diff.kind === "same" ? [] : diff.reasons)] };
}

function hostPart(host: string, { topology, zone, from }: AdoptionInput): Part {
  const wanted = addressesOf(topology).find((each) => each.host === host);
  if (wanted === undefined) return { kind: "unwanted" };
  const found = zone.hosts.get(host) ?? noAddresses(host);
  if (isNothing(found.owner, found.records.length + (found.alias === null ? 0 : 1))) return { kind: "nothing" };
  const alias = found.alias === null ? null : hostProblem(asNobodys(found));
  const why = takeoverProblem(host, found.owner, from) ?? alias;
  if (why !== null) return problem(why);
  if (found.owner.kind === "ours") return { kind: "ours" };
  const diff = diffAddresses(wanted, addressTtlOf(topology), { ...found, owner: owning([]) });
  const what = `${host}: ${found.addresses.length === 0 ? "its owner record" : found.addresses.join(", ")}`;
  return { kind: "take", sets: [], reasons: [what, ...later(diff.kind === "same" ? [] : diff.reasons)] };
}

function isNothing(owner: OwnerState, count: number): boolean {
  return owner.kind === "none" && count === 0;
}

function asNobodys<T extends AppRecords | HostRecords>(found: T): T {
  return { ...found, owner: { kind: "none" } };
}

/** As it will be once it is taken over. */
function owning(sets: readonly string[]): OwnerState {
  return { kind: "ours", record: { owner: "", revision: 1, epoch: 0, run: "", sets }, seen: [] };
}

/** What an apply changes once it is this fleet's. */
function later(reasons: readonly string[]): readonly string[] {
  return reasons.map((reason) => `the next apply puts right: ${reason}`);
}
