import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { HostMove } from "../model/plan.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import type { DraftStages } from "../vip/steps.ts";
import { awaitHolder, handOver, installVip, takeBack } from "../vip/steps.ts";
import type { VipFacts } from "../vip/facts.ts";
import type { PlanInput } from "./input.ts";
import { previousOf, successors, wantedOf } from "./vips.ts";

/** What a host that is itself a balancer has to do, or why it cannot be taken away. */
interface BalancerMove {
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
  readonly problems: readonly Failure[];
}

const NOTHING: BalancerMove = { stages: [], reasons: [], problems: [] };

/** Planned maintenance of a balancer: the VIP goes to another one of its set, and stays there. */
export function moveBalancer(move: HostMove, input: PlanInput): BalancerMove {
  const set = input.topology.balancers.find(({ hosts }) => hosts.includes(move.host));
  if (set === undefined) return NOTHING;
  if (set.vips.length === 0) return move.to === "in" ? NOTHING : noVip(move.host, set);
  const vip = input.views.get(move.host)?.vip;
  if (vip?.kind === "unknown") return { ...NOTHING, problems: [vip.why] };
  if (vip?.kind !== "known" || vip.value.stable.manifest === null) return NOTHING;
  const balancer = { set, facts: vip.value, input };
  return move.to === "in" ? comeBack(move.host, balancer) : leave(move.host, balancer);
}

interface Balancer {
  readonly set: TopologyBalancer;
  readonly facts: VipFacts;
  readonly input: PlanInput;
}

function comeBack(host: string, { set, facts, input }: Balancer): BalancerMove {
  const { active, yielded, config } = facts.stable;
  if (active && !yielded) return NOTHING;
  const all = [host, ...successors(host, input)];
  const reasons = [`${host}: keepalived runs again; the VIP stays where it is`];
  const wanted = wantedOf(host, facts, input);
  // What the others say to each other may have changed meanwhile: with the old words it would hold the VIP beside them.
  if (wanted !== null && wanted.config !== config?.text) {
    const files = installVip("enable", [{ balancer: host, ...wanted, wire: false, previous: previousOf(facts) }]);
    return { ...NOTHING, stages: [...files, ...awaitHolder("enable", all, set.vips, null)], reasons };
  }
  return { ...NOTHING, stages: takeBack("enable", host, all, set.vips), reasons };
}

function leave(host: string, { set, facts, input }: Balancer): BalancerMove {
  if (!facts.stable.active) return { ...NOTHING, reasons: [`${host}: holds no VIP and asks for none already`] };
  const all = successors(host, input);
  const others = all.filter((each) => input.drains[each] === undefined);
  if (others.length === 0) return { ...NOTHING, problems: [nobodyElse(host, set, input)] };
  const reasons = [`${host}: hands the VIP of ${set.name} over to ${others.join(" or ")}`];
  return { ...NOTHING, stages: handOver("withdraw", host, [host, ...all], set.vips), reasons };
}

function noVip(host: string, set: TopologyBalancer): BalancerMove {
  const what = `${host} is a balancer of ${set.name}, which has no VIP: clients reach ${host} directly, and drover cannot take them away`;
  const hint = `give ${set.name} a vip:, or take ${host} away from its clients (DNS) and out of the inventory`;
  return { ...NOTHING, problems: [failure("unsafe-plan", what, hint)] };
}

function nobodyElse(host: string, set: TopologyBalancer, { drains }: PlanInput): Failure {
  const others = set.hosts.filter((each) => each !== host);
  const drained = others.find((each) => drains[each] !== undefined);
  const who = others.length === 0 ? "it is the only one" : `none of ${others.join(", ")} is in service`;
  return failure(
    "min-available",
    `${host} cannot hand over the VIP of ${set.name}: ${who}`,
    drained === undefined ? "see the balancers: drover lb show" : `${drained} is drained: drover undrain ${drained}`,
  );
}
