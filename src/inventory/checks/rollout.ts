import type { Diagnostic } from "../../model/fleet.ts";
import { complain } from "../diagnostics.ts";
import { spotKey } from "../places.ts";
import type { PlacedApp, World } from "./world.ts";

/** The rollout's numbers fit together and fit the number of instances (DESIGN §2). */
export function checkRollout({ apps, complete }: World): readonly Diagnostic[] {
  return apps.flatMap((app) => [...checkDeadlines(app), ...(complete ? checkAvailable(app) : [])]);
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
function checkAvailable(app: PlacedApp): readonly Diagnostic[] {
  const { rollout, port = null } = app.fields;
  const count = app.on?.length ?? 0;
  if (rollout === undefined || count === 0) return [];
  const { serial, minAvailable } = rollout;
  const left = count - Math.min(serial, count);
  if (minAvailable !== null) {
    if (minAvailable <= left) return [];
    const have = `${count} instance${count === 1 ? "" : "s"}, ${count - left} at a time`;
    return [complain(app.file, ["rollout", "minAvailable"], `expected at most ${left} (${have}), got ${minAvailable}`)];
  }
  // A worker serves nobody who could notice.
  return port === null || left > 0 ? [] : [noneLeft(app, count, serial)];
}

function noneLeft({ file }: PlacedApp, count: number, serial: number): Diagnostic {
  const accept = "(write rollout: {minAvailable: 0} to accept that)";
  if (count > 1) {
    const message = `expected at most ${count - 1}, got ${serial}: all ${count} instances would be away at once ${accept}`;
    return complain(file, ["rollout", "serial"], message);
  }
  const path = file.spots.has(spotKey(["rollout"])) ? ["rollout", "minAvailable"] : ["hosts"];
  const message = "expected a second instance, got a single one, which is away while it is updated";
  return complain(file, path, `${message} ${accept}`);
}
