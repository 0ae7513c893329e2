import { DroverError, failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { ExecResult, Request } from "../model/ports.ts";
import type { Connection } from "./connect.ts";
import type { Deadline } from "./deadline.ts";
import { aborted } from "./deadline.ts";
import { hostLost, lines, place, sudoRefused } from "./failures.ts";
import type { Endpoint } from "./failures.ts";
import { payload } from "./payload.ts";
import { remoteCommand, renderScript } from "./script.ts";
import { openSession } from "./session.ts";
import type { Session, SessionEnd } from "./session.ts";

/** More than a command may print, per stream: 16 MiB. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** The result of an exec, or word that nothing was started because the connection turned out to be dead. */
export type Executed = ExecResult | { readonly kind: "not-started"; readonly why: string };

interface Collected {
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
  size: number;
}

/** Runs one command over a live connection. Never throws. */
export async function execOn(
  connection: Connection,
  become: "sudo" | "none",
  request: Request,
  deadline: Deadline,
): Promise<Executed> {
  const { name } = request.command;
  const script = tryRender(request);
  if (!(script instanceof Uint8Array)) return { kind: "failed", failure: script };
  const collected: Collected = { stdout: [], stderr: [], size: 0 };
  const { promise: flooded, resolve: flood } = Promise.withResolvers<void>();
  const collect = (into: Buffer[], chunk: Buffer): void => {
    collected.size += chunk.length;
    if (collected.size > OUTPUT_LIMIT) flood();
    else into.push(chunk);
  };
  const opened = await openSession(
    connection,
    { command: remoteCommand(become), become },
    { stdout: (chunk) => collect(collected.stdout, chunk), stderr: (chunk) => collect(collected.stderr, chunk) },
    deadline.signal,
  );
  if (opened.kind === "none") {
    return deadline.signal.aborted
      ? { kind: "failed", failure: stopped(connection.endpoint, name, deadline, true) }
      : { kind: "not-started", why: opened.why };
  }
  const { session } = opened;
  const { promise: unsent, resolve: cannotSend } = Promise.withResolvers<Failure>();
  session.send(payload(script, request.frames)).catch((error: unknown) => cannotSend(asFailure(error)));
  const ended = await Promise.race([
    session.end,
    unsent,
    flooded.then(() => "flooded" as const),
    aborted(deadline.signal).then(() => "stopped" as const),
  ]);
  if (typeof ended === "string" || !("kind" in ended)) {
    const gone = await session.stop();
    return { kind: "failed", failure: cutShort(connection.endpoint, name, ended, { deadline, gone }) };
  }
  return judge(connection.endpoint, session, become, { name, ended, collected });
}

function judge(
  endpoint: Endpoint,
  session: Session,
  become: "sudo" | "none",
  run: { readonly name: string; readonly ended: SessionEnd; readonly collected: Collected },
): ExecResult {
  const stderr = Buffer.concat(run.collected.stderr).toString();
  const bad = endFailure(endpoint, run.name, run.ended, { began: session.began(), become, stderr });
  if (bad !== null) return { kind: "failed", failure: bad };
  const code = run.ended.kind === "exited" ? run.ended.code : 1;
  return { kind: "exited", code, stdout: Buffer.concat(run.collected.stdout).toString(), stderr };
}

/** The failure in how a process ended; null when it simply exited, with whatever code. */
export function endFailure(
  endpoint: Endpoint,
  name: string,
  ended: SessionEnd,
  seen: { readonly began: boolean; readonly become: "sudo" | "none"; readonly stderr: string },
): Failure | null {
  switch (ended.kind) {
    case "lost":
      return hostLost(endpoint, ended.why);
    case "killed":
      return failure(
        "command-killed",
        `${name} on ${endpoint.host} was killed by ${ended.signal}`,
        `who did it may be in the host's journal, e.g. the out-of-memory killer: journalctl -k -n 50`,
        lines(seen.stderr),
      );
    case "exited":
      if (seen.began) return null;
      if (seen.become === "sudo") return sudoRefused(endpoint, seen.stderr);
      return failure(
        "command-failed",
        `no shell started on ${place(endpoint)}: exit code ${ended.code}`,
        `try: ssh -p ${endpoint.port} ${endpoint.user}@${endpoint.address} sh -c true`,
        lines(seen.stderr),
      );
  }
}

function cutShort(
  endpoint: Endpoint,
  name: string,
  cause: Failure | "flooded" | "stopped",
  how: { readonly deadline: Deadline; readonly gone: boolean },
): Failure {
  if (cause === "stopped") return stopped(endpoint, name, how.deadline, how.gone);
  if (cause === "flooded")
    return failure("command-failed", `${name} on ${endpoint.host} printed more than ${OUTPUT_LIMIT / 1024 / 1024} MiB`);
  return cause;
}

/** The failure for a command that its deadline or its caller ended. */
export function stopped(endpoint: Endpoint, name: string, deadline: Deadline, gone: boolean): Failure {
  const rest = gone ? "" : "it may still run there; the host refuses its changes once a newer run has begun";
  if (!deadline.passed()) return failure("interrupted", `${name} on ${endpoint.host} was stopped`, rest);
  return failure(
    "command-timeout",
    `${name} on ${endpoint.host} did not finish in time${gone ? " and was stopped" : ""}`,
    rest,
  );
}

function tryRender(request: Request): Uint8Array | Failure {
  try {
    return renderScript(request);
  } catch (error) {
    return asFailure(error);
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof DroverError) return error.failure;
  return failure("bug", error instanceof Error ? error.message : String(error));
}
