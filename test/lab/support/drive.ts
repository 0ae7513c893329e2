import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { reading, type Command, type Frame } from "../../../src/model/command.ts";
import type { Fact } from "../../../src/model/fact.ts";
import type { Answer, Operation, Outcome } from "../../../src/model/operation.ts";
import type { Warrant } from "../../../src/model/ports.ts";
import { frameHeader, renderScript } from "../../../src/ssh/script.ts";
import type { Lab } from "./lab.ts";

type Ran = Awaited<ReturnType<Lab["exec"]>>;

/** What a driven operation is given besides the host. */
export interface DriveOptions {
  /** The secrets' bytes by reference. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly warrant?: Warrant;
  /** Stands before the shell that runs the script, e.g. what ends it early. */
  readonly under?: readonly string[];
}

/** Drives operations on a lab's hosts by lab/lab exec, without a controller: the same script, guard and frames. */
export interface Driver {
  readonly drive: (operation: Operation, options?: DriveOptions) => Promise<Outcome>;
  /** Gathers one fact; throws where it is unknown. */
  readonly gather: <T>(host: string, fact: Fact<T>) => Promise<T>;
  /** What a line of shell prints; throws where it fails. */
  readonly sh: (host: string, script: string) => Promise<string>;
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

/** A driver for the hosts of one lab. */
export function driver(lab: Lab): Driver {
  const run = (host: string, command: Command, options: DriveOptions): Promise<Ran> => {
    const frames = command.frames.map((frame) => bytesOf(frame, options.secrets ?? {}));
    const warrant = command.mutates ? (options.warrant ?? { run: "test", epoch: 1 }) : null;
    const script = renderScript({ command, warrant, frames: [] });
    const stdin = Buffer.concat([script, ...frames.flatMap((bytes) => [frameHeader(bytes.length), bytes])]);
    return lab.exec(host, [...(options.under ?? []), ...SHELL], { stdin });
  };
  return {
    async drive(operation, options = {}) {
      const began = performance.now();
      let next = operation.next();
      while (next.done !== true) {
        const ask = next.value;
        if (ask.kind === "sleep") {
          await new Promise((resolve) => setTimeout(resolve, ask.ms));
          next = operation.next({ kind: "sleep", elapsed: performance.now() - began });
          continue;
        }
        if (ask.kind !== "exec") throw new Error(`this test answers exec and sleep only, not ${ask.kind}`);
        const ran = await run(ask.host, ask.command, options);
        const answer: Answer = { kind: "exec", elapsed: performance.now() - began, ...ran };
        next = operation.next(answer);
      }
      return next.value;
    },
    async gather(host, fact) {
      const ran = await run(host, reading(`fact.${fact.name}`, fact.text), {});
      if (ran.code !== 0) throw new Error(`fact ${fact.name} on ${host} ended with ${ran.code}: ${ran.stderr}`);
      return fact.parse(ran.stdout);
    },
    async sh(host, script) {
      const ran = await lab.exec(host, ["sh", "-c", script]);
      if (ran.code !== 0) throw new Error(`on ${host}: ${script}: ${ran.code}: ${ran.stderr}`);
      return ran.stdout;
    },
  };
}
