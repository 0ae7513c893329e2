import type { LbAction } from "../model/action.ts";
import { DroverError } from "../model/errors.ts";
import { failed } from "../model/operation.ts";
import type { Operation } from "../model/operation.ts";
import { install, mark, restore } from "./operations/config.ts";
import { move } from "./operations/move.ts";
import { settle } from "./operations/old-workers.ts";
import { hold, prove, ready, rejoin } from "./operations/return.ts";
import { tryApps } from "./operations/try.ts";
import { drain, maint, quiesce } from "./operations/withdraw.ts";

/** How an action on a balancer is carried out. */
export function* operateLb(action: LbAction): Operation {
  try {
    return yield* start(action);
  } catch (error) {
    // Answers that make no sense are thrown where they are read.
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

type FileAction = Extract<LbAction, { kind: "lb.install" | "lb.restore" | "lb.mark" | "lb.move" }>;

function start(action: LbAction): Operation {
  switch (action.kind) {
    case "lb.install":
    case "lb.restore":
    case "lb.mark":
    case "lb.move":
      return changeFiles(action);
    default:
      return changeServer(action);
  }
}

function changeFiles(action: FileAction): Operation {
  switch (action.kind) {
    case "lb.install":
      return install(action);
    case "lb.restore":
      return restore(action);
    case "lb.mark":
      return mark(action);
    case "lb.move":
      return move(action);
  }
}

function changeServer(action: Exclude<LbAction, FileAction>): Operation {
  switch (action.kind) {
    case "lb.drain":
      return drain(action);
    case "lb.quiesce":
      return quiesce(action);
    case "lb.maint":
      return maint(action);
    case "lb.prove":
      return prove(action);
    case "lb.ready":
      return ready(action);
    case "lb.rejoin":
      return rejoin(action);
    case "lb.hold":
      return hold(action);
    case "lb.settle":
      return settle(action);
    case "lb.try":
      return tryApps(action);
  }
}
