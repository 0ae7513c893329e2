import type { HostEndpoints } from "../model/discovery.ts";
import { canonicalJson } from "../model/hash.ts";
import { serviceOf } from "../discovery/desired.ts";
import { publishHosts, withdrawHosts } from "../discovery/steps.ts";
import type { DraftStages } from "../lb/steps.ts";
import { probeInstance } from "../release/steps.ts";
import { longestTtl, publishedApps, ownRecords } from "./dns-view.ts";
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

/** A host's part in an app's records; null where the app is not in DNS and is not to be. */
export function recordsOn(situation: Situation, host: string, input: PlanInput): RecordsOnHost | null {
  const { name: app } = situation;
  const service = situation.app === null ? null : serviceOf(input.topology, situation.app);
  const found = ownRecords(app, input);
  if (input.dns === null || (service === null && found === null)) return null;
  const [there, wanted] = [of(host, found), of(host, service)];
  const gates = probeOn(situation, host, input);
  const common = { zone: input.dns.zone, app, ttl: service?.ttl ?? 0 };
  const floor = input.allowEmpty ? 0 : 1;
  const oldTtl = longestTtl(found, common.ttl);
  return {
    withdraw: there.length === 0 ? [] : withdrawHosts({ ...common, hosts: there, floor, oldTtl, gates }),
    publish:
      gates === null || canonicalJson(wanted) === canonicalJson(there)
        ? []
        : [...gates, ...publishHosts({ ...common, hosts: wanted, only: false, before: there })],
    elsewhere: of(null, found).length - there.length,
  };
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
