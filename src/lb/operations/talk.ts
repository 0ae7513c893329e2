import type { ServerRef } from "../../model/lb.ts";
import type { Failure } from "../../model/errors.ts";
import { DroverError, failure } from "../../model/errors.ts";
import type { Answer, Ask } from "../../model/operation.ts";
import { haproxy } from "../../model/operation.ts";
import { refName } from "../normalize.ts";
import { parseServersState, parseStat } from "../parse.ts";
import type { ServerRow, ServerStat } from "../parse.ts";

/** A part of an operation: asks like one, and returns a value. */
export type Part<T> = Generator<Ask, T, Answer>;

/** A server as one balancer sees it at one moment, among the others of its backend. */
export interface Seen {
  readonly row: ServerRow;
  readonly stat: ServerStat;
  readonly others: readonly { readonly row: ServerRow; readonly stat: ServerStat }[];
  readonly elapsed: number;
}

/** Milliseconds between two looks: short against a check's 100 ms, long against HAProxy's own work for a look. */
export const LOOK_EVERY = 40;

function pairs(backend: string, rows: string, stats: string): readonly { row: ServerRow; stat: ServerStat }[] {
  const known = new Map(parseStat(stats).map((stat) => [refName(stat), stat]));
  return parseServersState(rows).flatMap((row) => {
    const stat = known.get(refName(row));
    return row.backend === backend && stat !== undefined ? [{ row, stat }] : [];
  });
}

/**
 * Sends commands about a server (`set server …`; none: only look), then reads the backend, all in one batch so that
 * nothing comes between. HAProxy has no exit codes: success is an empty answer, anything else is its reason
 * (management.txt §9.3). Throws a DroverError when it refuses or does not know the server.
 */
export function* tell(balancer: string, server: ServerRef, commands: readonly string[] = []): Part<Seen> {
  const { backend } = server;
  const lines = [...commands, `show servers state ${backend}`, `show stat ${backend} 4 -1`];
  const { replies, elapsed } = yield* haproxy(balancer, "admin", lines, commands.length > 0);
  for (const [index, command] of commands.entries()) {
    const reply = replies[index]?.trim() ?? "no answer";
    if (reply !== "") throw new DroverError(failure("balancer-answer", `${balancer} refused "${command}": ${reply}`));
  }
  const [rows = "", stats = ""] = replies.slice(commands.length);
  // "Can't find backend." where a table should be: the balancer runs another file than we think.
  if (/^can't find backend/i.test(rows.trim())) throw new DroverError(unknownServer(balancer, server));
  const all = pairs(backend, rows, stats);
  const mine = all.find(({ row }) => row.server === server.server);
  if (mine === undefined) throw new DroverError(unknownServer(balancer, server));
  return { ...mine, others: all.filter((each) => each !== mine), elapsed };
}

function unknownServer(balancer: string, server: ServerRef): Failure {
  return failure(
    "balancer-answer",
    `HAProxy on ${balancer} does not know the server ${refName(server)}`,
    "run drover plan",
  );
}

/** `set server b/s STATE`. */
export function setState(server: ServerRef, state: "ready" | "drain" | "maint"): string {
  return `set server ${refName(server)} state ${state}`;
}

/** One line about what HAProxy's check last said. */
export function checkSays(stat: ServerStat): string {
  const code = stat.checkCode === null ? "" : `/${String(stat.checkCode)}`;
  return `${stat.status}, last check ${stat.checkStatus === "" ? "none yet" : stat.checkStatus}${code}`;
}
