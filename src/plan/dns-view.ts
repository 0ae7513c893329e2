import type { AppRecords, ZoneFacts } from "../discovery/facts.ts";
import type { PlanInput } from "./input.ts";

/** The zone as its primary told; null where no zone is written to, or it did not tell. */
export function zoneFound({ dns }: PlanInput): ZoneFacts | null {
  const facts = dns?.view.primary.facts;
  return facts?.kind === "known" ? facts.value : null;
}

/** What the zone holds of an app; null: nothing, nobody's owner record either. */
export function recordsFound(app: string, input: PlanInput): AppRecords | null {
  const found = zoneFound(input)?.apps.get(app) ?? null;
  const isThere = found !== null && (found.owner.kind !== "none" || found.sets.size + found.aliases.size > 0);
  return isThere ? found : null;
}

/** As {@link recordsFound}, where this fleet wrote it. */
export function ownRecords(app: string, input: PlanInput): AppRecords | null {
  const found = recordsFound(app, input);
  return found?.owner.kind === "ours" ? found : null;
}

/** Apps of which drover has written something into the zone. */
export function publishedApps(input: PlanInput): readonly string[] {
  return [...(zoneFound(input)?.apps ?? [])].flatMap(([app, { owner }]) => (owner.kind === "ours" ? [app] : []));
}

/** The longest `dns.ttl` that files may say, in seconds. */
const LONGEST_TTL = 3600;

/**
 * How long clients may remember what they were told of an app, in seconds; at least `least`. A TTL longer than files can say
 * was never drover's, and nobody waits for years because somebody else wrote it.
 */
export function longestTtl(found: AppRecords | null, least: number): number {
  const told = Math.max(0, ...[...(found?.sets.values() ?? [])].map(({ ttl }) => ttl));
  return Math.max(least, Math.min(told, LONGEST_TTL));
}
