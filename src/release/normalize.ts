import { sha256 } from "../model/hash.ts";
import type { DesiredInstance } from "./desired.ts";
import type { InstanceFacts } from "./facts.ts";

/** An instance in the form in which desired and observed are compared. */
export interface NormalInstance {
  readonly release: string | null;
  readonly unit: string | null;
  readonly dropIn: string | null;
  readonly running: boolean;
  readonly boot: boolean;
  /** No switch was left half done, and systemd has loaded what is on disk. */
  readonly settled: boolean;
}

/** What an instance looks like when all is as the files say. */
export function normalDesired(desired: DesiredInstance): NormalInstance {
  return {
    release: desired.release,
    unit: sha256(desired.unit),
    dropIn: sha256(desired.dropIn),
    running: true,
    boot: true,
    settled: true,
  };
}

/** What was found, without what changes by itself (process ids, counters) and without what an operator added. */
export function normalObserved(facts: InstanceFacts): NormalInstance {
  return {
    release: facts.release,
    unit: facts.unit,
    dropIn: facts.dropIn,
    running: facts.state?.active === "active" && facts.state.sub === "running",
    boot: facts.boot,
    settled: facts.switching === null && facts.state?.needsReload !== true,
  };
}
