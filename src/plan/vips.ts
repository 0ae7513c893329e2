import type { Vip } from "../model/fleet.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import { desiredVip } from "../vip/desired.ts";
import { diffVip } from "../vip/diff.ts";
import type { VipFacts } from "../vip/facts.ts";
import { renderKeepalived } from "../vip/render.ts";
import type { DraftStages, VipInput } from "../vip/steps.ts";
import { installVip, removeVip } from "../vip/steps.ts";
import type { PlanInput } from "./input.ts";

/** What has to change about VIPs, and why. */
interface VipPlan {
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
}

/** Addresses of its set's VIPs that a balancer holds right now, as far as it told. */
export function heldBy(balancer: string, input: PlanInput): readonly Vip[] {
  const facts = factsOf(balancer, input);
  const set = input.topology.balancers.find(({ hosts }) => hosts.includes(balancer));
  return (set?.vips ?? []).filter(({ address }) => facts?.live.holds.includes(address) === true);
}

/** Balancers of the same set that could take the VIP over: their keepalived runs, and their HAProxy answers. */
export function successors(balancer: string, input: PlanInput): readonly string[] {
  const set = input.topology.balancers.find(({ hosts }) => hosts.includes(balancer));
  return (set?.hosts ?? []).filter((host) => {
    const facts = factsOf(host, input);
    return host !== balancer && facts !== null && facts.stable.active && facts.live.alive;
  });
}

function factsOf(balancer: string, input: PlanInput): VipFacts | null {
  const view = input.views.get(balancer)?.vip;
  return view?.kind === "known" ? view.value : null;
}

/** Brings every balancer's keepalived to what its set says: set by set, those that hold no VIP first. */
export function planVips(input: PlanInput): VipPlan {
  const plans = input.topology.balancers.map((set) => planSet(set, input));
  return { stages: plans.flatMap(({ stages }) => stages), reasons: plans.flatMap(({ reasons }) => reasons) };
}

function planSet(set: TopologyBalancer, input: PlanInput): VipPlan {
  const views = set.hosts.flatMap((host) => {
    const facts = factsOf(host, input);
    return facts === null ? [] : [{ host, facts }];
  });
  const inOrder = [
    ...views.filter(({ host }) => heldBy(host, input).length === 0),
    ...views.filter(({ host }) => heldBy(host, input).length > 0),
  ];
  const changes = inOrder.flatMap(({ host, facts }): readonly Change[] => {
    const model = desiredVip(input.topology, host, facts);
    if (model === null) return facts.stable.manifest === null ? [] : [{ kind: "remove", host, facts }];
    const config = renderKeepalived(input.templates.keepalived, model);
    const diff = diffVip({ model, config }, facts);
    if (diff.kind === "same") return [];
    return [{ kind: "install", host, input: { balancer: host, model, config, facts }, ...diff }];
  });
  const installs = changes.flatMap((change) => (change.kind === "install" ? [change] : []));
  // On the wire all balancers of a set have to say the same (notes: a VIP list that differs makes both master).
  const wire = installs.some((change) => change.wire);
  return {
    stages: [
      ...installVip("expand", installs.map((change) => change.input), wire),
      ...changes.flatMap((change) => (change.kind === "remove" ? removeVip("contract", change.host, change.facts) : [])),
    ],
    reasons: [
      ...installs.flatMap(({ host, reasons }) => reasons.map((reason) => `${host}: ${reason}`)),
      ...(installs.length === 0
        ? []
        : [`${installs.map(({ host }) => host).join(", ")}: ${wire ? PAIRED : "keepalived changes one by one"}`]),
      ...changes.flatMap(({ kind, host }) => (kind === "remove" ? [`${host}: has no VIP any more`] : [])),
    ],
  };
}

const PAIRED = "keepalived changes on all of them together, because what it says on the wire does";

type Change =
  | {
      readonly kind: "install";
      readonly host: string;
      readonly input: VipInput;
      readonly reasons: readonly string[];
      readonly wire: boolean;
    }
  | { readonly kind: "remove"; readonly host: string; readonly facts: VipFacts };
