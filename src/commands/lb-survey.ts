import type { LbFacts } from "../lb/facts.ts";
import { lbFact } from "../lb/facts.ts";
import type { Fact } from "../model/fact.ts";
import type { Known } from "../model/known.ts";
import type { StateFacts } from "../model/ports.ts";
import { gather } from "../exec/gather.ts";
import { readFact } from "../plan/observe.ts";
import type { VipFacts } from "../vip/facts.ts";
import { vipFact } from "../vip/facts.ts";
import type { Context } from "./context.ts";
import type { Connected } from "./survey.ts";

/** What one balancer told. */
export interface BalancerTold {
  readonly lb: Known<LbFacts>;
  readonly vip: Known<VipFacts>;
}

/** What the balancers and the state host told. */
export interface LbSurvey<Deep> {
  readonly balancers: ReadonlyMap<string, BalancerTold>;
  /** What a command asked for besides, by balancer; unknown like the rest. */
  readonly deep: ReadonlyMap<string, Known<Deep>>;
  readonly state: Known<StateFacts>;
}

/** Asks the balancers of some sets and the state host, one exec each, all at once; nobody else is touched. */
export async function surveyBalancers<Deep>(
  context: Context,
  { topology, transport, store }: Connected,
  { balancers, deep }: { readonly balancers: readonly string[]; readonly deep: Fact<Deep> | null },
): Promise<LbSurvey<Deep>> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const stateHost = topology.state.host;
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    ...(balancers.includes(host) ? [lbFact, vipFact, ...(deep === null ? [] : [deep])] : []),
    ...(host === stateHost ? [store.fact] : []),
  ];
  const hosts = [...new Set([...balancers, stateHost])];
  const asked = await Promise.all(hosts.map((host) => gather(host, factsOf(host), transport, limits)));
  const observations = new Map(hosts.map((host, index) => [host, asked[index]]));
  const told = balancers.map((host): [string, BalancerTold] => {
    const observation = observations.get(host);
    return [host, { lb: readFact(lbFact, host, observation), vip: readFact(vipFact, host, observation) }];
  });
  const deeper =
    deep === null
      ? []
      : balancers.map((host): [string, Known<Deep>] => [host, readFact(deep, host, observations.get(host))]);
  const state = readFact(store.fact, stateHost, observations.get(stateHost));
  return { balancers: new Map(told), deep: new Map(deeper), state };
}
