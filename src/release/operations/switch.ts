import type { ReleaseAction } from "../../model/action.ts";
import { mutating } from "../../model/command.ts";
import { done, failed, run, type Operation } from "../../model/operation.ts";
import { judge } from "../judge.ts";
import { SWITCH } from "../scripts/switch.ts";

/** Makes a staged release the one that runs; where it already runs, nothing is restarted. */
export function* switchTo(action: Extract<ReleaseAction, { kind: "release.switch" }>): Operation {
  const { app, host, release, port } = action;
  const ran = yield* run(
    host,
    mutating("release.switch", SWITCH, [app, release, port === null ? "null" : String(port)]),
  );
  if (ran.code !== 0) return failed(judge(`switch ${app} on ${host} to ${release}`, ran));
  return done(ran.stdout.trim() === "same" ? "already running" : "");
}
