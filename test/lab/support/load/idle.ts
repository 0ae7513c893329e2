import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Users } from "./users.ts";
import { startUsers } from "./users.ts";

/** What idle keep-alive users saw; see idle-users.ts. */
export interface IdleTotals {
  readonly requests: number;
  readonly kept: number;
  readonly failed: number;
  readonly first: readonly string[];
  readonly instances: Readonly<Record<string, number>>;
}

/** Lets idle keep-alive users come to a balancer; `stop` takes as long as their longest silence, 4 s. */
export function startIdle(lab: Lab, address: string, host: string): Users<IdleTotals> {
  return startUsers(lab, "idle users", ["node", join(import.meta.dirname, "idle-users.ts"), address, host, "20"]);
}
