import { mutating } from "../../model/command.ts";
import type { Operation } from "../../model/operation.ts";
import type { VipAction } from "../../model/vip.ts";
import { RESUME, YIELD } from "../script.ts";
import { finish } from "./config.ts";

/** See `vip.yield`. */
export function* yieldVip(action: Extract<VipAction, { kind: "vip.yield" }>): Operation {
  return yield* finish(action.balancer, mutating("vip.yield", YIELD, []));
}

/** See `vip.resume`. */
export function* resume(action: Extract<VipAction, { kind: "vip.resume" }>): Operation {
  return yield* finish(action.balancer, mutating("vip.resume", RESUME, []));
}
