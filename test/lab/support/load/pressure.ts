// Load of every kind at once on both balancers, for the length of a scenario: wrk over HTTP/1.1 with keep-alive, plain
// and TLS, HTTP/2 users who count by the code a stream was reset with, and h2load. Nobody retries.
import { join } from "node:path";
import { expect } from "vitest";
import type { LoadTotals } from "../../../../lab/demo/load.ts";
import { startLoad } from "../../../../lab/demo/load.ts";
import type { Lab } from "../lab.ts";
import type { H2loadTotals } from "./h2load.ts";
import { startH2load, sumH2load } from "./h2load.ts";
import type { Users } from "./users.ts";
import { startUsers } from "./users.ts";

/** What HTTP/2 users saw; see http2-users.ts. */
export interface Http2Totals {
  readonly requests: number;
  readonly refused: number;
  readonly unsent: number;
  readonly failed: number;
  readonly goaways: number;
  readonly sessions: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly first: readonly string[];
}

/** Where to press, and how hard. */
export interface Pressure {
  readonly lab: Lab;
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  /** The authority of the balancers' certificates; null: no TLS, and so no HTTP/2. */
  readonly ca: string | null;
  /** About so many HTTP/1.1 requests a second in all; HTTP/2 as many. */
  readonly rate: number;
}

/** What all of them saw. */
export interface Seen {
  readonly h1: LoadTotals;
  readonly h2: Http2Totals;
  readonly h2load: H2loadTotals;
  readonly seconds: number;
}

const users = join(import.meta.dirname, "http2-users.ts");
const H2LOAD = { clients: 4, streams: 4 };
const NONE: Http2Totals = {
  requests: 0,
  refused: 0,
  unsent: 0,
  failed: 0,
  goaways: 0,
  sessions: 0,
  failures: {},
  first: [],
};

function startHttp2({ lab, names, ca }: Pressure, address: string, rate: number): Users<Http2Totals> {
  const streams = 4;
  const sessions = Math.max(2, names.length);
  const delay = Math.max(1, Math.round((1000 * sessions * streams) / rate));
  const options = { address, names, path: "/", ca, sessions, streams, delay };
  return startUsers(lab, "HTTP/2 users", ["node", users, JSON.stringify(options)]);
}

function startHttp1(pressure: Pressure, address: string, scheme: "http" | "https", rate: number): Running {
  const connections = 8;
  const delay = Math.max(1, Math.round((1000 * connections) / rate));
  return startLoad({
    lab: pressure.lab.name,
    address,
    host: pressure.names,
    scheme,
    connections,
    delay,
    limit: 5400,
  });
}

interface Running {
  stop(): Promise<LoadTotals>;
}

/** Presses while `during` goes on; also when it throws, so that no load outlives its scenario. */
export async function under<T>(
  pressure: Pressure,
  during: () => Promise<T>,
): Promise<{ readonly result: T; readonly seen: Seen }> {
  const { addresses, ca, lab, names } = pressure;
  const began = Date.now();
  const schemes = ca === null ? (["http"] as const) : (["http", "https"] as const);
  const each = pressure.rate / addresses.length;
  const h1 = addresses.flatMap((address) =>
    schemes.map((scheme) => startHttp1(pressure, address, scheme, each / schemes.length)),
  );
  const secure = ca === null ? [] : addresses;
  const h2 = secure.map((address) => startHttp2(pressure, address, each / 2));
  const h2load = secure.map((address) =>
    startH2load({ ...H2LOAD, lab: lab.name, address, name: names[0] ?? "", rate: Math.max(1, Math.round(each / 8)) }),
  );
  const stop = async (): Promise<Seen> => {
    const [first, second, third] = await Promise.all([
      Promise.all(h1.map((load) => load.stop())),
      Promise.all(h2.map((load) => load.stop())),
      Promise.all(h2load.map((load) => load.stop())),
    ]);
    const seconds = (Date.now() - began) / 1000;
    return { h1: first.reduce(addHttp1), h2: second.reduce(addHttp2, NONE), h2load: sumH2load(third), seconds };
  };
  try {
    const result = await during();
    return { result, seen: await stop() };
  } catch (error) {
    const seen = await stop().catch(() => null);
    if (seen !== null) console.log(`before it failed: ${figures(seen)}`);
    throw error;
  }
}

function addHttp1(one: LoadTotals, other: LoadTotals): LoadTotals {
  return {
    requests: one.requests + other.requests,
    failed: one.failed + other.failed,
    report: `${one.report}${other.report}`,
  };
}

function addHttp2(one: Http2Totals, other: Http2Totals): Http2Totals {
  const failures = { ...one.failures };
  for (const [what, count] of Object.entries(other.failures)) failures[what] = (failures[what] ?? 0) + count;
  return {
    requests: one.requests + other.requests,
    refused: one.refused + other.refused,
    unsent: one.unsent + other.unsent,
    failed: one.failed + other.failed,
    goaways: one.goaways + other.goaways,
    sessions: one.sessions + other.sessions,
    failures,
    first: [...one.first, ...other.first],
  };
}

/** One line for the log of a test. */
export function figures({ h1, h2, h2load, seconds }: Seen): string {
  return (
    `${seconds.toFixed(0)} s: HTTP/1.1 ${h1.requests} requests, ${h1.failed} failed; ` +
    `HTTP/2 ${h2.requests} requests, ${h2.failed} failed, ${h2.refused} streams refused; ` +
    `h2load ${h2load.requests} requests, ${h2load.failed} failed or refused`
  );
}

/**
 * No request failed, and there were some. Over HTTP/2 a stream may be refused before it is processed, at a reload only
 * (`reloads`: whether there were any); h2load cannot tell refused from failed, so its count is held against the streams
 * that its runs can have had in flight.
 */
export function expectNoFailures(seen: Seen, reloads: boolean): void {
  expect(seen.h1.failed, seen.h1.report).toBe(0);
  expect(seen.h2.failed, JSON.stringify(seen.h2, null, 1)).toBe(0);
  expect(seen.h1.requests).toBeGreaterThan(100);
  expect(seen.h2load.statuses["4xx"] + seen.h2load.statuses["5xx"] + seen.h2load.timeouts).toBe(0);
  expect(seen.h2load.failed).toBeLessThanOrEqual(seen.h2load.runs * H2LOAD.clients * H2LOAD.streams);
  if (!reloads) {
    expect(seen.h2.refused, "streams refused without a reload").toBe(0);
    expect(seen.h2load.failed, "h2load's failures without a reload").toBe(0);
  }
}
