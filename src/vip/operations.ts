import { DroverError } from "../model/errors.ts";
import { failed } from "../model/operation.ts";
import type { Operation } from "../model/operation.ts";
import type { VipAction } from "../model/vip.ts";
import { awaitHolder } from "./operations/await.ts";
import { check, install, restore } from "./operations/config.ts";
import { resume, yieldVip } from "./operations/hand-over.ts";

/** How an action on a balancer's keepalived is carried out. */
export function* operateVip(action: VipAction): Operation {
  try {
    return yield* start(action);
  } catch (error) {
    // Answers that make no sense are thrown where they are read.
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

function start(action: VipAction): Operation {
  switch (action.kind) {
    case "vip.install":
      return install(action);
    case "vip.restore":
      return restore(action);
    case "vip.check":
      return check(action);
    case "vip.yield":
      return yieldVip(action);
    case "vip.resume":
      return resume(action);
    case "vip.await":
      return awaitHolder(action);
  }
}
