import type { ClientChannel } from "ssh2";
import type { Connection } from "./connect.ts";
import { aborted } from "./deadline.ts";
import { readError } from "./failures.ts";
import { createMarkerFilter } from "./marker.ts";
import { stopCommand } from "./script.ts";

/** How a remote process ended. */
export type SessionEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "lost"; readonly why: string };

/** One process on a host: our BOOT under sudo, from its marker to its end. */
export interface Session {
  /** True once the marker was seen: sudo let us in and the shell runs. */
  began(): boolean;
  readonly end: Promise<SessionEnd>;
  /** Sends stdin with back pressure and closes it; gives up quietly when the process ends first. Rejects as `pieces` does. */
  send(pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** One piece of stdin, which stays open. */
  write(piece: Uint8Array): void;
  endInput(): void;
  /** Terminates the process on the host and closes the channel; resolves with true when the process is known to be gone. */
  stop(): Promise<boolean>;
}

/** Where a session's output goes, from the marker on. */
export interface SessionOutput {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

export type Opened =
  | { readonly kind: "session"; readonly session: Session }
  /** Nothing was started on the host. */
  | { readonly kind: "none"; readonly why: string };

/** How long a process may take to end after TERM before we stop waiting for it. */
const STOP_GRACE = 2_000;
/** How long we wait to hear which process to stop, in milliseconds. */
const NAME_GRACE = 250;

/** What a session needs to know of the way it was asked for. */
export interface SessionRequest {
  readonly command: string;
  readonly become: "sudo" | "none";
}

/** Starts a process. Resolves when sshd has started it, or with why it has not. */
export async function openSession(
  connection: Connection,
  request: SessionRequest,
  output: SessionOutput,
  signal: AbortSignal,
): Promise<Opened> {
  const opening = openChannel(connection, request.command);
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const off = connection.onEnd(end);
  const channel = await Promise.race([opening, aborted(signal), ended]);
  off();
  if (channel === undefined || typeof channel === "string") {
    // Too late for us: whatever still opens is closed at once. It has got no script, so it does nothing.
    void opening.then((late) => (late instanceof Error ? undefined : late.channel.close()));
    return { kind: "none", why: channel ?? "it took too long to start" };
  }
  if (channel instanceof Error) return { kind: "none", why: channel.message };
  return { kind: "session", session: wrap(connection, channel, request.become, output) };
}

/** A channel, and what its process said of its own end so far. */
interface Open {
  readonly channel: ClientChannel;
  readonly exit: () => SessionEnd;
}

function openChannel(connection: Connection, command: string): Promise<Open | Error> {
  return new Promise((resolve) => {
    try {
      connection.client.exec(command, (error, channel) => resolve(error ?? watched(channel)));
    } catch (error) {
      resolve(new Error(readError(error).message));
    }
  });
}

/** Listens before anybody awaits: a refusal by sudo may come in one packet with the word that the process started. */
function watched(channel: ClientChannel): Open {
  let exit: SessionEnd = { kind: "lost", why: "the session closed before the command's end was known" };
  channel.on("exit", (code: number | null, name?: string) => {
    exit = code === null ? { kind: "killed", signal: name ?? "a signal" } : { kind: "exited", code };
  });
  return { channel, exit: () => exit };
}

function wrap(connection: Connection, open: Open, become: "sudo" | "none", output: SessionOutput): Session {
  const { channel, exit } = open;
  const marker = createMarkerFilter();
  let over = false;
  const { promise: end, resolve: finish } = Promise.withResolvers<SessionEnd>();
  const { promise: named, resolve: name } = Promise.withResolvers<void>();
  const settle = (result: SessionEnd): void => {
    over = true;
    off();
    finish(result);
  };
  const off = connection.onEnd((why) => settle(exit().kind === "lost" ? { kind: "lost", why } : exit()));
  // `close` comes after the last byte of stdout; what was lost with the connection has no exit.
  channel.on("close", () => settle(exit()));
  // A script may end without reading all of its stdin; writing on is no error of ours.
  channel.on("error", () => undefined);
  channel.on("data", (chunk: Buffer) => {
    const own = marker.push(chunk);
    if (marker.pid() !== null) name();
    if (own.length > 0) output.stdout(own);
  });
  channel.stderr.on("data", (chunk: Buffer) => output.stderr(chunk));

  return {
    began: () => marker.pid() !== null,
    end,
    async send(pieces) {
      for await (const piece of pieces) {
        if (over) return;
        if (!channel.write(piece)) await Promise.race([drained(channel), end]);
      }
      if (!over) channel.end();
    },
    write: (piece) => {
      if (!over) channel.write(piece);
    },
    endInput: () => {
      if (!over) channel.end();
    },
    async stop() {
      // What has just been started may be at work before we have heard which process it is.
      if (marker.pid() === null && !over) await Promise.race([named, end, pause(NAME_GRACE)]);
      const pid = marker.pid();
      if (!over && pid !== null) void openChannel(connection, stopCommand(become, pid)).then(drop);
      const gone = await Promise.race([end.then((how) => how.kind !== "lost"), pause(pid === null ? 0 : STOP_GRACE)]);
      channel.close();
      return gone === true;
    },
  };
}

function drained(channel: ClientChannel): Promise<void> {
  return new Promise((resolve) => channel.once("drain", resolve));
}

/** Lets a channel run to its end with nobody listening. */
function drop(open: Open | Error): void {
  if (open instanceof Error) return;
  const { channel } = open;
  channel.on("error", () => undefined);
  channel.stderr.resume();
  channel.resume();
  channel.end();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
