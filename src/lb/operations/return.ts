import type { LbAction } from "../../model/action.ts";
import { failure } from "../../model/errors.ts";
import type { Failure } from "../../model/errors.ts";
import { done, failed, pause } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { refName } from "../normalize.ts";
import type { ServerStat } from "../parse.ts";
import { checkSays, LOOK_EVERY, setState, tell } from "./talk.ts";
import type { Seen } from "./talk.ts";

type Of<Kind extends LbAction["kind"]> = Extract<LbAction, { kind: Kind }>;

/** All of `rise` and `fall` in hand: not "UP 1/3", one failed check away from down. */
function isFull(stat: ServerStat): boolean {
  return stat.checkHealth === null || stat.checkHealth === stat.checkRise + stat.checkFall - 1;
}

function unhealthy(balancer: string, what: string, seen: Seen): Failure {
  return failure("unhealthy", `${balancer} still finds ${what} unhealthy`, "", [checkSays(seen.stat)]);
}

/**
 * Step 6. `L7OK` may be older than the release behind the server, so `health down` first throws all passes away: the
 * read in the same batch must show it down, or counted one down more (with `rise 1` a check may pass in between).
 * Up again and full means `rise` passes that all ended after that moment. A server in full traffic is left alone.
 */
export function* prove(action: Of<"lb.prove">): Operation {
  const { balancer, server, deadline } = action;
  const before = yield* tell(balancer, server);
  if (before.row.admin === "ready" && before.stat.status === "UP") return done("it already serves");
  const drained = yield* tell(balancer, server, [setState(server, "drain")]);
  if (drained.stat.checkHealth === null) return done("it has no check");
  const down = yield* tell(balancer, server, [`set server ${refName(server)} health down`]);
  if (down.row.running && down.stat.chkdown === drained.stat.chkdown) {
    return failed(
      failure("balancer-answer", `${balancer} did not take ${refName(server)} down`, "", [checkSays(down.stat)]),
    );
  }
  let seen = down;
  while (!(seen.row.running && seen.stat.status === "DRAIN" && isFull(seen.stat))) {
    if (seen.row.admin !== "drain") {
      return failed(
        failure("balancer-answer", `${refName(server)} became ${seen.row.admin} on ${balancer} while it was proven`),
      );
    }
    if (seen.elapsed >= deadline) return failed(unhealthy(balancer, refName(server), seen));
    yield* pause(LOOK_EVERY);
    seen = yield* tell(balancer, server);
  }
  return done();
}

/** Milliseconds until a proven server must be fully up. */
const UP_LIMIT = 20_000;

/** Step 7: `state ready`, then `UP` and not `UP 1/3`. See `lb.ready`. */
export function* ready(action: Of<"lb.ready">): Operation {
  const { balancer, server } = action;
  let seen = yield* tell(balancer, server, [setState(server, "ready")]);
  while (seen.stat.status !== "UP" && seen.stat.status !== "no check") {
    if (seen.elapsed >= UP_LIMIT) return failed(unhealthy(balancer, refName(server), seen));
    yield* pause(LOOK_EVERY);
    seen = yield* tell(balancer, server);
  }
  return done();
}

/** The way back of a drain: HAProxy itself decides when traffic comes. See `lb.rejoin`. */
export function* rejoin(action: Of<"lb.rejoin">): Operation {
  const { balancer, server, deadline } = action;
  const before = yield* tell(balancer, server);
  if (before.row.admin === "ready" && before.stat.status === "UP") return done("it already serves");
  const drained = yield* tell(balancer, server, [setState(server, "drain")]);
  if (drained.stat.checkHealth !== null) yield* tell(balancer, server, [`set server ${refName(server)} health down`]);
  let seen = yield* tell(balancer, server, [setState(server, "ready")]);
  while (seen.stat.status !== "UP" && seen.stat.status !== "no check") {
    if (seen.elapsed >= deadline)
      return done(`still down (${checkSays(seen.stat)}); a pass of its check brings it back`);
    yield* pause(LOOK_EVERY);
    seen = yield* tell(balancer, server);
  }
  return done();
}

const ERRORS = ["econ", "eresp", "wretr", "wredis"] as const;

const WORDS: Readonly<Record<(typeof ERRORS)[number], string>> = {
  econ: "failed connections",
  eresp: "failed responses",
  wretr: "retries",
  wredis: "requests sent elsewhere",
};

/** Milliseconds between two looks, and answered requests without an error that end the wait early. */
const HOLD_EVERY = 100;
const ENOUGH = 20;

/** What went wrong between HAProxy and the server since `start`, in words. An app's own answers are its business… */
function errorsSince(start: ServerStat, now: ServerStat): readonly string[] {
  return ERRORS.flatMap((name) =>
    now[name] > start[name] ? [`${WORDS[name]}: ${String(now[name] - start[name])}`] : [],
  );
}

/** …unless most of them are 5xx: then its health check does not tell the truth. */
function mostlyFailing(start: ServerStat, now: ServerStat, answered: number): readonly string[] {
  const bad = now.hrsp5xx - start.hrsp5xx;
  return bad * 2 > answered && bad > 2 ? [`answers 5xx: ${String(bad)} of ${String(answered)}`] : [];
}

/** Traffic arrives, errors do not. Returns early after enough good answers; without traffic after `window`. */
export function* hold(action: Of<"lb.hold">): Operation {
  const { balancer, server, window } = action;
  let start = yield* tell(balancer, server);
  while (true) {
    const now = yield* tell(balancer, server);
    // A reload counts from zero again.
    if (now.stat.stot < start.stat.stot) start = now;
    const answered = now.stat.stot - start.stat.stot - now.stat.scur;
    const isOver = answered >= ENOUGH || now.elapsed >= window;
    const wrong = [
      ...errorsSince(start.stat, now.stat),
      ...(isOver ? mostlyFailing(start.stat, now.stat, answered) : []),
    ];
    if (wrong.length > 0) {
      const says = `errors on ${refName(server)} since ${balancer} sends traffic to it`;
      return failed(failure("traffic-errors", says, "", wrong));
    }
    if (now.row.admin === "ready" && !now.row.running) return failed(unhealthy(balancer, refName(server), now));
    if (isOver) return done(answered > 0 ? `${String(answered)} requests, no error` : "no traffic came");
    yield* pause(HOLD_EVERY);
  }
}
