import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { SshOptions } from "../../../src/ssh/options.ts";
import { createSshTransport } from "../../../src/ssh/transport.ts";
import { systemClock } from "../../../src/store/clock.ts";
import { createSshStore } from "../../../src/store/ssh-store.ts";

/** A process of its own that takes the lease and keeps it: to be killed or frozen. */
export interface HolderProcess {
  readonly child: ChildProcess;
  /** Resolves when the process has printed this word: `held` or `lost`. */
  said(word: string): Promise<void>;
}

/** Starts a {@link HolderProcess} for host `box`. */
export function startHolder(options: SshOptions): HolderProcess {
  const child = spawn("node_modules/.bin/node", [import.meta.filename, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return {
    child,
    said: (word) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (printed.split("\n").includes(word)) resolve();
        };
        child.stdout.on("data", look);
        child.once("exit", () => reject(new Error(`the holder ended, having said: ${printed}`)));
        look();
      }),
  };
}

async function hold(options: SshOptions): Promise<void> {
  const transport = createSshTransport(options);
  const store = createSshStore({ transport, host: "box", clock: systemClock });
  const who = { run: "held-1", operator: "holder", purpose: "to be troubled" };
  const acquired = await store.acquire(who, { deadline: 10_000, signal: new AbortController().signal });
  if (acquired.kind !== "held") throw new Error(JSON.stringify(acquired));
  process.stdout.write("held\n");
  acquired.lease.lost.addEventListener("abort", () => {
    process.stdout.write("lost\n");
  });
}

if (process.argv[1] === import.meta.filename) await hold(JSON.parse(process.argv[2] ?? ""));
