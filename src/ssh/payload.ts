import { DroverError, failure } from "../model/errors.ts";
import type { Request } from "../model/ports.ts";
import { frameHeader } from "./script.ts";

type RequestFrame = Request["frames"][number];

/** Small pieces are joined up to this size: each write becomes an SSH packet of its own. */
const JOIN = 64 * 1024;

/**
 * Everything that goes to a command's stdin: the framed script, then each frame. Throws a DroverError when a frame
 * turns out longer or shorter than it said: the rest of the stream would be misread.
 */
export async function* payload(
  script: Uint8Array,
  frames: readonly RequestFrame[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [script];
  let size = script.length;
  for await (const piece of framed(frames)) {
    held.push(piece);
    size += piece.length;
    if (size < JOIN) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

async function* framed(frames: readonly RequestFrame[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const frame of frames) {
    yield frameHeader(frame.size);
    if (frame.bytes instanceof Uint8Array) {
      if (frame.bytes.length !== frame.size) throw mismatch(frame.size, frame.bytes.length);
      yield frame.bytes;
      continue;
    }
    let sent = 0;
    for await (const piece of frame.bytes) {
      sent += piece.length;
      if (sent > frame.size) throw mismatch(frame.size, sent);
      yield piece;
    }
    if (sent !== frame.size) throw mismatch(frame.size, sent);
  }
}

function mismatch(said: number, sent: number): DroverError {
  return new DroverError(
    failure(
      "artifact",
      `a file changed while it was being sent: ${said} bytes were announced, there are ${sent}`,
      "run the command again",
    ),
  );
}
