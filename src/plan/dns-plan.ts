import type { Failure } from "../model/errors.ts";
import { failure, isUnreachable } from "../model/errors.ts";
import type { HostAddresses } from "../model/discovery.ts";
import type { NamedModel } from "../model/named.ts";
import type { DnsPart, Plan } from "../model/plan.ts";
import { addressTtlOf, addressesOf, serviceOf, serviceProblems } from "../discovery/desired.ts";
import { diffAddresses } from "../discovery/diff.ts";
import { forget, publishAddresses } from "../discovery/steps.ts";
import type { DraftStages } from "../lb/steps.ts";
import type { NamedFacts } from "../named/facts.ts";
import { removeNamed, previousOf } from "../named/steps.ts";
import { zoneFound } from "./dns-view.ts";
import { planResolvers } from "./dns-resolvers.ts";
import { planServers } from "./dns-servers.ts";
import type { Scope } from "./fleet-plan.ts";
import type { PlanInput } from "./input.ts";
import { newerRecords } from "./newer-records.ts";
import { PROLOGUE, place } from "./place.ts";
import { WHOLE } from "./whole.ts";

/** Stages of one part, and why. */
export interface DnsStages {
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
  readonly problems: readonly Failure[];
}

/** The plans about DNS itself, and what stands in their way. */
export interface DnsPlans {
  /** Before the apps: the zone's servers, the addresses of hosts, how hosts find names. */
  readonly first: readonly Plan[];
  /** The zone's servers alone: what can be done where the zone does not answer because they do not run. */
  readonly servers: readonly Plan[];
  /** After the apps: what nobody needs any more. */
  readonly last: readonly Plan[];
  readonly problems: readonly Failure[];
  /** Servers that did not tell what the zone holds, where anything depends on that. */
  readonly unheard: readonly Failure[];
  /** Servers that did not tell, and are passed over as the fleet says. */
  readonly passed: readonly Failure[];
  readonly notes: readonly string[];
}

const NOTHING: DnsPlans = { first: [], servers: [], last: [], problems: [], unheard: [], passed: [], notes: [] };

/** Brings the zone's servers, the hosts' addresses and the hosts' resolvers to what the files say. */
export function planDns(input: PlanInput, scope: Scope, apps: readonly string[]): DnsPlans {
  const needed = isNeeded(input, scope, apps);
  const { problems: unheard, passed } = needed ? dnsUnknowns(input) : { problems: [], passed: [] };
  const newer = needed ? newerRecords(input) : [];
  if (scope.kind === "app") return { ...NOTHING, problems: newer, unheard, passed };
  const servers = planServers(input);
  const resolvers = planResolvers(input);
  const ordered = (...all: readonly (Plan | null)[]): readonly Plan[] => all.flatMap((plan) => plan ?? []);
  return {
    first: ordered(
      planOf("servers", servers),
      planOf("names", addressesPart(input)),
      planOf("resolvers", resolvers.first),
    ),
    servers: ordered(planOf("servers", servers)),
    last: ordered(planOf("farewell", farewell(input, resolvers.last))),
    problems: [
      ...newer,
      ...servers.problems,
      ...resolvers.first.problems,
      ...serviceProblems(input.topology),
      ...zoneLost(input),
    ],
    unheard,
    passed,
    notes: formerZones(input),
  };
}

/** Zones that drover has written to and that the files do not name any more: what is there is out of reach. */
function formerZones({ services, topology }: PlanInput): readonly string[] {
  const zones = new Set((services?.entries ?? []).map(({ zone }) => zone));
  return [...zones]
    .filter((zone) => zone !== topology.dns?.zone?.name)
    .map(
      (zone) =>
        `names of this fleet may still be in ${zone}, which the files do not name any more → take them out at its servers, where it has any, then: drover dns gc --forget ${zone}`,
    );
}

/** Whether a command depends on what the zone says: everything does, and an app that is in it or is to be. */
function isNeeded({ dns, topology }: PlanInput, scope: Scope, apps: readonly string[]): boolean {
  if (dns === null || scope.kind === "fleet") return dns !== null;
  return topology.apps.some((app) => apps.includes(app.name) && serviceOf(topology, app) !== null);
}

function planOf(part: DnsPart, { stages, reasons }: Pick<DnsStages, "stages" | "reasons">): Plan | null {
  const prologue = place(PROLOGUE, stages);
  return prologue.length === 0 ? null : { ...WHOLE, dns: part, reasons, prologue };
}

/** Addresses before anything refers to them. */
function addressesPart(input: PlanInput): DnsStages {
  const { dns, topology } = input;
  const zone = zoneFound(input);
  if (dns === null || zone === null) return { stages: [], reasons: [], problems: [] };
  const ttl = addressTtlOf(topology);
  const differing = addressesOf(topology).flatMap((wanted) => {
    const found = zone.hosts.get(wanted.host);
    const diff = diffAddresses(wanted, ttl, found);
    return diff.kind === "same" ? [] : [{ wanted, found, reasons: diff.reasons }];
  });
  if (differing.length === 0) return { stages: [], reasons: [], problems: [] };
  const before = differing.flatMap(({ wanted: { host }, found }): readonly HostAddresses[] =>
    found === undefined ? [] : [{ host, addresses: found.addresses }],
  );
  return {
    stages: publishAddresses({ zone: dns.zone, ttl, hosts: differing.map(({ wanted }) => wanted), before }),
    reasons: differing.flatMap(({ reasons }) => reasons),
    problems: [],
  };
}

/** Addresses of hosts that run nothing any more, resolvers that nobody needs, servers that are none any more. */
function farewell(
  input: PlanInput,
  resolvers: Pick<DnsStages, "stages" | "reasons">,
): Pick<DnsStages, "stages" | "reasons"> {
  const names = formerHosts(input);
  const servers = formerServers(input);
  return {
    stages: [...resolvers.stages, ...names.stages, ...servers.stages],
    reasons: [...resolvers.reasons, ...names.reasons, ...servers.reasons],
  };
}

function formerHosts(input: PlanInput): Pick<DnsStages, "stages" | "reasons"> {
  const { dns, topology } = input;
  const zone = zoneFound(input);
  if (dns === null || zone === null) return { stages: [], reasons: [] };
  const wanted = new Set(addressesOf(topology).map(({ host }) => host));
  const gone = [...zone.hosts].filter(([host, { owner }]) => owner.kind === "ours" && !wanted.has(host));
  return {
    // Nothing refers to them by then: there is nothing to wait for.
    stages: gone.flatMap(([host]) =>
      forget("contract", { zone: dns.zone, subject: { kind: "host", host }, oldTtl: 0 }),
    ),
    reasons: gone.map(([host]) => `${host}: nothing refers to its addresses any more`),
  };
}

/** Hosts on which drover set BIND up and that answer for the zone no more. */
function formerServers(input: PlanInput): Pick<DnsStages, "stages" | "reasons"> {
  const gone = formerlyNamed(input);
  return {
    stages: gone.flatMap(({ host, facts }) => removeNamed("contract", { host, previous: previousOf(facts) })),
    reasons: gone.map(({ host, model }) => `${host}: does not answer for ${model.zone} any more`),
  };
}

function formerlyNamed({
  topology,
  views,
}: PlanInput): readonly { readonly host: string; readonly facts: NamedFacts; readonly model: NamedModel }[] {
  const zone = topology.dns?.zone ?? null;
  const wanted = zone !== null && topology.dns?.servers.kind === "hosts" ? topology.dns.servers.hosts : [];
  return topology.hosts.flatMap(({ name: host }) => {
    const named = views.get(host)?.named;
    if (named?.kind !== "known" || named.value.manifest === null || wanted.includes(host)) return [];
    return [{ host, facts: named.value, model: named.value.manifest.model }];
  });
}

/** A zone whose servers all go, or answer for another one, takes every name in it along, those of others too. */
function zoneLost({ topology, views, allowEmpty }: PlanInput): readonly Failure[] {
  if (allowEmpty) return [];
  for (const [host, { named }] of views) {
    const model = named.kind === "known" ? named.value.manifest?.model : undefined;
    if (model?.role !== "primary" || model.zone === topology.dns?.zone?.name) continue;
    const what = `nobody would answer for ${model.zone} any more: ${host} is to be no DNS server of it`;
    return [failure("dns-empty", what, "if that is what you want: --allow-empty")];
  }
  return [];
}

/** What the zone's servers did not tell, and what must not go on because of it; `passed` where it may. */
export function dnsUnknowns({ dns }: Pick<PlanInput, "dns">): {
  readonly problems: readonly Failure[];
  readonly passed: readonly Failure[];
} {
  if (dns === null) return { problems: [], passed: [] };
  const { primary, secondaries } = dns.view;
  const silent = secondaries.flatMap(({ facts }) => (facts.kind === "unknown" ? [facts.why] : []));
  const skips = dns.zone.servers.onSilent === "skip" && silent.every(isUnreachable);
  return {
    problems: [...(primary.facts.kind === "unknown" ? [primary.facts.why] : []), ...(skips ? [] : silent)],
    passed: skips
      ? silent.map((why) => ({ ...why, message: `passed over, as dns.onSilent says: ${why.message}` }))
      : [],
  };
}
