import type { ReleaseAction } from "../model/action.ts";
import type { Operation } from "../model/operation.ts";
import { probe } from "./operations/probe.ts";
import { remove } from "./operations/remove.ts";
import { prune, stage, unstage } from "./operations/stage.ts";
import { switchTo } from "./operations/switch.ts";

/** How each action on an app's host is carried out. Failures come back as outcomes; nothing is thrown. */
export function operateRelease(action: ReleaseAction): Operation {
  switch (action.kind) {
    case "release.stage":
      return stage(action);
    case "release.unstage":
      return unstage(action);
    case "release.switch":
      return switchTo(action);
    case "release.probe":
      return probe(action);
    case "release.remove":
      return remove(action);
    case "release.prune":
      return prune(action);
  }
}
