import type { LbAction } from "../../model/action.ts";
import { failure } from "../../model/errors.ts";
import { done, failed, haproxy, pause } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { refName } from "../normalize.ts";
import { isUp } from "../parse.ts";
import { awaitQuiet, oldWorkers, streamsOf } from "./old-workers.ts";
import { LOOK_EVERY, setState, tell } from "./talk.ts";
import type { Part, Seen } from "./talk.ts";

type Of<Kind extends LbAction["kind"]> = Extract<LbAction, { kind: Kind }>;

/** Servers that would still take traffic without this one. */
function remaining(seen: Seen): number {
  return seen.others.filter(({ row, stat }) => row.admin === "ready" && isUp(stat)).length;
}

function tooFew(action: Of<"lb.drain">, seen: Seen): ReturnType<typeof failed> {
  const { balancer, server, floor } = action;
  const left = remaining(seen);
  const lines = seen.others.map(({ row, stat }) => `${row.server}: ${row.admin}, ${stat.status}`);
  return failed(
    failure(
      "min-available",
      `draining ${refName(server)} would leave ${left} ready on ${balancer}, ${floor} must stay`,
      `see why the others are not ready: drover status ${server.backend}`,
      lines,
    ),
  );
}

/** Old workers never get longer than `hard-stop-after 5m` of the template. */
const STEP_ZERO_LIMIT = 320_000;

/** Milliseconds in which the other servers may become ready: one that has just come up is "UP 2/3" for some checks. */
const SETTLING = 5000;

/** Looks at the server among the others, again and again until enough of them are ready or it has taken too long. */
function* lookForOthers({ balancer, server, floor }: Of<"lb.drain">): Part<Seen> {
  const first = yield* tell(balancer, server);
  let seen = first;
  while (seen.row.admin === "ready" && remaining(seen) < floor && seen.elapsed - first.elapsed < SETTLING) {
    yield* pause(5 * LOOK_EVERY);
    seen = yield* tell(balancer, server);
  }
  return seen;
}

/** Steps 0 and 1 of a drain: old workers quiet, `state drain`, read back. See `lb.drain`. */
export function* drain(action: Of<"lb.drain">): Operation {
  const { balancer, server, floor } = action;
  if (!(yield* awaitQuiet(balancer, STEP_ZERO_LIMIT))) {
    return failed(
      failure("drain-timeout", `a worker from before the last reload still serves requests on ${balancer}`),
    );
  }
  const before = yield* lookForOthers(action);
  const counts = before.row.admin === "ready";
  if (counts && remaining(before) < floor) return tooFew(action, before);
  const after = yield* tell(balancer, server, [setState(server, "drain")]);
  if (after.row.admin !== "drain") {
    return failed(failure("balancer-answer", `${refName(server)} is ${after.row.admin} on ${balancer} after a drain`));
  }
  if (counts && remaining(after) < floor) {
    // Another server fell between the two looks: an instance that serves is worth more than one that is drained.
    yield* tell(balancer, server, [setState(server, "ready")]);
    return tooFew(action, after);
  }
  return done();
}

interface Sessions {
  readonly current: number;
  readonly old: ReturnType<typeof streamsOf>;
  readonly elapsed: number;
}

function* sessions(action: Of<"lb.quiesce">): Part<Sessions> {
  const { stat, elapsed } = yield* tell(action.balancer, action.server);
  const old = streamsOf(yield* oldWorkers(action.balancer), action.server);
  return { current: stat.scur + stat.qcur, old, elapsed };
}

/** Closes what is left: neither drain nor maint cuts a tunnel (management.txt §9.3 "shutdown sessions server"). */
function* close(action: Of<"lb.quiesce">, left: Sessions): Part<void> {
  const { balancer, server } = action;
  if (left.current > 0) {
    yield* haproxy(balancer, "admin", [`shutdown sessions server ${refName(server)}`], true);
  }
  // Old workers refuse that command, but not the one for a single stream; one that ended meanwhile is none the worse.
  const lines = left.old.map(({ pid, stream }) => `@!${String(pid)} shutdown session ${stream.id}`);
  if (lines.length > 0) yield* haproxy(balancer, "master", lines, true);
}

function plural(count: number): string {
  return count === 1 ? "1 session" : `${String(count)} sessions`;
}

/** Milliseconds that closed sessions get to be gone from the counters. */
const CLOSING = 10_000;

/** Steps 2 and 3: no session on any worker, or closed at the deadline. See `lb.quiesce`. */
export function* quiesce(action: Of<"lb.quiesce">): Operation {
  const { balancer, server, drainTimeout, drainAction } = action;
  let closed = 0;
  while (true) {
    const left = yield* sessions(action);
    const count = left.current + left.old.length;
    if (count === 0) return done(closed === 0 ? "" : `${plural(closed)} closed at the deadline`);
    const late = left.elapsed - drainTimeout;
    if (late >= 0 && (drainAction === "fail" || late >= CLOSING)) {
      return failed(
        failure(
          "drain-timeout",
          `${refName(server)} still has ${plural(count)} on ${balancer} after ${String(Math.round(left.elapsed / 1000))} s`,
          "raise rollout.drainTimeout, or set rollout.drainAction: force",
        ),
      );
    }
    if (late >= 0) {
      closed = Math.max(closed, count);
      yield* close(action, left);
    }
    yield* pause(LOOK_EVERY);
  }
}

/** Step 4: `state maint`, which also closes the connections HAProxy keeps pooled to the server. See `lb.maint`. */
export function* maint(action: Of<"lb.maint">): Operation {
  const { row } = yield* tell(action.balancer, action.server, [setState(action.server, "maint")]);
  if (row.admin === "maint") return done();
  return failed(
    failure("balancer-answer", `${refName(action.server)} is ${row.admin} on ${action.balancer} after a maint`),
  );
}
