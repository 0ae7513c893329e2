import type { DesiredInstance } from "./desired.ts";
import type { InstanceFacts, ReleaseFacts } from "./facts.ts";
import { normalDesired, normalObserved, type NormalInstance } from "./normalize.ts";

/** What is to be done about one instance. */
export type InstanceDiff =
  | { readonly kind: "same"; readonly desired: DesiredInstance; readonly facts: InstanceFacts }
  /** The app does not run here yet; facts only where something of it is already staged. */
  | { readonly kind: "new"; readonly desired: DesiredInstance; readonly facts: InstanceFacts | null }
  | {
      readonly kind: "change";
      readonly desired: DesiredInstance;
      readonly facts: InstanceFacts;
      /** For people, one sentence each. */
      readonly reasons: readonly string[];
    }
  /** drover put it here, and the files no longer want it. */
  | { readonly kind: "leave"; readonly app: string; readonly host: string; readonly facts: InstanceFacts };

function reasonsFor(wanted: NormalInstance, found: NormalInstance): readonly string[] {
  const reasons: string[] = [];
  if (found.release !== wanted.release)
    reasons.push(`release ${found.release ?? "none"} becomes ${wanted.release ?? "none"}`);
  if (found.unit === null) reasons.push("the unit file is missing");
  else if (found.unit !== wanted.unit) reasons.push("the unit file differs");
  if (found.dropIn === null) reasons.push("the drop-in is missing");
  // Another release always has another drop-in: one reason is enough.
  else if (found.dropIn !== wanted.dropIn && found.release === wanted.release) reasons.push("the drop-in differs");
  if (!found.running) reasons.push("it is not running");
  if (!found.boot) reasons.push("it would not start at boot");
  if (!found.settled) reasons.push("a change was left half done");
  return reasons;
}

/** Compares one instance; `facts` null: nothing of the app is on the host. */
function diffInstance(desired: DesiredInstance, facts: InstanceFacts | null): InstanceDiff {
  if (facts === null || (facts.manifest === null && facts.unit === null)) return { kind: "new", desired, facts };
  const reasons = reasonsFor(normalDesired(desired), normalObserved(facts));
  return reasons.length === 0 ? { kind: "same", desired, facts } : { kind: "change", desired, facts, reasons };
}

/**
 * Compares one host: first what is desired, in the order given, then what leaves, by app. `desired` holds this
 * host's instances only. The facts must be known: a host that did not answer has no diff.
 */
export function diffHost(
  host: string,
  desired: readonly DesiredInstance[],
  facts: ReleaseFacts,
): readonly InstanceDiff[] {
  const wanted = desired.map((each) => diffInstance(each, facts.apps.find((found) => found.app === each.app) ?? null));
  const leaving = facts.apps
    .filter((found) => found.manifest !== null && !desired.some((each) => each.app === found.app))
    .map((found): InstanceDiff => ({ kind: "leave", app: found.app, host, facts: found }));
  return [...wanted, ...leaving];
}
