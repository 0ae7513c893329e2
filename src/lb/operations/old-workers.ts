import type { LbAction } from "../../model/action.ts";
import type { ServerRef } from "../../model/lb.ts";
import { done, haproxy, pause } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { parseInfo, parseProc, parseSess } from "../parse.ts";
import type { Stream } from "../parse.ts";
import type { Part } from "./talk.ts";

/** A worker from before a reload and what it still carries. */
export interface OldWorker {
  readonly pid: number;
  readonly tunnels: readonly Stream[];
  /** Requests and responses under way. */
  readonly requests: readonly Stream[];
  /** Connections without a request: one more request on them would still be routed by what this worker knows. */
  readonly idle: number;
}

/** How the master names a worker that has ended (management.txt §9.4 "@!<pid>"). */
function isGone(reply: string): boolean {
  return reply.startsWith("Can't find the target PID");
}

function judge(pid: number, info: string, sess: string): readonly OldWorker[] {
  if (isGone(info) || isGone(sess)) return [];
  const streams = parseSess(sess);
  // One connection may carry several streams (HTTP/2), so connections are counted by where they come from.
  const busy = new Set(streams.map((stream) => stream.source)).size;
  return [
    {
      pid,
      tunnels: streams.filter((stream) => stream.tunnel),
      requests: streams.filter((stream) => !stream.tunnel),
      idle: Math.max(0, parseInfo(info, "CurrConns") - busy),
    },
  ];
}

/**
 * What the workers from before the last reload still do. They refuse every `set server` ("Proxy is disabled.") and
 * route by what was true when they were replaced, so a drain begins by waiting for them.
 */
export function* oldWorkers(balancer: string): Part<readonly OldWorker[]> {
  const { replies: proc } = yield* haproxy(balancer, "master", ["show proc"]);
  const pids = parseProc(proc[0] ?? "").old.map(({ pid }) => pid);
  if (pids.length === 0) return [];
  const lines = pids.flatMap((pid) => [`@!${String(pid)} show info`, `@!${String(pid)} show sess`]);
  const { replies } = yield* haproxy(balancer, "master", lines);
  return pids.flatMap((pid, index) => judge(pid, replies[2 * index] ?? "", replies[2 * index + 1] ?? ""));
}

/** True when nothing can come out of these workers any more but what their tunnels carry. */
function areQuiet(workers: readonly OldWorker[]): boolean {
  return workers.every(({ requests, idle }) => requests.length === 0 && idle === 0);
}

/** Streams of old workers that belong to one server. */
export function streamsOf(
  workers: readonly OldWorker[],
  server: ServerRef,
): readonly { pid: number; stream: Stream }[] {
  return workers.flatMap(({ pid, tunnels, requests }) =>
    [...tunnels, ...requests]
      .filter((stream) => stream.backend === server.backend && stream.server === server.server)
      .map((stream) => ({ pid, stream })),
  );
}

/** Milliseconds between two looks at old workers: keep-alive may take 10 s to end, so there is no hurry. */
const EVERY = 100;

/** Waits until old workers are quiet; false when that takes longer than `limit` ms. */
export function* awaitQuiet(balancer: string, limit: number): Part<boolean> {
  while (true) {
    const workers = yield* oldWorkers(balancer);
    if (areQuiet(workers)) return true;
    if ((yield* pause(EVERY)) >= limit) return false;
  }
}

/** See `lb.settle`. A drain waits again by itself, so a deadline here is no failure. */
export function* settle(action: Extract<LbAction, { kind: "lb.settle" }>): Operation {
  const quiet = yield* awaitQuiet(action.balancer, action.deadline);
  return done(quiet ? "" : "a worker from before the reload is still busy");
}
