import type { AppRecords, ZoneFacts } from "../discovery/facts.ts";
import type { PlanInput } from "./input.ts";

/** The zone as its primary told; null where no zone is written to, or it did not tell. */
export function zoneFound({ dns }: PlanInput): ZoneFacts | null {
  const facts = dns?.view.primary.facts;
  return facts?.kind === "known" ? facts.value : null;
}

/** What the zone holds of an app; null: nothing. */
export function recordsFound(app: string, input: PlanInput): AppRecords | null {
  return zoneFound(input)?.apps.get(app) ?? null;
}
