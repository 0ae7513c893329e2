import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Command, Frame } from "../../src/model/command.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { Answer, Operation, Outcome } from "../../src/model/operation.ts";
import type { Warrant } from "../../src/model/ports.ts";
import { frameHeader, renderScript } from "../../src/ssh/script.ts";
import { onHost, type LabRan } from "./lab.ts";

/** What a driven operation is given besides the host: the secrets' bytes by reference, and a warrant. */
export interface DriveOptions {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly warrant?: Warrant;
  /** Stands between script and shell, e.g. to end it early. */
  readonly shell?: readonly string[];
}

const SHELL = ["sh", "-c", 'IFS= read -r n && s=$(head -c "$n") && eval "$s"'];

function bytesOf(frame: Frame, secrets: Readonly<Record<string, string>>): Uint8Array {
  switch (frame.kind) {
    case "text":
      return Buffer.from(frame.text);
    case "file":
      return readFileSync(frame.path);
    case "secret": {
      const value = secrets[frame.ref];
      if (value === undefined) throw new Error(`the test has no secret ${frame.ref}`);
      return Buffer.from(value);
    }
  }
}

/** Runs one command in a lab host the way exec would over SSH: the same script, guard and frames, by lab/lab exec. */
export function runCommand(host: string, command: Command, options: DriveOptions = {}): Promise<LabRan> {
  const frames = command.frames.map((frame) => bytesOf(frame, options.secrets ?? {}));
  const warrant = command.mutates ? (options.warrant ?? { run: "test", epoch: 1 }) : null;
  const script = renderScript({ command, warrant, frames: [] });
  const stdin = [script, ...frames.flatMap((bytes) => [frameHeader(bytes.length), bytes])];
  return onHost(host, options.shell ?? SHELL, stdin);
}

/** Drives a host's operation to its end on a real lab host. */
export async function drive(operation: Operation, options: DriveOptions = {}): Promise<Outcome> {
  const began = performance.now();
  let next = operation.next();
  while (next.done !== true) {
    const ask = next.value;
    if (ask.kind !== "exec") throw new Error(`this test answers exec only, not ${ask.kind}`);
    const ran = await runCommand(ask.host, ask.command, options);
    const answer: Answer = { kind: "exec", elapsed: performance.now() - began, ...ran };
    next = operation.next(answer);
  }
  return next.value;
}

/** Gathers one fact from a lab host. */
export async function gather<T>(host: string, fact: Fact<T>): Promise<T> {
  const ran = await runCommand(host, {
    name: `fact.${fact.name}`,
    text: fact.text,
    args: [],
    frames: [],
    mutates: false,
  });
  if (ran.code !== 0) throw new Error(`fact ${fact.name} on ${host} ended with ${ran.code}: ${ran.stderr}`);
  return fact.parse(ran.stdout);
}
