import type { ServiceLedger, ServiceSubject } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Topology } from "../model/topology.ts";
import { addressesOf, serviceOf } from "../discovery/desired.ts";
import type { AppRecords, ZoneFacts } from "../discovery/facts.ts";
import { forget } from "../discovery/steps.ts";
import type { ZonePlan } from "./dns-adopt.ts";
import { longestTtl } from "./dns-view.ts";
import type { DnsInput, HostView } from "./input.ts";
import { PROLOGUE, place } from "./place.ts";
import { WHOLE } from "./whole.ts";

/** What left-over records are looked for in. */
export interface GarbageInput {
  readonly topology: Topology;
  readonly dns: Pick<DnsInput, "zone">;
  /** As the primary told. */
  readonly zone: ZoneFacts;
  readonly views: ReadonlyMap<string, Pick<HostView, "release">>;
  /** Open rollouts by app. */
  readonly open: Readonly<Record<string, string>>;
  /** Whether clients may lose the last they were told of an app. */
  readonly allowEmpty: boolean;
}

/** Takes out what drover wrote for apps and hosts that no file publishes and no host runs. */
export function planGarbage(input: GarbageInput): ZonePlan {
  const apps = leftApps(input).map((found) => ({ found, stays: whyStays(found, input) }));
  const going = apps.flatMap(({ found, stays }) => (stays === null ? [found] : []));
  const hosts = leftHosts(input, going);
  const ttl = Math.max(0, ...going.map((found) => (found.sets.size === 0 ? 0 : longestTtl(found, 0))));
  const subjects = [
    ...going.map(({ app }): ServiceSubject => ({ kind: "app", app })),
    ...hosts.going.map((host): ServiceSubject => ({ kind: "host", host })),
  ];
  // All apps side by side, then one wait for all of them, then the addresses that nobody is told of any more.
  const { zone } = input.dns;
  const drafts = [
    going.flatMap(({ app }) => forget("withdraw", { zone, subject: { kind: "app", app }, oldTtl: 0 }).flat()),
    ...(ttl === 0 ? [] : [waitOf(input, going, ttl)]),
    hosts.going.flatMap((host) => forget("contract", { zone, subject: { kind: "host", host }, oldTtl: 0 }).flat()),
  ];
  const prologue = place(PROLOGUE, drafts);
  const reasons = [
    ...going.map(appReason),
    ...hosts.going.map((host) => `${host}: nothing refers to its addresses any more`),
  ];
  return {
    plan: prologue.length === 0 ? null : { ...WHOLE, dns: "gc", reasons, prologue },
    subjects,
    problems: going.flatMap((found) => emptyProblem(found, input)),
    notes: [...apps.flatMap(({ stays }) => stays ?? []), ...hosts.notes],
  };
}

/** The pause of the app that is remembered longest. */
function waitOf(
  { dns: { zone } }: GarbageInput,
  going: readonly AppRecords[],
  ttl: number,
): ReturnType<typeof forget>[number] {
  const slowest = going.find((found) => longestTtl(found, 0) === ttl);
  const subject = { kind: "app", app: slowest?.app ?? "" } as const;
  return forget("withdraw", { zone, subject, oldTtl: ttl })[1] ?? [];
}

function leftApps({ topology, zone }: GarbageInput): readonly AppRecords[] {
  const wanted = new Set(topology.apps.filter((app) => serviceOf(topology, app) !== null).map(({ name }) => name));
  return [...zone.apps.values()].filter(({ app, owner }) => owner.kind === "ours" && !wanted.has(app));
}

/** Why an app's records are not gc's to take out, and what takes them out; null where they are. */
function whyStays({ app, hosts, odd }: AppRecords, { views, open }: GarbageInput): string | null {
  if (open[app] !== undefined) return `${app}: stays, its rollout ${open[app]} is open → drover rollout abort ${app}`;
  // Nobody is told of it any more, e.g. of an app that goes on without a port: whoever runs it does not need the owner record.
  if (hosts.length + odd.length === 0) return null;
  const running = [...views].flatMap(([host, { release }]) => {
    const runs =
      release.kind === "known" && release.value.apps.some((each) => each.app === app && each.manifest !== null);
    return runs ? [host] : [];
  });
  if (running.length > 0)
    return `${app}: stays, it is still deployed on ${running.join(", ")} → drover apply --allow-empty`;
  const silent = [...views].flatMap(([host, { release }]) => (release.kind === "unknown" ? [host] : []));
  if (silent.length === 0) return null;
  return `${app}: stays, whether ${silent.join(", ")} still runs it is unknown → drover dns gc, once it answers`;
}

function appReason({ app, hosts, odd }: AppRecords): string {
  const names = [...hosts.map(({ host }) => host), ...odd.map(({ target }) => target)];
  return names.length === 0 ? `${app}: its owner record` : `${app}: clients are still told of ${names.join(", ")}`;
}

function emptyProblem({ app, hosts, odd }: AppRecords, { allowEmpty }: GarbageInput): readonly Failure[] {
  if (allowEmpty || hosts.length + odd.length === 0) return [];
  const names = [...hosts.map(({ host }) => host), ...odd.map(({ target }) => target)].join(", ");
  const says = `${app}: clients are still told of ${names}, and would be told of nobody`;
  return [failure("dns-empty", says, "if that is what you want: drover dns gc --allow-empty")];
}

/** Hosts that no file publishes; those that records of apps that stay still refer to stay, too. */
function leftHosts(
  { topology, zone }: GarbageInput,
  going: readonly AppRecords[],
): { readonly going: readonly string[]; readonly notes: readonly string[] } {
  const wanted = new Set(addressesOf(topology).map(({ host }) => host));
  const left = [...zone.hosts.values()].filter(({ host, owner }) => owner.kind === "ours" && !wanted.has(host));
  const staying = [...zone.apps.values()].filter((found) => !going.includes(found));
  const told = left.map(({ host }) => {
    const by = staying.filter(({ hosts }) => hosts.some((each) => each.host === host)).map(({ app }) => app);
    return { host, by };
  });
  return {
    going: told.filter(({ by }) => by.length === 0).map(({ host }) => host),
    notes: told
      .filter(({ by }) => by.length > 0)
      .map(
        ({ host, by }) => `${host}: its addresses stay, ${by.join(", ")} in DNS still refers to them → drover apply`,
      ),
  };
}

/** Names that drover may have written into zones it does not write to any more, a line per zone. */
export function elsewhere(ledger: ServiceLedger | null, zone: string | null): readonly string[] {
  const others = (ledger?.entries ?? []).filter((entry) => entry.zone !== zone);
  return [...Map.groupBy(others, (entry) => entry.zone)].map(([name, entries]) => {
    const names = entries.map((each) => `${each.kind} ${each.name}`).join(", ");
    return `${name}: may still hold what drover wrote there for ${names}; it writes to that zone no more → take it out there, then: drover dns gc --forget ${name}`;
  });
}
