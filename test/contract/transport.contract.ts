import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../../src/model/command.ts";
import { isUnreachable } from "../../src/model/errors.ts";
import type { Failure } from "../../src/model/errors.ts";
import { sha256 } from "../../src/model/hash.ts";
import type { ExecResult, Transport } from "../../src/model/ports.ts";
import {
  echoArgs,
  exitWith,
  frame,
  hexFrames,
  look,
  relaxed,
  request,
  shout,
  sleep,
  write,
} from "./support/commands.ts";
import { until } from "./support/trouble.ts";

/** What the contract is tried on: one host called `box`, and the ways to trouble it. */
export interface Subject {
  transport(): Transport;
  /** A folder on the host with room, and one on a disk of 1 MiB. */
  readonly folder: string;
  readonly smallDisk: string;
  /** Connections that the host has let in: ever, and open right now. */
  connections(): { readonly made: number; readonly live: number };
  /** From now on nothing can be reached there. */
  cutOff(): Promise<void>;
  stop(): Promise<void>;
}

/** The failure of a call that must have failed. */
export function failureOf(result: { readonly kind: string; readonly failure?: Failure }): Failure {
  if (result.failure === undefined) throw new Error(`expected a failure, got ${JSON.stringify(result)}`);
  return result.failure;
}

function stdoutOf(result: ExecResult): string {
  expect(result).toMatchObject({ kind: "exited", code: 0 });
  return result.kind === "exited" ? result.stdout : "";
}

const hostile = [
  "",
  " ",
  "'",
  `'"'"'`,
  '"',
  "\\",
  "\\n",
  "$(touch /tmp/drover-owned)",
  "`id`",
  "${HOME}",
  "$1",
  "!!",
  "~",
  "*",
  "a\nb",
  "\n",
  "a\n\n",
  "\r\n",
  "\t",
  "-n",
  "--",
  "-rf /",
  "; exit 1",
  "#drover-end",
  "drover-begin 1",
  "%s%n",
  "\u0001\u007f\u0080\u0081\u0088",
  "naïve ✓ 日本 👩‍👩‍👧",
  "x".repeat(100_000),
];

/** Everything that any `Transport` must hold, whatever is behind it. */
export function transportContract(name: string, make: () => Promise<Subject>): void {
  describe(`contract: ${name}`, () => {
    let subject: Subject;
    let transport: Transport;
    beforeAll(async () => {
      subject = await make();
      transport = subject.transport();
    });
    afterAll(async () => {
      await transport.close();
      await subject.stop();
    });
    const box = "box";
    const bytes = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
    const lookAt = async (path: string): Promise<string> =>
      stdoutOf(await transport.exec(box, request(look(path)), relaxed()));

    test("arguments come back byte for byte, however hostile", async () => {
      const result = await transport.exec(box, request(echoArgs(hostile)), relaxed());
      expect(stdoutOf(result).split("\0").slice(0, -1)).toEqual(hostile);
    });

    test("arguments of any text come back byte for byte", async () => {
      const arg = fc.string({ unit: "binary", maxLength: 60 }).map((text) => text.replaceAll("\0", ""));
      await fc.assert(
        fc.asyncProperty(fc.array(arg, { maxLength: 40 }), async (args) => {
          const result = await transport.exec(box, request(echoArgs(args)), relaxed());
          expect(stdoutOf(result).split("\0").slice(0, -1)).toEqual(args);
        }),
        { numRuns: 40 },
      );
    });

    test("NUL is refused before anything runs", async () => {
      const failure = failureOf(await transport.exec(box, request(echoArgs(["a\0b"])), relaxed()));
      expect(failure).toMatchObject({ code: "usage", message: expect.stringContaining("NUL") });
    });

    test("the exit code and both streams are told apart", async () => {
      const result = await transport.exec(box, request(exitWith(7)), relaxed());
      expect(result).toEqual({ kind: "exited", code: 7, stdout: "out\n", stderr: "err\n" });
    });

    test("frames arrive in order, byte for byte, empty ones too", async () => {
      const every = Uint8Array.from({ length: 256 }, (_, at) => at);
      const frames = [every, new Uint8Array(), Buffer.from("12\n34\n"), bytes(100_000, 10)];
      const result = await transport.exec(box, request(hexFrames(4), frames.map(frame)), relaxed());
      expect(stdoutOf(result)).toBe(frames.map((each) => `${Buffer.from(each).toString("hex")}\n`).join(""));
    });

    test("a streamed frame is written whole, with mode and owner", async () => {
      const path = `${subject.folder}/streamed`;
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < 100; at += 1) yield await Promise.resolve(bytes(50_000, at));
      }
      const whole = Buffer.concat(Array.from({ length: 100 }, (_, at) => bytes(50_000, at)));
      const command = write({ path, mode: "640", owner: "root:root" });
      const sent = { size: whole.length, bytes: pieces() };
      expect(await transport.exec(box, request(command, [sent]), relaxed())).toMatchObject({ kind: "exited", code: 0 });
      expect(await lookAt(path)).toBe(`640 root:root\n${sha256(whole)}\n`);
    });

    test("a stream that is shorter or longer than it said fails, and the old file stays whole", async () => {
      const path = `${subject.folder}/lied`;
      const command = write({ path, mode: "600", owner: "root" });
      await transport.exec(box, request(command, [frame(bytes(10, 1))]), relaxed());
      const before = await lookAt(path);
      for (const size of [5, 200_000]) {
        async function* pieces(): AsyncGenerator<Uint8Array> {
          yield await Promise.resolve(bytes(100_000, 2));
        }
        const result = await transport.exec(box, request(command, [{ size, bytes: pieces() }]), relaxed());
        expect(failureOf(result).code).toBe("artifact");
        expect(await lookAt(path)).toBe(before);
      }
    });

    test("a write cut off in the middle leaves the old file whole", async () => {
      const path = `${subject.folder}/cut`;
      const command = write({ path, mode: "600", owner: "root" });
      await transport.exec(box, request(command, [frame(bytes(1000, 1))]), relaxed());
      const before = await lookAt(path);
      const abort = new AbortController();
      async function* pieces(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(bytes(500_000, 2));
        abort.abort();
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield bytes(1, 2);
      }
      const sent = { size: 1_000_000, bytes: pieces() };
      const result = await transport.exec(box, request(command, [sent]), relaxed({ signal: abort.signal }));
      expect(failureOf(result).code).toBe("interrupted");
      expect(await lookAt(path)).toBe(before);
    });

    test("a full disk is told by the exit code, and the old file stays whole", async () => {
      const path = `${subject.smallDisk}/full`;
      const command = write({ path, mode: "600", owner: "root" });
      await transport.exec(box, request(command, [frame(bytes(1000, 1))]), relaxed());
      const before = await lookAt(path);
      const result = await transport.exec(box, request(command, [frame(bytes(3_000_000, 2))]), relaxed());
      expect(result).toMatchObject({ kind: "exited", code: EXIT.diskFull });
      expect(await lookAt(path)).toBe(before);
    });

    test("a command that ends without reading its frames is an ordinary end", async () => {
      const result = await transport.exec(box, request(exitWith(5), [frame(bytes(20_000_000, 1))]), relaxed());
      expect(result).toMatchObject({ kind: "exited", code: 5 });
    });

    test("a deadline ends a command, and the host goes on serving", async () => {
      const started = performance.now();
      const failure = failureOf(await transport.exec(box, request(sleep(30)), relaxed({ deadline: 300 })));
      expect(failure.code).toBe("command-timeout");
      expect(performance.now() - started).toBeLessThan(3000);
      stdoutOf(await transport.exec(box, request(echoArgs(["x"])), relaxed()));
    });

    test("an abort ends a command at once; one that came before starts nothing", async () => {
      const abort = new AbortController();
      const running = transport.exec(box, request(sleep(30)), relaxed({ signal: abort.signal }));
      setTimeout(() => abort.abort(), 100);
      expect(failureOf(await running).code).toBe("interrupted");
      const after = await transport.exec(box, request(sleep(30)), relaxed({ signal: abort.signal }));
      expect(failureOf(after).code).toBe("interrupted");
    });

    test("a host refuses an epoch older than the newest it has seen", async () => {
      const path = `${subject.folder}/fenced`;
      const command = write({ path, mode: "600", owner: "root" });
      const writeAs = (epoch: number): Promise<ExecResult> =>
        transport.exec(
          box,
          { command, warrant: { run: "it's a run", epoch }, frames: [frame(bytes(epoch, 7))] },
          relaxed(),
        );
      expect(await writeAs(7)).toMatchObject({ kind: "exited", code: 0 });
      expect(await writeAs(7)).toMatchObject({ kind: "exited", code: 0 });
      expect(await writeAs(9)).toMatchObject({ kind: "exited", code: 0 });
      expect(await writeAs(8)).toMatchObject({ kind: "exited", code: EXIT.stale });
      expect(await lookAt(path)).toBe(`600 root:root\n${sha256(bytes(9, 7))}\n`);
    });

    test("forty commands at once on one host all succeed", async () => {
      const runs = Array.from({ length: 40 }, (_, at) =>
        transport.exec(box, request(echoArgs([String(at)])), relaxed()),
      );
      const results = await Promise.all(runs);
      expect(results.filter((each) => each.kind === "failed")).toEqual([]);
      expect(results.map(stdoutOf)).toEqual(Array.from({ length: 40 }, (_, at) => `${at}\0`));
    });

    test("execs are counted per host, channels are not", async () => {
      const own = subject.transport();
      await own.exec(box, request(exitWith(0)), relaxed());
      await own.exec(box, request(exitWith(1)), relaxed());
      const opened = await own.open(box, request(shout("hello")), relaxed());
      expect(opened.kind).toBe("open");
      expect(own.execs()).toEqual({ box: 2 });
      await own.close();
    });

    test("a fresh command goes over a connection of its own, closed after it, while the usual one goes on", async () => {
      const own = subject.transport();
      await own.exec(box, request(exitWith(0)), relaxed());
      const before = subject.connections();
      const abort = new AbortController();
      const fresh = { ...request(sleep(30)), fresh: true };
      const running = own.exec(box, fresh, relaxed({ signal: abort.signal }));
      await until(() => (subject.connections().made === before.made + 1 ? true : null));
      stdoutOf(await own.exec(box, request(echoArgs(["x"])), relaxed()));
      expect(subject.connections()).toEqual({ made: before.made + 1, live: before.live + 1 });
      abort.abort();
      expect(failureOf(await running).code).toBe("interrupted");
      await until(() => (subject.connections().live === before.live ? true : null));
      await own.close();
    });

    test("a host that is expected is connected to once, before anything is asked of it", async () => {
      const own = subject.transport();
      const { made } = subject.connections();
      own.expect([box]);
      own.expect([box]);
      await until(() => (subject.connections().made === made + 1 ? true : null));
      stdoutOf(await own.exec(box, request(echoArgs(["x"])), relaxed()));
      expect(subject.connections().made).toBe(made + 1);
      expect(own.execs()).toEqual({ box: 1 });
      await own.close();
      own.expect([box]);
      expect(failureOf(await own.exec(box, request(exitWith(0)), relaxed())).code).toBe("interrupted");
    });

    test("every fresh command connects anew, obeys its own deadline, and is counted like any other", async () => {
      const own = subject.transport();
      const { made } = subject.connections();
      for (const word of ["one", "two"]) {
        const result = await own.exec(box, { ...request(echoArgs([word])), fresh: true }, relaxed());
        expect(stdoutOf(result)).toBe(`${word}\0`);
      }
      const late = await own.exec(box, { ...request(sleep(30)), fresh: true }, relaxed({ deadline: 1000 }));
      expect(failureOf(late).code).toBe("command-timeout");
      expect(subject.connections().made).toBe(made + 3);
      expect(own.execs()).toEqual({ box: 3 });
      await own.close();
      const closed = await own.exec(box, { ...request(exitWith(0)), fresh: true }, relaxed());
      expect(failureOf(closed).code).toBe("interrupted");
    });

    test("a channel greets and answers in order, also when asked ahead", async () => {
      const opened = await transport.open(box, request(shout("hello there")), relaxed());
      if (opened.kind === "failed") throw new Error(opened.failure.message);
      const { channel } = opened;
      expect(channel.greeting).toBe("hello there");
      const texts = ["one", "", "two\nlines", "slow", "z".repeat(200_000), "five"];
      const answers = await Promise.all(texts.map((text) => channel.ask(text, relaxed())));
      expect(answers).toEqual(texts.map((text) => ({ kind: "answer", text: text.toUpperCase() })));
      await channel.close();
      await channel.closed;
      expect(failureOf(await channel.ask("late", relaxed())).code).toBe("host-lost");
    });

    test("an answer that comes too late is not taken for the next one", async () => {
      const opened = await transport.open(box, request(shout("hi")), relaxed());
      if (opened.kind === "failed") throw new Error(opened.failure.message);
      const late = await opened.channel.ask("slow", relaxed({ deadline: 50 }));
      expect(failureOf(late).code).toBe("command-timeout");
      expect(await opened.channel.ask("next", relaxed())).toEqual({ kind: "answer", text: "NEXT" });
      await opened.channel.close();
    });

    test("a program that ends fails what was asked and closes its channel", async () => {
      const opened = await transport.open(box, request(shout("hi")), relaxed());
      if (opened.kind === "failed") throw new Error(opened.failure.message);
      const answers = await Promise.all(["die", "after"].map((text) => opened.channel.ask(text, relaxed())));
      expect(answers.map((answer) => answer.kind)).toEqual(["failed", "failed"]);
      await opened.channel.closed;
    });

    test("a program that does not get to its greeting is a failure", async () => {
      const opened = await transport.open(box, request(shout("no")), relaxed());
      expect(failureOf(opened).code).toBe("command-failed");
    });

    test("a closed transport does nothing any more", async () => {
      const own = subject.transport();
      await own.exec(box, request(exitWith(0)), relaxed());
      await own.close();
      expect(failureOf(await own.exec(box, request(exitWith(0)), relaxed())).code).toBe("interrupted");
    });

    // The last one: nobody can be reached afterwards.
    test("a host that is cut off fails as unreachable, and never hangs", async () => {
      await subject.cutOff();
      const own = subject.transport();
      const failure = failureOf(await own.exec(box, request(exitWith(0)), relaxed({ deadline: 1000 })));
      expect(isUnreachable(failure)).toBe(true);
      const anew = await own.exec(box, { ...request(exitWith(0)), fresh: true }, relaxed({ deadline: 1000 }));
      expect(isUnreachable(failureOf(anew))).toBe(true);
      await own.close();
    });
  });
}
