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
export interface BalancerTold<Deep> {
  readonly lb: Known<LbFacts>;
  readonly vip: Known<VipFacts>;
  /** What a command asks for besides; unknown like the others. */
  readonly deep: Known<Deep>;
}

/** What the balancers and the state host told. */
export interface LbSurvey<Deep> {
  readonly balancers: ReadonlyMap<string, BalancerTold<Deep>>;
  readonly state: Known<StateFacts>;
}

/** Asks the balancers of some sets and the state host, one exec each, all at once; nobody else is touched. */
export async function surveyBalancers<Deep>(
  context: Context,
  { topology, transport, store }: Connected,
  { balancers, deep }: { readonly balancers: readonly string[]; readonly deep: Fact<Deep> },
): Promise<LbSurvey<Deep>> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const stateHost = topology.state.host;
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    ...(balancers.includes(host) ? [lbFact, vipFact, deep] : []),
    ...(host === stateHost ? [store.fact] : []),
  ];
  const hosts = [...new Set([...balancers, stateHost])];
  const asked = await Promise.all(hosts.map((host) => gather(host, factsOf(host), transport, limits)));
  const observations = new Map(hosts.map((host, index) => [host, asked[index]]));
  const told = balancers.map((host): [string, BalancerTold<Deep>] => {
    const observation = observations.get(host);
    const lb = readFact(lbFact, host, observation);
    return [host, { lb, vip: readFact(vipFact, host, observation), deep: readFact(deep, host, observation) }];
  });
  return { balancers: new Map(told), state: readFact(store.fact, stateHost, observations.get(stateHost)) };
}
