// A drover command that is followed line by line while it runs, and may be killed.
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";

/** A command at work. */
export interface Following {
  /** Resolves once it has printed this, within a minute. */
  says(what: string): Promise<void>;
  readonly printed: () => string;
  /** As kill -9 does. */
  kill(): void;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts `drover … -v` on the laptop. */
export function following(lab: Lab, args: readonly string[]): Following {
  const child = lab.background(["sh", "-c", 'echo "pid $$"; exec drover "$@" -v', "sh", ...args]);
  let printed = "";
  const collect = (chunk: Buffer): void => void (printed += chunk.toString());
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  let isOver = false;
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      isOver = true;
      resolve(code);
    });
  });
  return {
    async says(what) {
      await until(`drover says: ${what}`, () => Promise.resolve(isOver || printed.includes(what)), 60_000);
      if (!printed.includes(what)) throw new Error(`drover ended without saying ${what}:\n${printed}`);
    },
    printed: () => printed,
    kill: () => void process.kill(Number(/^pid (\d+)$/m.exec(printed)?.[1]), "SIGKILL"),
    ended,
  };
}
