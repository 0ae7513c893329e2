import type { Vip } from "../model/fleet.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import type { VipModel } from "../model/vip.ts";
import { desiredVip } from "../vip/desired.ts";
import { diffVip } from "../vip/diff.ts";
import type { VipFacts } from "../vip/facts.ts";
import { renderKeepalived } from "../vip/render.ts";
import type { DraftStages, VipInput } from "../vip/steps.ts";
import { awaitHolder, installVip, removeVip } from "../vip/steps.ts";
import type { PlanInput } from "./input.ts";

/** What has to change about VIPs, and why. */
interface VipPlan {
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
}

/** The set a balancer belongs to; a host is in one at most. */
export function setOf(balancer: string, { topology }: PlanInput): TopologyBalancer | null {
  return topology.balancers.find(({ hosts }) => hosts.includes(balancer)) ?? null;
}

/** Its set's VIPs that a balancer holds right now, as far as it told. */
export function heldBy(balancer: string, input: PlanInput): readonly Vip[] {
  const facts = factsOf(balancer, input);
  return (setOf(balancer, input)?.vips ?? []).filter(({ address }) => facts?.live.holds.includes(address) === true);
}

/** Balancers of the same set that could take the VIP over: their keepalived runs, and their HAProxy answers. */
export function successors(balancer: string, input: PlanInput): readonly string[] {
  return (setOf(balancer, input)?.hosts ?? []).filter((host) => {
    const facts = factsOf(host, input);
    return host !== balancer && facts !== null && facts.stable.active && facts.live.alive;
  });
}

/** What is known of a balancer's keepalived; null where nothing is. */
function factsOf(balancer: string, input: PlanInput): VipFacts | null {
  const view = input.views.get(balancer)?.vip;
  return view?.kind === "known" ? view.value : null;
}

/** True where a balancer could hold a VIP now. */
export function runsKeepalived(balancer: string, input: PlanInput): boolean {
  return factsOf(balancer, input)?.stable.active === true;
}

/** What stands in `previous` of a step that replaces a balancer's keepalived.conf. */
export function previousOf({ stable }: VipFacts): VipInput["previous"] {
  return { sha256: stable.config?.sha256 ?? null, model: stable.manifest?.model ?? null };
}

/** Brings every balancer's keepalived to what its set says: set by set, those that hold no VIP first. */
export function planVips(input: PlanInput): VipPlan {
  const plans = input.topology.balancers.map((set) => planSet(set, input));
  return { stages: plans.flatMap(({ stages }) => stages), reasons: plans.flatMap(({ reasons }) => reasons) };
}

function planSet(set: TopologyBalancer, input: PlanInput): VipPlan {
  const changes = holdersLast(set, input).flatMap((host) => changeOf(host, input));
  const installs = changes.flatMap((change) => (change.kind === "install" ? [change] : []));
  const leaving = changes.flatMap((change) => (change.kind === "remove" ? [change] : []));
  const wire = installs.some((change) => change.input.wire);
  const hosts = installs.map(({ input: { balancer } }) => balancer);
  const way = wire && hosts.length > 1 ? PAIRED : "keepalived changes";
  return {
    stages: [
      ...installVip(
        "expand",
        installs.map((change) => change.input),
      ),
      ...(installs.length === 0 ? [] : awaitHolder("expand", inService(set, hosts, input), set.vips, null)),
      ...leaving.flatMap(({ input: { balancer, previous } }) => removeVip("contract", { balancer, previous })),
    ],
    reasons: [
      ...vanished(set, input),
      ...installs.flatMap((change) => change.reasons.map((reason) => `${change.input.balancer}: ${reason}`)),
      ...(hosts.length === 0 ? [] : [`${hosts.join(", ")}: ${way}`]),
      ...leaving.map((change) => `${change.input.balancer}: keepalived goes, its set has no VIP any more`),
    ],
  };
}

/**
 * Peers that the balancers still speak to and that no host of the inventory is any more. If such a one still runs, it hears
 * nobody after this change, and takes the VIP beside its holder.
 */
function vanished(set: TopologyBalancer, input: PlanInput): readonly string[] {
  const known = new Set(input.topology.hosts.flatMap(({ addresses }) => addresses));
  const peers = set.hosts.flatMap((host) => factsOf(host, input)?.stable.manifest?.model.peers ?? []);
  return [...new Set(peers)]
    .filter((peer) => !known.has(peer))
    .map((peer) => `${peer} was a balancer of ${set.name} and has left the inventory: ${STOP_IT}`);
}

const STOP_IT =
  "unless it is off for good it takes the VIP too; stop keepalived there first, or put it back with other tags and apply";

/** Balancers that may hold the VIP afterwards: those that change, and those that run already. */
function inService({ hosts }: TopologyBalancer, changed: readonly string[], input: PlanInput): readonly string[] {
  return hosts.filter((host) => changed.includes(host) || runsKeepalived(host, input));
}

const PAIRED = "keepalived changes on all of them together (paired), because what they say to each other does";

type Change =
  | { readonly kind: "install"; readonly input: VipInput; readonly reasons: readonly string[] }
  | { readonly kind: "remove"; readonly input: Pick<VipInput, "balancer" | "previous"> };

/** A balancer that somebody took out keeps what it has until it is back. */
function changeOf(host: string, input: PlanInput): readonly Change[] {
  const facts = factsOf(host, input);
  if (facts === null || input.drains[host] !== undefined) return [];
  const previous = previousOf(facts);
  const wanted = wantedOf(host, facts, input);
  if (wanted === null) {
    return facts.stable.manifest === null ? [] : [{ kind: "remove", input: { balancer: host, previous } }];
  }
  const diff = diffVip(wanted.config, facts);
  if (diff.kind === "same") return [];
  return [{ kind: "install", input: { balancer: host, ...wanted, wire: diff.wire, previous }, reasons: diff.reasons }];
}

/** A balancer's keepalived.conf as its set wants it; null where it wants none. */
export function wantedOf(
  host: string,
  facts: VipFacts,
  { topology, templates }: PlanInput,
): { readonly model: VipModel; readonly config: string } | null {
  const model = desiredVip(topology, host, facts.stable.interfaces);
  return model === null ? null : { model, config: renderKeepalived(templates.keepalived, model) };
}

function holdersLast({ hosts }: TopologyBalancer, input: PlanInput): readonly string[] {
  const holds = (host: string): boolean => heldBy(host, input).length > 0;
  return [...hosts.filter((host) => !holds(host)), ...hosts.filter(holds)];
}
