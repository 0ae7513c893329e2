import type { Action } from "../model/action.ts";
import type { Command } from "../model/command.ts";
import type { Operation } from "../model/operation.ts";
import { done, pause } from "../model/operation.ts";
import { operateLb } from "../lb/operations.ts";
import { RELAY } from "../lb/relay.ts";
import { operateRelease } from "../release/operations.ts";

/** The program that carries HAProxy's sockets. */
export const relayCommand: Command = RELAY;

/** How any action is carried out: each domain says it for its own. */
export function operate(action: Action): Operation {
  switch (action.kind) {
    case "lb.install":
    case "lb.restore":
    case "lb.mark":
    case "lb.drain":
    case "lb.quiesce":
    case "lb.maint":
    case "lb.prove":
    case "lb.ready":
    case "lb.hold":
    case "lb.settle":
      return operateLb(action);
    case "release.stage":
    case "release.unstage":
    case "release.switch":
    case "release.probe":
    case "release.remove":
    case "release.prune":
      return operateRelease(action);
    case "files.edit":
      return edit(action.file, action.key, action.from, action.to);
    case "pause":
      return rest(action.ms);
  }
}

function* edit(file: string, key: string, from: string, to: string): Operation {
  yield { kind: "edit", file, key, from, to };
  return done();
}

function* rest(ms: number): Operation {
  yield* pause(ms);
  return done();
}
