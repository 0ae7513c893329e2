import { DroverError, failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { ExecResult, Limits, Transport } from "../model/ports.ts";
import { openOn } from "./channel.ts";
import type { Connection } from "./connect.ts";
import { startDeadline } from "./deadline.ts";
import type { Deadline } from "./deadline.ts";
import { execOn } from "./exec.ts";
import { hostLost, noSession } from "./failures.ts";
import type { SshOptions } from "./options.ts";
import { createPool } from "./pool.ts";
import type { Lent } from "./pool.ts";

type Failed = { kind: "failed"; failure: Failure };
type OpenResult = Awaited<ReturnType<Transport["open"]>>;
type NotStarted = { readonly kind: "not-started"; readonly why: string };

/** The `Transport` port over ssh2. Nothing is read or connected before the first call. */
export function createSshTransport(options: SshOptions): Transport {
  const { become } = options.ssh;
  const pool = createPool(options);
  const counts: Record<string, number> = {};

  /** Runs `use` on a live connection; once more on a fresh one when a reused one turned out dead before anything ran. */
  const withConnection = async <Result extends { kind: "exited" | "open" | "failed" }>(
    host: string,
    deadline: Deadline,
    use: (connection: Connection, release: () => void) => Promise<Result | NotStarted>,
    fresh = false,
  ): Promise<Result | Failed> => {
    for (let attempt = 1; ; attempt += 1) {
      const lent: Lent = await pool.borrow(host, deadline, fresh);
      if (lent.kind === "failed") return lent;
      const result = await patiently(lent.connection, deadline, () => use(lent.connection, lent.release));
      if (!isNotStarted(result)) return result;
      lent.release();
      if (lent.connection.lost() === null)
        return { kind: "failed", failure: noSession(lent.connection.endpoint, result.why) };
      if (attempt === 2 || !lent.reused)
        return { kind: "failed", failure: hostLost(lent.connection.endpoint, result.why) };
      pool.forget(lent.connection);
    }
  };

  return {
    exec: (host, request, limits) =>
      guarded(host, limits, async (deadline): Promise<ExecResult> => {
        const run = async (connection: Connection, release: () => void): Promise<ExecResult | NotStarted> => {
          const executed = await execOn(connection, become, request, deadline);
          if (executed.kind !== "not-started") release();
          return executed;
        };
        const result = await withConnection<ExecResult>(host, deadline, run, request.fresh);
        counts[host] = (counts[host] ?? 0) + 1;
        return result;
      }),
    open: (host, request, limits) =>
      guarded(host, limits, (deadline) =>
        withConnection<OpenResult>(host, deadline, async (connection, release) => {
          const opened = await openOn(connection, become, request, deadline);
          if (opened.kind === "open") void opened.channel.closed.then(release);
          else if (opened.kind === "failed") release();
          return opened;
        }),
      ),
    expect: (hosts) => pool.expect(hosts),
    execs: () => ({ ...counts }),
    close: () => pool.close(),
  };
}

/** How often a refused session is asked for again, and the milliseconds between. */
const REFUSALS = 40;
const BETWEEN = 50;

/**
 * sshd counts a session against MaxSessions until it has reaped its process, which may be a moment after we saw it end.
 * A session refused on a living connection has run nothing, so it is asked for again.
 */
async function patiently<Result extends { kind: string }>(
  connection: Connection,
  deadline: Deadline,
  use: () => Promise<Result>,
): Promise<Result> {
  for (let refusals = 1; ; refusals += 1) {
    const result = await use();
    const isOver = connection.lost() !== null || deadline.signal.aborted || refusals > REFUSALS;
    if (!isNotStarted(result) || isOver) return result;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}

function isNotStarted<Result extends { kind: string }>(result: Result | NotStarted): result is NotStarted {
  return result.kind === "not-started";
}

/** Gives the call its deadline, and turns anything thrown into a failure: a host that fails is a result. */
async function guarded<Result>(
  host: string,
  limits: Limits,
  call: (deadline: Deadline) => Promise<Result>,
): Promise<Result | Failed> {
  const deadline = startDeadline(limits);
  try {
    return await call(deadline);
  } catch (error) {
    if (error instanceof DroverError) return { kind: "failed", failure: error.failure };
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      kind: "failed",
      failure: failure("bug", `talking to ${host} went wrong in drover itself`, "", detail.split("\n")),
    };
  } finally {
    deadline.clear();
  }
}
