import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";

/** Load on one balancer's own address, from the lab's laptop; ends when it is asked to. */
export interface Load {
  /** Asks wrk for its totals and waits for them. */
  stop(): Promise<LoadTotals>;
}

/** What wrk counted. wrk does not retry, so a failed request is a request that a user would have seen fail. */
export interface LoadTotals {
  readonly requests: number;
  readonly failed: number;
  /** wrk's own words. */
  readonly report: string;
}

/** How hard to press; connections × 1000 / delay is about the rate in requests per second. */
export interface LoadOptions {
  readonly lab: string;
  /** IPv4 address of a balancer. */
  readonly address: string;
  /** Sent as the Host header; of several, each in its turn. */
  readonly host: string | readonly string[];
  /** https: certificates are not looked at. Default http. */
  readonly scheme?: "http" | "https";
  readonly connections: number;
  /** A new connection for every request. */
  readonly close?: boolean;
  /** Milliseconds each connection waits before a request. */
  readonly delay: number;
  /** wrk ends by itself after so many seconds. */
  readonly limit: number;
}

const here = import.meta.dirname;

/** Starts wrk on the lab's laptop against one balancer. */
export function startLoad(options: LoadOptions): Load {
  const wrk = [
    "wrk",
    "-t1",
    `-c${String(options.connections)}`,
    `-d${String(options.limit)}s`,
    "--timeout=10s",
    `-s${join(here, "paced.lua")}`,
    `${options.scheme ?? "http"}://${options.address}/`,
  ];
  const close = options.close === true ? ["CLOSE=1"] : [];
  const settings = [...close, `DELAY=${String(options.delay)}`, `HOSTS=${[options.host].flat().join(",")}`];
  const child = spawn(join(here, "../lab"), ["run", "--", "env", ...settings, ...wrk], {
    env: { ...process.env, LAB: options.lab },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let report = "";
  child.stdout.on("data", (chunk: Buffer) => (report += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return {
    async stop() {
      interrupt(child);
      await ended;
      return totals(report);
    },
  };
}

/** wrk prints its totals when it is interrupted; `lab run` passes the signal on. */
function interrupt(child: ChildProcess): void {
  child.kill("SIGINT");
}

function totals(report: string): LoadTotals {
  const [, requests, failed] = /^paced: (\d+) requests, (\d+) failed$/m.exec(report) ?? [];
  if (requests === undefined || failed === undefined) throw new Error(`wrk did not tell its totals:\n${report}`);
  return { requests: Number(requests), failed: Number(failed), report };
}
