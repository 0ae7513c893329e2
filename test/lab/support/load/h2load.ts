// h2load for the length of a scenario. It does not reconnect after a GOAWAY (it gives up what it has not sent), so it
// runs again and again, and only requests that were sent are judged.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { checkout } from "../lab.ts";

/** What h2load counted over all its runs. */
export interface H2loadTotals {
  /** Sent. */
  readonly requests: number;
  /** Sent and not answered with 2xx or 3xx, refused streams among them: h2load does not tell them apart. */
  readonly failed: number;
  readonly statuses: Readonly<Record<"2xx" | "3xx" | "4xx" | "5xx", number>>;
  readonly timeouts: number;
  readonly runs: number;
}

/** Where to press, and how hard. */
export interface H2loadOptions {
  readonly lab: string;
  readonly address: string;
  readonly name: string;
  readonly clients: number;
  readonly streams: number;
  /** Requests a second of each client. */
  readonly rate: number;
}

/** h2load's totals of one run, as it prints them; null where it printed none. */
function readH2load(report: string): H2loadTotals | null {
  const count = (pattern: RegExp): number => Number(pattern.exec(report)?.[1] ?? 0);
  if (!report.includes("requests: ")) return null;
  const requests = count(/(\d+) started/);
  return {
    requests,
    failed: requests - count(/(\d+) succeeded/),
    statuses: {
      "2xx": count(/(\d+) 2xx/),
      "3xx": count(/(\d+) 3xx/),
      "4xx": count(/(\d+) 4xx/),
      "5xx": count(/(\d+) 5xx/),
    },
    timeouts: count(/(\d+) timeout/),
    runs: 1,
  };
}

/** Several counts as one. */
export function sumH2load(runs: readonly H2loadTotals[]): H2loadTotals {
  const of = (pick: (run: H2loadTotals) => number): number => runs.reduce((total, run) => total + pick(run), 0);
  return {
    requests: of((run) => run.requests),
    failed: of((run) => run.failed),
    statuses: {
      "2xx": of((run) => run.statuses["2xx"]),
      "3xx": of((run) => run.statuses["3xx"]),
      "4xx": of((run) => run.statuses["4xx"]),
      "5xx": of((run) => run.statuses["5xx"]),
    },
    timeouts: of((run) => run.timeouts),
    runs: of((run) => run.runs),
  };
}

/** Seconds that one run takes. */
const SLICE = 2;

/** Starts h2load on the lab's laptop; `stop` lets the present run end. */
export function startH2load(options: H2loadOptions): { stop(): Promise<H2loadTotals> } {
  const { address, name, clients, streams, rate } = options;
  const amount = [`-c${clients}`, `-m${streams}`, `-n${clients * rate * SLICE}`, `--rps=${rate}`];
  const target = [`--connect-to=${address}:443`, `https://${name}/`];
  const argv = ["h2load", "-t1", ...amount, "--connection-inactivity-timeout=10", ...target];
  const runs: H2loadTotals[] = [];
  let stopping = false;
  const run = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const child: ChildProcess = spawn(join(checkout, "lab/lab"), ["run", "--", ...argv], {
        env: { ...process.env, LAB: options.lab },
        stdio: ["ignore", "pipe", "ignore"],
      });
      let report = "";
      child.stdout?.on("data", (chunk: Buffer) => (report += chunk.toString()));
      child.on("error", reject);
      child.on("close", () => resolve(report));
    });
  const loop = async (): Promise<void> => {
    while (!stopping) {
      // oxlint-disable-next-line no-await-in-loop -- one run after the other is the point
      const totals = readH2load(await run());
      if (totals !== null) runs.push(totals);
    }
  };
  const looping = loop();
  return {
    async stop() {
      stopping = true;
      await looping;
      return sumH2load(runs);
    },
  };
}
