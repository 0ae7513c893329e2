import type { Lab } from "../lab.ts";

/** Users that run until they are told to stop, and tell their totals then. */
export interface Users<Totals> {
  stop(): Promise<Totals>;
}

/** Starts a program in the lab that prints its totals as JSON when it is interrupted. `who`: for messages. */
export function startUsers<Totals>(lab: Lab, who: string, argv: readonly string[]): Users<Totals> {
  const child = lab.background(argv);
  let said = "";
  let complained = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    async stop() {
      child.kill("SIGINT");
      await ended;
      if (said === "") throw new Error(`the ${who} did not tell their totals: ${complained}`);
      return JSON.parse(said) as Totals;
    },
  };
}
