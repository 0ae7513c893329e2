import { join } from "node:path";
import type { Lab } from "../lab.ts";

/** What idle keep-alive users saw; see idle-users.ts. */
export interface IdleTotals {
  readonly requests: number;
  readonly kept: number;
  readonly failed: number;
  readonly first: readonly string[];
  readonly instances: Readonly<Record<string, number>>;
}

/** Lets idle keep-alive users come to a balancer; `stop` takes as long as their longest silence, 4 s. */
export function startIdle(lab: Lab, address: string, host: string): { stop(): Promise<IdleTotals> } {
  const child = lab.background(["node", join(import.meta.dirname, "idle-users.ts"), address, host, "20"]);
  let said = "";
  let complained = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    async stop() {
      child.kill("SIGINT");
      await ended;
      if (said === "") throw new Error(`the idle users did not tell their totals: ${complained}`);
      return JSON.parse(said) as IdleTotals;
    },
  };
}
