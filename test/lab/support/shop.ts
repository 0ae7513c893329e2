// The shop behind the lab's balancers: rolled out as an operator would, pressed on as users would.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { Load, LoadTotals } from "../../../lab/demo/load.ts";
import { startLoad } from "../../../lab/demo/load.ts";
import type { RunEvent } from "../../../src/model/event.ts";
import type { Lab, Outcome } from "./lab.ts";
import { until } from "./lab.ts";

export const balancers = ["lb1", "lb2"] as const;
export const appHosts = ["app1", "app2", "app3"] as const;

/** Types a drover command on the lab's laptop. */
export function drover(lab: Lab, ...args: readonly string[]): Promise<Outcome> {
  return lab.run(["drover", ...args]);
}

/** Types a drover command and expects its exit code; what it printed stands in the failure. */
export async function expectDrover(lab: Lab, code: number, ...args: readonly string[]): Promise<string> {
  const outcome = await drover(lab, ...args);
  expect(outcome.code, `drover ${args.join(" ")}\n${outcome.stdout}${outcome.stderr}`).toBe(code);
  return outcome.stdout;
}

/** About 10 requests a second per connection, on each balancer's own address, while `during` goes on; none is retried. */
export async function underLoad<T>(
  lab: Lab,
  during: () => Promise<T>,
  connections = 8,
): Promise<{ result: T; totals: LoadTotals }> {
  const common = { lab: lab.name, host: "shop.lab.internal", connections, delay: 98, limit: 900 };
  const loads: readonly Load[] = ["192.168.56.11", "192.168.56.12"].map((address) => startLoad({ ...common, address }));
  const result = await during();
  const [first, second] = await Promise.all(loads.map((load) => load.stop()));
  if (first === undefined || second === undefined) throw new Error("there are two balancers");
  const totals = {
    requests: first.requests + second.requests,
    failed: first.failed + second.failed,
    report: first.report + second.report,
  };
  return { result, totals };
}

/** Nobody saw an error, and there was somebody to see one. */
export function expectNoneFailed(totals: LoadTotals): void {
  expect(totals.failed, totals.report).toBe(0);
  expect(totals.requests).toBeGreaterThan(100);
}

/** `backend/server` with HAProxy's administrative state mask, from HAProxy itself. */
async function adminStates(lab: Lab, balancer: string): Promise<Readonly<Record<string, number>>> {
  const ask =
    "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new('/run/haproxy/admin.sock') or die; print $s \"show servers state\\n\"; print <$s>";
  const { stdout } = await lab.exec(balancer, ["perl", "-e", ask]);
  const rows = stdout.split("\n").filter((line) => /^\d+ /.test(line));
  return Object.fromEntries(
    rows.map((row) => {
      const [, backend = "", , server = "", , , admin = ""] = row.split(" ");
      return [`${backend}/${server}`, Number(admin)];
    }),
  );
}

/** Bit of the mask that says where a state came from: every new server begins disabled. It holds nothing back. */
const BEGAN_DISABLED = 0x04;

/** No balancer keeps any server out, neither in the process nor in the file. */
export async function expectNothingDrained(lab: Lab): Promise<void> {
  for (const balancer of balancers) {
    const states = await adminStates(lab, balancer);
    expect(Object.keys(states)).toHaveLength(appHosts.length);
    expect(
      Object.values(states).every((mask) => (mask & ~BEGAN_DISABLED) === 0),
      `${balancer}: ${JSON.stringify(states)}`,
    ).toBe(true);
    const { stdout } = await lab.exec(balancer, ["grep", "-c", " disabled$", "/etc/haproxy/haproxy.cfg"]);
    expect(stdout.trim(), `${balancer}: servers marked in the file`).toBe("0");
  }
}

/** Changes the shop's file with one replacement that must apply. */
export async function editShop(lab: Lab, from: string | RegExp, to: string): Promise<void> {
  const path = join(lab.fleet, "apps/shop.yaml");
  const before = await readFile(path, "utf8");
  const after = before.replace(from, to);
  expect(after, `nothing to replace: ${String(from)}`).not.toBe(before);
  await writeFile(path, after);
}

/** The release each app host answers with, asked directly. */
export async function releasesRunning(lab: Lab): Promise<readonly string[]> {
  const answers = await Promise.all(
    appHosts.map((_, index) =>
      lab.run(["curl", "-sS", "-m", "5", `http://192.168.56.${String(21 + index)}:8080/version`]),
    ),
  );
  return answers.map(({ stdout }) => /"release": "([^"]+)"/.exec(stdout)?.[1] ?? stdout);
}

/** One line of what a websocket user saw; `at` in milliseconds since the epoch. */
export interface WebsocketEvent {
  readonly what: "opened" | "closed" | "refused";
  readonly at: number;
  /** Which instance opened it. */
  readonly instance: string;
}

/** A user who keeps a websocket open through one balancer, on the lab's laptop. */
export interface WebsocketUser {
  readonly seen: readonly WebsocketEvent[];
  leave(): void;
}

/** Opens a websocket through the balancer and waits until it is open. */
export async function openWebsocket(lab: Lab, address: string): Promise<WebsocketUser> {
  const program = join(import.meta.dirname, "websocket.ts");
  const child = lab.background(["node", program, address, "shop.lab.internal"]);
  const seen: WebsocketEvent[] = [];
  if (child.stdout === null) throw new Error("the websocket user has no stdout");
  createInterface({ input: child.stdout }).on("line", (line) => seen.push(JSON.parse(line) as WebsocketEvent));
  await until("the websocket is open", () => Promise.resolve(seen.some(({ what }) => what === "opened")));
  return { seen, leave: () => void child.kill("SIGTERM") };
}

/** The events of a run that was asked for `--output json`. */
export function runEvents(output: string): readonly RunEvent[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as RunEvent);
}

/**
 * Every websocket was closed by drover at the drain's deadline and by nothing else: each close falls on the end of a
 * wait that lasted `drainTimeout` and says that it closed something, and nobody was refused.
 */
export function expectClosedOnlyAtDeadline(
  seen: readonly WebsocketEvent[],
  events: readonly RunEvent[],
  drainTimeout: number,
): void {
  const closings = events.flatMap((event) =>
    event.kind === "step-done" && event.says.startsWith("wait for the sessions") && /closed/.test(event.note)
      ? [event]
      : [],
  );
  const closed = seen.filter(({ what }) => what === "closed");
  expect(seen.filter(({ what }) => what === "refused")).toEqual([]);
  expect(closed.length, JSON.stringify({ seen, closings })).toBeGreaterThan(0);
  for (const closing of closings) expect(closing.ms).toBeGreaterThanOrEqual(drainTimeout);
  for (const close of closed) {
    const near = closings.some((closing) => Math.abs(closing.at - close.at) < 1000);
    expect(near, `closed at ${String(close.at)}, which is no drain's deadline: ${JSON.stringify(closings)}`).toBe(true);
  }
}
