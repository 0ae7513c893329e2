import type { Endpoint, HostEndpoints, ZoneRef } from "../model/discovery.ts";
import { serviceOf } from "../discovery/desired.ts";
import type { AppRecords } from "../discovery/facts.ts";
import { sameEndpoints } from "../discovery/normalize.ts";
import { publishHosts, withdrawHosts } from "../discovery/steps.ts";
import type { DraftStages } from "../lb/steps.ts";
import { probeInstance } from "../release/steps.ts";
import { longestTtl, ownRecords, publishedApps, recordsFound } from "./dns-view.ts";
import type { PlanInput } from "./input.ts";
import type { Situation } from "./situation.ts";

/** A host's part in the records of an app that is in DNS, and the steps that change it; none where it is as it should be. */
export interface RecordsOnHost {
  readonly withdraw: DraftStages;
  readonly publish: DraftStages;
  /** Other hosts of the app that DNS tells of. */
  readonly elsewhere: number;
}

/** Apps that DNS tells of on the host, or is to tell of. */
export function appsToldOf(host: string, input: PlanInput): readonly string[] {
  if (input.dns === null) return [];
  const wanted = input.topology.apps.filter((app) => {
    return serviceOf(input.topology, app) !== null && app.instances.some((each) => each.host === host);
  });
  const told = publishedApps(input).filter((app) => ownRecords(app, input)?.hosts.some((each) => each.host === host));
  return [...wanted.map(({ name }) => name), ...told];
}

/** A host's part in an app's records; null where the app is not in DNS and is not to be, or is there by another's hand. */
export function recordsOn(situation: Situation, host: string, input: PlanInput): RecordsOnHost | null {
  const { name: app } = situation;
  const service = situation.app === null ? null : serviceOf(input.topology, situation.app);
  const found = ownRecords(app, input);
  const isNobodys = found === null && recordsFound(app, input) === null;
  if (input.dns === null || (found === null && !(isNobodys && service !== null))) return null;
  const [there, wanted] = [of(host, found), of(host, service)];
  const common = { zone: input.dns.zone, app, ttl: service?.ttl ?? 0 };
  const gates = probeOn(situation, host, input);
  return {
    withdraw: there.length === 0 ? [] : leave(there, { ...common, gates, found, allowEmpty: input.allowEmpty }),
    publish:
      gates === null || sameAll(wanted, there)
        ? []
        : [...gates, ...publishHosts({ ...common, hosts: wanted, only: false, before: there })],
    elsewhere: of(null, found).length - there.length,
  };
}

function leave(
  there: readonly HostEndpoints[],
  {
    gates,
    found,
    allowEmpty,
    ...common
  }: {
    readonly zone: ZoneRef;
    readonly app: string;
    readonly ttl: number;
    readonly gates: DraftStages | null;
    readonly found: AppRecords | null;
    readonly allowEmpty: boolean;
  },
): DraftStages {
  const back = gates === null ? { back: [], gates: [] } : { back: there, gates };
  const oldTtl = longestTtl(found, common.ttl);
  return withdrawHosts({ ...common, ...back, hosts: there, floor: allowEmpty ? 0 : 1, oldTtl });
}

/** True where DNS names the host for the app, and not by this fleet's hand. */
export function isToldByOthers(app: string, host: string, input: PlanInput): boolean {
  const found = recordsFound(app, input);
  return found !== null && found.owner.kind !== "ours" && of(host, found).length > 0;
}

function sameAll(wanted: readonly HostEndpoints[], there: readonly HostEndpoints[]): boolean {
  const endpoints = (all: readonly HostEndpoints[]): readonly Endpoint[] => all.flatMap((each) => each.endpoints);
  return sameEndpoints(endpoints(wanted), endpoints(there));
}

/** What a host contributes; with null, what all do. */
function of(host: string | null, all: { readonly hosts: readonly HostEndpoints[] } | null): readonly HostEndpoints[] {
  return (all?.hosts ?? []).filter((each) => host === null || each.host === host);
}

/** What shows that the instance is healthy as it runs; null where nobody could say so. */
function probeOn({ name, app, ready }: Situation, host: string, input: PlanInput): DraftStages | null {
  const release = input.views.get(host)?.release;
  const runs = release?.kind === "known" ? release.value.apps.find((each) => each.app === name)?.release : null;
  const instance = app?.instances.find((each) => each.host === host);
  if (app === null || instance === undefined || runs === null || runs === undefined) return null;
  if (input.drains[host] === undefined && !ready.has(host)) return null;
  const { health, rollout } = app;
  return [[probeInstance({ ...instance, release: runs }, { health, ...rollout, minHealthyTime: 0 })]];
}
