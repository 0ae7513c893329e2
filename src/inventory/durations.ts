/** What a duration looks like: a whole number and one unit. Published in the JSON Schema. */
export const DURATION: RegExp = /^(0|[1-9][0-9]*)(ms|s|m|h)$/;

/** Longest duration the files may ask for; timers of the runtime overflow at 2^31 ms, long after it. */
const LONGEST = 24 * 60 * 60 * 1000;

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `30s`, `5m` or `1h`; null for anything else and for more than 24h. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const [, count = "", unit = ""] = match;
  const milliseconds = Number(count) * (units[unit] ?? Number.NaN);
  return milliseconds <= LONGEST ? milliseconds : null;
}

/** A duration in the largest unit that says it without a fraction. */
export function formatDuration(milliseconds: number): string {
  const fits = ["h", "m", "s"].find((unit) => milliseconds > 0 && milliseconds % (units[unit] ?? 1) === 0);
  const unit = fits ?? (milliseconds === 0 ? "s" : "ms");
  return `${String(milliseconds / (units[unit] ?? 1))}${unit}`;
}
