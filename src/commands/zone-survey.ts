import { gather } from "../exec/gather.ts";
import type { Fact } from "../model/fact.ts";
import type { Known } from "../model/known.ts";
import type { StateFacts } from "../model/ports.ts";
import { namedFact } from "../named/facts.ts";
import type { HostView } from "../plan/input.ts";
import { readFact } from "../plan/observe.ts";
import type { Context } from "./context.ts";
import type { Connected } from "./survey.ts";

/** What has to be known besides the zone, to say what should be in it. */
export interface ZoneSurvey {
  readonly views: ReadonlyMap<string, Pick<HostView, "named">>;
  readonly state: Known<StateFacts>;
}

/** Asks the state host and the hosts that answer for the zone, one exec each, all at once; nobody else is touched. */
export async function surveyZone(context: Context, { topology, transport, store }: Connected): Promise<ZoneSurvey> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const stateHost = topology.state.host;
  const servers = topology.dns?.servers.kind === "hosts" ? topology.dns.servers.hosts : [];
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    ...(servers.includes(host) ? [namedFact] : []),
    ...(host === stateHost ? [store.fact] : []),
  ];
  const hosts = [...new Set([...servers, stateHost])];
  const asked = await Promise.all(hosts.map((host) => gather(host, factsOf(host), transport, limits)));
  const observations = new Map(hosts.map((host, index) => [host, asked[index]]));
  const named = servers.map((host) => [host, { named: readFact(namedFact, host, observations.get(host)) }] as const);
  return { views: new Map(named), state: readFact(store.fact, stateHost, observations.get(stateHost)) };
}
