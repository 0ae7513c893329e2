import type { Diagnostic } from "../../model/fleet.ts";
import { complain } from "../diagnostics.ts";
import type { PlacedApp } from "./world.ts";

/** The rollout's numbers fit together and fit the number of instances (DESIGN §2). */
export function checkRollout(app: PlacedApp): readonly Diagnostic[] {
  return [...checkDeadlines(app), ...checkAvailable(app)];
}

function checkDeadlines({ file, fields: { rollout } }: PlacedApp): readonly Diagnostic[] {
  if (rollout === undefined) return [];
  const { minHealthyTime, healthyDeadline, progressDeadline } = rollout;
  const wrong: Diagnostic[] = [];
  if (healthyDeadline <= minHealthyTime)
    wrong.push(
      complain(
        file,
        ["rollout", "healthyDeadline"],
        `expected more than minHealthyTime (${seconds(minHealthyTime)}), got ${seconds(healthyDeadline)}`,
      ),
    );
  if (progressDeadline <= healthyDeadline)
    wrong.push(
      complain(
        file,
        ["rollout", "progressDeadline"],
        `expected more than healthyDeadline (${seconds(healthyDeadline)}), got ${seconds(progressDeadline)}`,
      ),
    );
  return wrong;
}

function seconds(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** An update takes `serial` instances at a time; what is left must reach `minAvailable`. */
function checkAvailable({ file, fields: { rollout, port }, on }: PlacedApp): readonly Diagnostic[] {
  const count = on?.length ?? 0;
  if (rollout === undefined || count === 0) return [];
  const batch = Math.min(rollout.serial, count);
  const path = ["rollout", "minAvailable"];
  const { minAvailable } = rollout;
  if (minAvailable !== null) {
    if (minAvailable <= count - batch) return [];
    const have = `${count} ${count === 1 ? "instance" : "instances"}, ${batch} at a time`;
    return [complain(file, path, `expected at most ${count - batch} (${have}), got ${minAvailable}`)];
  }
  // A worker serves nobody who could notice.
  if (port === null || port === undefined || batch < count) return [];
  if (count === 1)
    return [
      complain(
        file,
        path,
        "expected a second instance, got a single one, which is away while it is updated (write rollout: {minAvailable: 0} to accept that)",
      ),
    ];
  return [
    complain(
      file,
      ["rollout", "serial"],
      `expected at most ${count - 1}, got ${rollout.serial}: all ${count} instances would be away at once (write minAvailable: 0 to accept that)`,
    ),
  ];
}
