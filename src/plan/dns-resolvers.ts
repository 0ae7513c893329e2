import type { Failure } from "../model/errors.ts";
import { DroverError } from "../model/errors.ts";
import type { ResolverModel } from "../model/resolver.ts";
import { desiredResolver } from "../resolver/desired.ts";
import { diffResolver } from "../resolver/diff.ts";
import type { ResolverFacts } from "../resolver/facts.ts";
import type { DraftStages } from "../resolver/steps.ts";
import { installResolver, removeResolver } from "../resolver/steps.ts";
import type { DnsStages } from "./dns-plan.ts";
import type { PlanInput } from "./input.ts";
import { sideBySide } from "./side-by-side.ts";

/** How hosts find names: what has to be there before apps need it, and what goes when none does any more. */
interface ResolverPlans {
  readonly first: DnsStages;
  readonly last: Pick<DnsStages, "stages" | "reasons">;
}

/** Tells hosts of apps that talk to others which servers to ask: one of them first, then the others. */
export function planResolvers(input: PlanInput): ResolverPlans {
  const changes = input.topology.hosts.map(({ name }) => changeOf(name, input));
  const part = (kind: "install" | "remove"): Pick<DnsStages, "stages" | "reasons"> => {
    const own = changes.filter((change) => change.kind === kind);
    const [canary, ...others] = own.map(({ stages }) => stages);
    return {
      stages: canary === undefined ? [] : [...canary, ...sideBySide(others)],
      reasons: own.flatMap(({ reasons }) => reasons),
    };
  };
  return {
    first: { ...part("install"), problems: changes.flatMap(({ problems }) => problems) },
    last: part("remove"),
  };
}

interface Change {
  readonly kind: "same" | "install" | "remove";
  readonly stages: DraftStages;
  readonly reasons: readonly string[];
  readonly problems: readonly Failure[];
}

const SAME: Change = { kind: "same", stages: [], reasons: [], problems: [] };

function changeOf(host: string, input: PlanInput): Change {
  const wanted = wantedOf(host, input);
  if (wanted.kind === "refused") return { ...SAME, problems: [wanted.failure] };
  const resolver = input.views.get(host)?.resolver;
  if (resolver === undefined) return SAME;
  if (resolver.kind === "known") return between(host, wanted.model, resolver.value);
  // What a silent host says is asked for wherever anything depends on it.
  return wanted.model === null ? SAME : { ...SAME, problems: [resolver.why] };
}

function between(host: string, model: ResolverModel | null, facts: ResolverFacts): Change {
  const diff = diffResolver(host, model, facts);
  if (diff.kind === "same") return SAME;
  if (diff.kind === "refused") return { ...SAME, problems: [diff.failure] };
  const input = { host, previous: facts.manifest?.model ?? null };
  const reasons = diff.reasons.map((reason) => `${host}: ${reason}`);
  return model === null
    ? { ...SAME, kind: "remove", stages: removeResolver("contract", input), reasons }
    : { ...SAME, kind: "install", stages: installResolver("expand", { ...input, model }), reasons };
}

function wantedOf(
  host: string,
  { topology }: PlanInput,
):
  | { readonly kind: "wanted"; readonly model: ResolverModel | null }
  | { readonly kind: "refused"; readonly failure: Failure } {
  try {
    return { kind: "wanted", model: desiredResolver(topology, host) };
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    return { kind: "refused", failure: error.failure };
  }
}
