// What a user who finds an app by DNS has seen, held against what drover says it did.
import { join } from "node:path";
import { expect } from "vitest";
import type { RunEvent } from "../../../../src/model/event.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { SERVERS, TTL, ZONE } from "./bench.ts";

/** One answer; times in milliseconds since the epoch. */
export interface Sighting {
  readonly server: string;
  readonly sent: number;
  readonly got: number;
  readonly hosts: readonly string[];
}

/** What resolving.ts counts. */
export interface Totals {
  readonly answers: number;
  readonly digs: number;
  readonly unanswered: number;
  readonly empty: number;
  readonly connections: number;
  readonly failed: number;
}

/** All that a user saw. */
export interface Experience {
  readonly sightings: readonly Sighting[];
  readonly totals: Totals;
  readonly complaints: readonly string[];
}

type Line = Sighting | Omit<Experience, "sightings">;

/** Somebody resolves the shop and connects to it, while `during` goes on. */
export async function resolving<T>(
  lab: Lab,
  during: () => Promise<T>,
): Promise<{ readonly result: T; readonly seen: Experience }> {
  const program = join(import.meta.dirname, "resolving.ts");
  const argv = ["node", program, `_shop._tcp.${ZONE}`, String(TTL * 1000), ...Object.values(SERVERS)];
  const child = lab.background(argv);
  let printed = "";
  let complained = "";
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  try {
    await until("somebody resolves", () => Promise.resolve(printed.includes("\n")));
    const result = await during();
    child.stdin?.end();
    await ended;
    return { result, seen: experience(printed, complained) };
  } finally {
    child.stdin?.end();
  }
}

function experience(printed: string, complained: string): Experience {
  const lines = printed
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const last = lines.at(-1);
  if (last === undefined || !("totals" in last)) throw new Error(`the user ended early: ${complained}`);
  return { ...last, sightings: lines.filter((line): line is Sighting => "hosts" in line) };
}

/** A host that was out of DNS: acknowledged at `from`, and at `until` drover began to publish it again. */
export interface Absence {
  readonly host: string;
  readonly from: number;
  readonly until: number;
}

/** When hosts were out of DNS, by what drover told of its steps. */
function absences(events: readonly RunEvent[]): readonly Absence[] {
  const out = new Map<string, number>();
  const found: Absence[] = [];
  for (const event of events) {
    const [, what, hosts = ""] =
      "says" in event ? (/^(withdraw|publish) shop on ([a-z0-9, ]+)$/.exec(event.says) ?? []) : [];
    for (const host of hosts.split(", ")) {
      if (what === "withdraw" && event.kind === "step-done") out.set(host, event.at);
      const from = out.get(host);
      if (what !== "publish" || event.kind !== "step-started" || from === undefined) continue;
      found.push({ host, from, until: event.at });
      out.delete(host);
    }
  }
  return [...found, ...[...out].map(([host, from]) => ({ host, from, until: Infinity }))];
}

/** Answers that name a host that was out of DNS on every server from before the question to after the answer. */
function ghosts({ sightings }: Experience, out: readonly Absence[]): readonly string[] {
  return out.flatMap(({ host, from, until: to }) =>
    sightings
      .filter(({ sent, got, hosts }) => sent > from && got < to && hosts.includes(host))
      .map(({ server, sent }) => `${server} named ${host} ${String(sent - from)} ms after its withdrawal`),
  );
}

/**
 * Nobody failed to connect, no answer was empty or named fewer than `least` instances, and none named an instance after it
 * was acknowledged to be out: stricter than the TTL, for those who answer are the servers themselves. Gives the figures.
 */
export function expectNeverWrong(
  seen: Experience,
  events: readonly RunEvent[],
  { least, withdrawals }: { readonly least: number; readonly withdrawals: number },
): string {
  const { totals, sightings } = seen;
  const told = JSON.stringify({ totals, complaints: seen.complaints }, null, 1);
  const out = absences(events);
  expect(out.length, "withdrawals that drover told of").toBe(withdrawals);
  expect(ghosts(seen, out)).toEqual([]);
  expect({ failed: totals.failed, empty: totals.empty, unanswered: totals.unanswered }, told).toEqual({
    failed: 0,
    empty: 0,
    unanswered: 0,
  });
  expect(Math.min(...sightings.map(({ hosts }) => hosts.length))).toBeGreaterThanOrEqual(least);
  expect(totals.connections).toBeGreaterThan(10 * withdrawals);
  expect(totals.digs).toBeGreaterThan(0);
  const inTime = sightings.filter(({ sent, hosts }) => out.some((each) => isJustGone(each, sent, hosts)));
  // Or the two clocks are not the same, and nothing could have been found.
  expect(inTime.length, "answers that name an instance in the second before it was out").toBeGreaterThan(0);
  return (
    `${String(totals.answers)} answers to Node and ${String(totals.digs)} to dig, 0 empty; ` +
    `${String(totals.connections)} connections, 0 failed; ${String(out.length)} withdrawals, 0 answers named one afterwards ` +
    `(${String(inTime.length)} did within the second before)`
  );
}

function isJustGone({ host, from }: Absence, sent: number, hosts: readonly string[]): boolean {
  return sent <= from && sent > from - 1000 && hosts.includes(host);
}
