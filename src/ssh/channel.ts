import { DroverError, failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import { exitFailure } from "../model/exit.ts";
import type { Channel, Limits, Request } from "../model/ports.ts";
import type { Connection } from "./connect.ts";
import { aborted, startDeadline } from "./deadline.ts";
import type { Deadline } from "./deadline.ts";
import { endFailure, stopped } from "./exec.ts";
import type { Endpoint } from "./failures.ts";
import { hostLost } from "./failures.ts";
import { createFrameReader } from "./frames.ts";
import { payload } from "./payload.ts";
import { frameHeader, remoteCommand, renderScript } from "./script.ts";
import { openSession } from "./session.ts";
import type { Session } from "./session.ts";

type Answered = { kind: "answer"; text: string } | { kind: "failed"; failure: Failure };
type OpenedChannel =
  | { kind: "open"; channel: Channel }
  | { kind: "failed"; failure: Failure }
  | { kind: "not-started"; why: string };

/** How much of a program's stderr is kept as evidence. */
const STDERR_LIMIT = 16 * 1024;
/** How long a program may take to end by itself when its input closes. */
const CLOSE_GRACE = 2_000;

/** What is between the session's output and those who wait for answers. */
interface Mailbox {
  /** First come, first served: the program answers in order. */
  readonly waiting: ((answer: Answered) => void)[];
  readonly greeted: Promise<string>;
  stdout(chunk: Buffer): void;
  /** Resolves when the program sent something that is no frame. */
  readonly broken: Promise<Failure>;
}

/** Starts a long-lived program over a live connection and waits for its greeting. Never throws. */
export async function openOn(
  connection: Connection,
  become: "sudo" | "none",
  request: Request,
  deadline: Deadline,
): Promise<OpenedChannel> {
  const { name } = request.command;
  const { endpoint } = connection;
  let script: Uint8Array;
  try {
    script = renderScript(request);
  } catch (error) {
    if (error instanceof DroverError) return { kind: "failed", failure: error.failure };
    throw error;
  }
  const mailbox = createMailbox(endpoint, name);
  let stderr = "";
  const opened = await openSession(
    connection,
    { command: remoteCommand(become), become },
    {
      stdout: (chunk) => mailbox.stdout(chunk),
      stderr: (chunk) => {
        stderr = (stderr + chunk.toString()).slice(-STDERR_LIMIT);
      },
    },
    deadline.signal,
  );
  if (opened.kind === "none") {
    return deadline.signal.aborted
      ? { kind: "failed", failure: stopped(endpoint, name, deadline, true) }
      : { kind: "not-started", why: opened.why };
  }
  const { session } = opened;
  const ended = session.end.then((end) => {
    const bad = endFailure(endpoint, name, end, { began: session.began(), become, stderr });
    return bad ?? exitFailure({ host: endpoint.host, doing: name, code: end.kind === "exited" ? end.code : 1, stderr });
  });
  for await (const piece of payload(script, request.frames)) session.write(piece);
  const first = await Promise.race([mailbox.greeted, ended, mailbox.broken, aborted(deadline.signal)]);
  if (typeof first === "string")
    return { kind: "open", channel: wrap(endpoint, session, mailbox, { greeting: first, ended }) };
  const gone = await session.stop();
  return { kind: "failed", failure: first ?? stopped(endpoint, name, deadline, gone) };
}

function createMailbox(endpoint: Endpoint, name: string): Mailbox {
  const waiting: ((answer: Answered) => void)[] = [];
  const reader = createFrameReader();
  const { promise: greeted, resolve: greet } = Promise.withResolvers<string>();
  const { promise: broken, resolve: fail } = Promise.withResolvers<Failure>();
  let hasGreeted = false;
  const deliver = (text: string): void => {
    if (!hasGreeted) {
      hasGreeted = true;
      greet(text);
      return;
    }
    const next = waiting.shift();
    if (next === undefined) fail(failure("bug", `${name} on ${endpoint.host} answered without being asked`));
    else next({ kind: "answer", text });
  };
  return {
    waiting,
    greeted,
    broken,
    stdout(chunk) {
      try {
        reader.push(chunk).forEach(deliver);
      } catch (error) {
        fail(failure("bug", `${name} on ${endpoint.host} sent something that is no frame`, "", [String(error)]));
      }
    },
  };
}

function wrap(
  endpoint: Endpoint,
  session: Session,
  mailbox: Mailbox,
  state: { readonly greeting: string; readonly ended: Promise<Failure> },
): Channel {
  let over: Failure | null = null;
  const finish = (why: Failure): void => {
    over ??= why;
    for (const waiter of mailbox.waiting.splice(0)) waiter({ kind: "failed", failure: over });
  };
  const closed = state.ended.then(finish);
  void mailbox.broken.then((why) => {
    finish(why);
    return session.stop();
  });

  return {
    greeting: state.greeting,
    closed,
    ask(text: string, limits: Limits) {
      if (over !== null) return Promise.resolve({ kind: "failed", failure: over });
      const bytes = Buffer.from(text);
      const { promise, resolve } = Promise.withResolvers<Answered>();
      // An answer that comes after its deadline is still taken off the queue, so that the next one is not mistaken for it.
      mailbox.waiting.push(resolve);
      session.write(Buffer.concat([frameHeader(bytes.length), bytes]));
      return within(promise, limits, endpoint);
    },
    async close() {
      finish(hostLost(endpoint, "we closed the channel"));
      session.endInput();
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_GRACE, "late"));
      if ((await Promise.race([closed, late])) === "late") await session.stop();
    },
  };
}

async function within(answer: Promise<Answered>, limits: Limits, endpoint: Endpoint): Promise<Answered> {
  const deadline = startDeadline(limits);
  try {
    const first = await Promise.race([answer, aborted(deadline.signal)]);
    if (first !== undefined) return first;
    const code = deadline.passed() ? "command-timeout" : "interrupted";
    const words = deadline.passed()
      ? `did not answer within ${limits.deadline / 1000} s`
      : "was not waited for any longer";
    return { kind: "failed", failure: failure(code, `${endpoint.host} ${words}`) };
  } finally {
    deadline.clear();
  }
}
