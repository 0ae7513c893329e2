import type { FirewallModel } from "../model/firewall.ts";
import type { Draft, FirewallPart, Phase, Plan } from "../model/plan.ts";
import { cutsOf } from "../firewall/cuts.ts";
import { renderFirewall } from "../firewall/render.ts";
import { applyFirewall, removeFirewall } from "../firewall/steps.ts";
import { addressesByHost } from "../firewall/addresses.ts";
import type { Naming } from "../firewall/words.ts";
import { changesInWords, namingOf } from "../firewall/words.ts";
import { releasedAddresses } from "./firewall-ledger.ts";
import { roundsOf } from "./firewall-rounds.ts";
import { firewallOf } from "./firewall-targets.ts";
import type { PlanInput } from "./input.ts";
import { PROLOGUE, place } from "./place.ts";
import { WHOLE } from "./whole.ts";

type Targets = ReadonlyMap<string, FirewallModel>;

/** What all plans of one command are made with; `generations` and `now` follow the plans as they are made. */
export interface Make {
  /** Per host: the largest number given so far, and the one that is in force before the next step. */
  readonly generations: Map<string, { readonly newest: number; readonly confirmed: number | null }>;
  /** What every host lets pass before the next step; null: everything. */
  readonly now: Map<string, FirewallModel | null>;
  /** Addresses that are another host's by now, or nobody's. */
  readonly released: readonly string[];
  readonly naming: Naming;
  readonly input: PlanInput;
}

/** What plans are made with when every host is as it was observed. */
export function beginMaking(before: ReadonlyMap<string, FirewallModel | null>, input: PlanInput): Make {
  const generations = [...before.keys()].flatMap((host) => {
    const stable = firewallOf(host, input)?.stable;
    if (stable === undefined) return [];
    return [[host, { newest: stable.newest, confirmed: stable.manifest?.generation ?? null }] as const];
  });
  return {
    generations: new Map(generations),
    now: new Map(before),
    released: releasedAddresses(input.topology, input.ledger).map(({ address }) => address),
    naming: namingOf(addressesByHost(input.topology)),
    input,
  };
}

/** What changes in one step after the other; each waits until the one before is done on all of its hosts. */
export interface Change {
  readonly phase: Phase;
  readonly targets: Targets;
}

/** Changes that are all or nothing: what fails is taken back on every host. */
export function allAtOncePlan(
  part: FirewallPart,
  changes: readonly Change[],
  make: Make,
  further: readonly string[] = [],
): Plan {
  const made = changes.map((change) => draftsOf(change, make));
  return {
    ...WHOLE,
    firewall: part,
    reasons: [...further, ...made.flatMap(({ reasons }) => reasons)],
    prologue: place(
      PROLOGUE,
      made.flatMap(({ rounds }) => rounds),
    ),
  };
}

/**
 * Changes that each host makes for itself: what one host does not take is no reason to leave open what the others can
 * close. Only the canary has to come through before the others begin.
 */
export function hostByHostPlan(part: FirewallPart, targets: Targets, make: Make): Plan {
  const { rounds, reasons } = draftsOf({ phase: "contract", targets }, make);
  const [canary = [], ...others] = rounds;
  const batches = (others.length === 0 ? rounds : others).map((round) =>
    round.map((draft) => ({
      host: draft.host ?? "",
      wasReady: false,
      stages: place(draft.host ?? "", [[draft]]),
    })),
  );
  return {
    ...WHOLE,
    firewall: part,
    reasons,
    budget: { ...WHOLE.budget, maxFailures: batches.flat().length, onFailure: "pause" },
    prologue: others.length === 0 ? [] : place(PROLOGUE, [canary]),
    batches,
  };
}

/** Takes drover's rules away where no file asks for any. */
export function removalPlan(hosts: readonly string[], input: PlanInput): Plan {
  const stages = roundsOf(hosts, input).map((round) => round.map((host) => removeFirewall(host)));
  const reasons = hosts.map(
    (host) => `${host}: no file asks for a firewall any more: what drover refused there passes`,
  );
  return { ...WHOLE, firewall: "remove", reasons, prologue: place(PROLOGUE, stages) };
}

interface Drafts {
  readonly rounds: readonly (readonly Draft[])[];
  readonly reasons: readonly string[];
}

function draftsOf({ phase, targets }: Change, make: Make): Drafts {
  const reasons = [...targets].flatMap(([host, model]) =>
    changesInWords(host, make.now.get(host) ?? null, model, make.naming),
  );
  const rounds = roundsOf([...targets.keys()], make.input).map((round) =>
    round.flatMap((host) => {
      const model = targets.get(host);
      return model === undefined ? [] : [draftOf(phase, host, model, make)];
    }),
  );
  return { rounds, reasons };
}

function draftOf(phase: Phase, host: string, model: FirewallModel, { generations, now, released, input }: Make): Draft {
  const { newest, confirmed } = generations.get(host) ?? { newest: 0, confirmed: null };
  const generation = newest + 1;
  const cuts = cutsOf(now.get(host) ?? null, model, { released });
  generations.set(host, { newest: generation, confirmed: generation });
  now.set(host, model);
  const confirm = input.topology.firewall?.confirm ?? 0;
  const texts = renderFirewall(model, generation);
  return applyFirewall(phase, { host, generation, model, texts, cuts, confirm, previous: confirmed });
}
