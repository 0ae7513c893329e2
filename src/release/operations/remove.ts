import type { ReleaseAction } from "../../model/action.ts";
import { mutating } from "../../model/command.ts";
import { done, failed, run, type Operation } from "../../model/operation.ts";
import { judge } from "../judge.ts";
import { REMOVE } from "../scripts/switch.ts";

/** Stops the app and removes all that drover made for it on the host. */
export function* remove(action: Extract<ReleaseAction, { kind: "release.remove" }>): Operation {
  const { app, host } = action;
  const ran = yield* run(host, mutating("release.remove", REMOVE, [app]));
  return ran.code === 0 ? done() : failed(judge(`remove ${app} from ${host}`, ran));
}
