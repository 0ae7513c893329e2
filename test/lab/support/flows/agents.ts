// The other ends of flows: programs on the lab's hosts and its laptop that connect, stay connected, or only knock.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { checkout } from "../lab.ts";
import type { Lab } from "../lab.ts";

/** One that is at work until it is told to stop. */
export interface Agent<Totals> {
  /** What it has seen so far. */
  report(): Promise<Totals>;
  stop(): Promise<Totals>;
}

/** What `flows connect` counts; `slowest` in ms. */
export interface Connected {
  readonly connections: number;
  readonly failed: number;
  readonly slowest: number;
  readonly first: readonly string[];
}

/** What `flows streams` counts; `longestSilence` in ms, `least` the bytes of the one that got fewest. */
export interface Streamed {
  readonly streams: number;
  readonly broken: number;
  readonly how: readonly string[];
  readonly longestSilence: number;
  readonly bytes: number;
  readonly least: number;
}

/** What a target was found to be, and when that changed (ms since the epoch). */
export interface Sampled {
  readonly open: number;
  readonly shut: number;
  readonly changes: readonly (readonly [at: number, what: "open" | "shut"])[];
}

/** The program, for whoever packs it as an app. */
export const FLOWS: string = join(import.meta.dirname, "flows.py");

const running = new Set<ChildProcess>();

/** Ends those that a failed scenario has left at work. */
export function stopAll(): void {
  for (const child of running) child.stdin?.end();
  running.clear();
}

/** Starts the program on a host, or on the laptop, and waits until it is at work. */
async function start<Totals>(lab: Lab, where: string, args: readonly string[]): Promise<Agent<Totals>> {
  const place = where === "laptop" ? ["run", "--"] : ["exec", where, "--"];
  const argv = [...place, "python3", "-uc", readFileSync(FLOWS, "utf8"), ...args];
  const child = spawn(join(checkout, "lab/lab"), argv, { env: { ...process.env, LAB: lab.name }, stdio: "pipe" });
  running.add(child);
  child.on("close", () => running.delete(child));
  let complained = "";
  child.stderr.on("data", (chunk: Buffer) => (complained += chunk.toString()));
  child.stdin.on("error", () => undefined); // it may have ended
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`flows ${args.slice(0, 3).join(" ")} on ${where} ended: ${complained}`);
    return line.value;
  };
  const ready = await next();
  if (ready !== "ready") throw new Error(`flows on ${where} said ${ready}`);
  return {
    async report() {
      child.stdin.write("\n");
      return JSON.parse(await next()) as Totals;
    },
    async stop() {
      child.stdin.end();
      return JSON.parse(await next()) as Totals;
    },
  };
}

/** New connections to the app at an address, so many a second. */
export function connecting(lab: Lab, where: string, to: string, perSecond: number): Promise<Agent<Connected>> {
  return start(lab, where, ["connect", ...ends(to), String(perSecond)]);
}

/** Connections that stay: `push` is the server's bytes, `pull` the client's. */
export function streaming(
  lab: Lab,
  where: string,
  to: string,
  what: { readonly count: number; readonly way: "push" | "pull" },
): Promise<Agent<Streamed>> {
  return start(lab, where, ["streams", ...ends(to), String(what.count), what.way]);
}

/** Asks every `every` ms who lets in, over IPv6 less often; targets by name as `address port`. */
export function sampling(
  lab: Lab,
  where: string,
  targets: Readonly<Record<string, string>>,
  every = 100,
): Promise<Agent<Readonly<Record<string, Sampled>>>> {
  const list = Object.entries(targets).map(([name, to]) => {
    const [address = "", port] = ends(to);
    return [name, address, Number(port), address.includes(":") ? 5 : 1];
  });
  return start(lab, where, ["sample", String(every), JSON.stringify(list)]);
}

function ends(to: string): readonly string[] {
  return to.split(" ");
}
