import type { LbAction } from "../model/action.ts";
import { failure } from "../model/errors.ts";
import { failed } from "../model/operation.ts";
import type { Operation } from "../model/operation.ts";

/** How an action on a balancer is carried out. */
// eslint-disable-next-line require-yield -- each operation arrives with its script
export function* operateLb(action: LbAction): Operation {
  return failed(failure("bug", `${action.kind} is not written yet`));
}
