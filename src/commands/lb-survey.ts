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
export interface LbSurvey {
  readonly balancers: ReadonlyMap<string, BalancerTold>;
  readonly state: Known<StateFacts>;
  /** One of the further facts, of one balancer. */
  readonly more: <T>(fact: Fact<T>, balancer: string) => Known<T>;
}

/** Asks some balancers and the state host, one exec each, all at once; nobody else is touched. */
export async function surveyBalancers(
  context: Context,
  { topology, transport, store }: Connected,
  { balancers, more }: { readonly balancers: readonly string[]; readonly more: readonly Fact<unknown>[] },
): Promise<LbSurvey> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const stateHost = topology.state.host;
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    ...(balancers.includes(host) ? [lbFact, vipFact, ...more] : []),
    ...(host === stateHost ? [store.fact] : []),
  ];
  const hosts = [...new Set([...balancers, stateHost])];
  const asked = await Promise.all(hosts.map((host) => gather(host, factsOf(host), transport, limits)));
  const observations = new Map(hosts.map((host, index) => [host, asked[index]]));
  const read = <T>(fact: Fact<T>, host: string): Known<T> => readFact(fact, host, observations.get(host));
  const told = balancers.map((host): [string, BalancerTold] => {
    return [host, { lb: read(lbFact, host), vip: read(vipFact, host) }];
  });
  return { balancers: new Map(told), state: read(store.fact, stateHost), more: read };
}
