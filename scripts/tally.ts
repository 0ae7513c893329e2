import { existsSync, readFileSync } from "node:fs";

/** What one run of tests came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** One line for each skipped test: file, name and the reason it gave. */
  readonly skipped: readonly string[];
}

/**
 * Reads the tally that a run of tests left in `file`, and squares it with the run's exit code: a run that
 * ended badly, or left nothing behind, counts as at least one failure.
 */
export function readTally(file: string, exitCode: number): Tally {
  const tally: Tally = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : { passed: 0, failed: 0, skipped: [] };
  const silent = exitCode !== 0 && tally.failed === 0;
  const empty = tally.passed + tally.failed + tally.skipped.length === 0;
  return silent || empty ? { ...tally, failed: Math.max(1, tally.failed) } : tally;
}

/** Adds tallies up. With `strict` a skipped test is a failed one. */
export function total(tallies: readonly Tally[], strict: boolean): Tally {
  const skipped = tallies.flatMap((tally) => tally.skipped);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: strict ? failed + skipped.length : failed,
    skipped,
  };
}
