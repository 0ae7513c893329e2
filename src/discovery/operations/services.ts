import type { DnsRecord } from "../../model/dns.ts";
import type { DiscoveryAction } from "../../model/discovery.ts";
import { failure } from "../../model/errors.ts";
import type { Operation } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import { appProblem, epochProblem, ownedSets } from "../claims.ts";
import type { AppRecords, ZoneFacts } from "../facts.ts";
import { noRecords } from "../facts.ts";
import { appOwnerName, appSet, hostOfName, setName } from "../names.ts";
import type { SrvRecord } from "../normalize.ts";
import { setKey, srvRecord } from "../normalize.ts";
import type { OwnerRecord, OwnerState } from "../owner.ts";
import type { Rewrite, SetChange } from "../render.ts";
import { renderUpdate, sizeProblem } from "../render.ts";
import type { Decision } from "./swap.ts";
import { swap } from "./swap.ts";

type Of<Kind extends DiscoveryAction["kind"]> = Extract<DiscoveryAction, { kind: Kind }>;

/** What a server says of an app; nothing where it says nothing. */
export function appFound(facts: ZoneFacts, app: string): AppRecords {
  return facts.apps.get(app) ?? noRecords(app);
}

/** The highest revision that an owner record is read with: fifteen digits. */
const MOST_REVISIONS = 999_999_999_999_999;

/** The owner record after this change. */
export function nextOwner(found: OwnerState, owner: string, { epoch, run }: Warrant): OwnerRecord {
  const last = found.kind === "ours" ? found.record.revision : 0;
  // Nobody counts that far; but somebody may have written it, and then our own record would be none that we read.
  const revision = last < MOST_REVISIONS ? last + 1 : 1;
  return { owner, revision, epoch, run, sets: [] };
}

function refuse(code: "dns-empty", says: string, hint: string): Decision {
  return { kind: "refuse", failure: failure(code, says, hint) };
}

/** One of an app's sets, as it is and as it should be. */
interface Goal {
  readonly set: string;
  readonly after: readonly SrvRecord[];
}

/** The message that brings an app's sets to what they should be. */
function rewrite(
  action: Of<"dns.publish"> | Of<"dns.withdraw">,
  found: AppRecords,
  { goals, warrant, ttl }: { readonly goals: readonly Goal[]; readonly warrant: Warrant; readonly ttl: number },
): Rewrite {
  const { zone, app } = action;
  const owned = new Set(ownedSets(found));
  const sets = goals.map(({ set, after }): SetChange => ({
    name: setName(set, zone.zone),
    type: "SRV",
    before: found.sets.get(set)?.records ?? [],
    after,
    needs: owned.has(set) ? "held" : "free",
  }));
  const filled = goals.filter(({ after }) => after.length > 0).map(({ set }) => set);
  const next = { ...nextOwner(found.owner, zone.owner, warrant), sets: filled };
  return { zone: zone.zone, owner: { name: appOwnerName(app, zone.zone), ttl, found: found.owner, next }, sets };
}

function changed(found: AppRecords, goals: readonly Goal[]): readonly Goal[] {
  return goals.filter(({ set, after }) => setKey(found.sets.get(set)?.records ?? []) !== setKey(after));
}

function count(records: Iterable<{ readonly length: number }>): number {
  return [...records].reduce((sum, each) => sum + each.length, 0);
}

/** What to do about one server's records where these goals are to be reached. */
function decideApp(
  action: Of<"dns.publish"> | Of<"dns.withdraw">,
  found: AppRecords,
  work: { readonly goals: readonly Goal[]; readonly warrant: Warrant; readonly ttl: number },
): Decision {
  const differing = changed(found, work.goals);
  if (differing.length === 0) return { kind: "same" };
  const problem = appProblem(
    found,
    work.goals.map(({ set }) => set),
  );
  const older = problem ?? epochProblem(action.app, found.owner, work.warrant.epoch);
  if (older !== null) return { kind: "refuse", failure: older };
  const whole = rewrite(action, found, work);
  const update = renderUpdate(whole);
  const large = sizeProblem(whole, update);
  if (large !== null) return { kind: "refuse", failure: large };
  const names = differing.map(({ set }) => setName(set, action.zone.zone));
  return { kind: "write", updates: [update], what: `it does not have ${names.join(" and ")} as it should be` };
}

/** See `dns.publish`. */
export function* publish(action: Of<"dns.publish">): Operation {
  const { zone, app, hosts, only } = action;
  const wanted = new Set(hosts.flatMap(({ endpoints }) => endpoints.map(({ set }) => set)));
  return yield* swap({
    zone,
    names: { apps: [{ app, sets: [appSet(app), ...wanted] }], hosts: [] },
    decide: (facts, warrant) => decidePublish(action, appFound(facts, app), { wanted, warrant }),
    removes: only,
  });
}

function decidePublish(
  action: Of<"dns.publish">,
  found: AppRecords,
  { wanted, warrant }: { readonly wanted: ReadonlySet<string>; readonly warrant: Warrant },
): Decision {
  const { app, zone, hosts, ttl, only } = action;
  const named = new Set(hosts.map(({ host }) => host));
  const owned = new Set(ownedSets(found));
  const goals = [...new Set([...owned, ...wanted])].map((set): Goal => {
    const there = only ? [] : (found.sets.get(set)?.records ?? []);
    const staying = there.filter(({ target }) => !named.has(hostOfName(target, zone.zone) ?? ""));
    const coming = hosts.flatMap(({ host, endpoints }) =>
      endpoints.filter((each) => each.set === set).map((each) => srvRecord(zone.zone, host, each, ttl)),
    );
    return { set, after: unique([...staying.map((record) => ({ ...record, ttl })), ...coming]) };
  });
  // Sets that hold the right records by chance, without an owner record that names them, are another's all the same.
  const problem = appProblem(found, wanted);
  if (problem !== null) return { kind: "refuse", failure: problem };
  const emptied = count(goals.map(({ after }) => after)) === 0 && changed(found, goals).length > 0;
  if (emptied) {
    return refuse(
      "dns-empty",
      `nobody would be left in DNS for ${app}`,
      "drover apply --allow-empty does it all the same",
    );
  }
  return decideApp(action, found, { goals, warrant, ttl });
}

function unique(records: readonly SrvRecord[]): readonly SrvRecord[] {
  return [...new Map(records.map((record) => [setKey([record]), record])).values()];
}

/** See `dns.withdraw`. */
export function* withdraw(action: Of<"dns.withdraw">): Operation {
  const { zone, app } = action;
  return yield* swap({
    zone,
    names: { apps: [{ app, sets: [appSet(app)] }], hosts: [] },
    decide: (facts, warrant) => decideWithdraw(action, appFound(facts, app), warrant),
    removes: true,
  });
}

function decideWithdraw(action: Of<"dns.withdraw">, found: AppRecords, warrant: Warrant): Decision {
  const { zone, app, hosts, floor } = action;
  const named = new Set(hosts);
  const owned = new Set(ownedSets(found));
  const without = [...found.sets].map(([set, { records }]): Goal => ({
    set,
    after: records.filter(({ target }) => !named.has(hostOfName(target, zone.zone) ?? "")),
  }));
  // Another's set is of no concern unless it names one of the hosts: then it has to be said that it goes on to do so.
  const goals = without.filter((goal) => owned.has(goal.set) || changed(found, [goal]).length > 0);
  if (changed(found, goals).length === 0) return { kind: "same" };
  const left = found.hosts.filter(({ host }) => !named.has(host)).length;
  const decision = decideApp(action, found, { goals, warrant, ttl: ownerTtl(found) });
  if (decision.kind === "refuse" || left >= floor) return decision;
  const who = left === 1 ? "1 host" : `${String(left)} hosts`;
  const says = `without ${hosts.join(", ")} there would be ${who} in DNS for ${app}, and ${String(floor)} have to stay`;
  return refuse("dns-empty", says, floor === 1 ? "--allow-empty does it all the same" : "wait until others are back");
}

/** The owner record's own TTL, in seconds. */
function ownerTtl({ owner, sets }: AppRecords): number {
  const seen: readonly DnsRecord[] = owner.kind === "none" ? [] : owner.seen;
  return seen[0]?.ttl ?? Math.max(1, ...[...sets.values()].map(({ ttl }) => ttl));
}
