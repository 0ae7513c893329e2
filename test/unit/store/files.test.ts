import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import { sha256 } from "../../../src/model/hash.ts";
import type { Files, Limits } from "../../../src/model/ports.ts";
import { systemClock } from "../../../src/store/clock.ts";
import { createFiles } from "../../../src/store/files.ts";

let directory: string;
let files: Files;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "drover-files-")));
  files = createFiles({ directory, cache: join(directory, "cache"), certificates: [] });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const relaxed = (change: Partial<Limits> = {}): Limits => ({
  deadline: 10_000,
  signal: new AbortController().signal,
  ...change,
});
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  return error instanceof DroverError ? error.failure.code : String(error);
};

const drain = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
  for await (const _ of bytes);
};

test("files are read relative to the folder or absolutely; what is not there is null", async () => {
  writeFileSync(join(directory, "a"), Buffer.from([0, 255]));
  expect(await files.read("a")).toEqual(Buffer.from([0, 255]));
  expect(await files.read(join(directory, "a"))).toEqual(Buffer.from([0, 255]));
  expect(await files.read("b")).toBe(null);
  expect(await files.read("a/b")).toBe(null);
  expect(await codeOf(files.read("."))).toBe("files-invalid");
});

test("a listing has the files of a folder, sorted, and no folders", async () => {
  for (const name of ["b.yaml", "a.yaml", "C.yaml"]) writeFileSync(join(directory, name), "");
  mkdirSync(join(directory, "d"));
  symlinkSync("a.yaml", join(directory, "link"));
  symlinkSync("nowhere", join(directory, "dangling"));
  expect(await files.list(".")).toEqual(["C.yaml", "a.yaml", "b.yaml", "link"]);
  expect(await files.list("a.yaml")).toBe(null);
  expect(await files.list("none")).toBe(null);
});

test("digest and stream see the same bytes", async () => {
  const bytes = Buffer.alloc(300_000, "drover");
  writeFileSync(join(directory, "a"), bytes);
  expect(await files.digest("a")).toEqual({ size: 300_000, sha256: sha256(bytes) });
  expect(await files.digest("b")).toBe(null);
  const pieces: Uint8Array[] = [];
  for await (const piece of files.stream("a")) pieces.push(piece);
  expect(sha256(Buffer.concat(pieces))).toBe(sha256(bytes));
});

test("a file that goes away before it is sent ends its reading, not the process", async () => {
  writeFileSync(join(directory, "a"), "bytes");
  const gone = files.stream("a");
  rmSync(join(directory, "a"));
  expect(await codeOf(drain(gone))).toBe("artifact");
  mkdirSync(join(directory, "d"));
  expect(await codeOf(drain(files.stream("d")))).toBe("artifact");
});

test("a pipe is no artifact, and nobody waits for it", async () => {
  execFileSync("mkfifo", [join(directory, "pipe")]);
  expect(await codeOf(files.digest("pipe"))).toBe("files-invalid");
  expect(await codeOf(drain(files.stream("pipe")))).toBe("artifact");
});

describe("writing", () => {
  test("replaces the text and keeps the mode", async () => {
    const path = join(directory, "app.yaml");
    writeFileSync(path, "old");
    chmodSync(path, 0o640);
    const before = statSync(path).ino;
    await files.write("app.yaml", "new ✓\n");
    expect(readFileSync(path, "utf8")).toBe("new ✓\n");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(path).ino).not.toBe(before);
    expect(readdirSync(directory)).toEqual(["app.yaml"]);
  });
  test("through a link replaces the file it points to", async () => {
    mkdirSync(join(directory, "real"));
    writeFileSync(join(directory, "real/a"), "old");
    symlinkSync("real/a", join(directory, "a"));
    await files.write("a", "new");
    expect(readFileSync(join(directory, "real/a"), "utf8")).toBe("new");
    expect(readdirSync(join(directory, "real"))).toEqual(["a"]);
  });
  test("into a folder that is not there fails and leaves nothing", async () => {
    expect(await codeOf(files.write("none/a", "x"))).toBe("files-invalid");
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("programs", () => {
  test("run without a shell, in the folder, and tell code and output", async () => {
    const ran = await files.run(["sh", "-c", 'pwd; echo "$1" >&2; exit 3', "sh", "$(x) 'y'"], relaxed());
    expect({ ...ran, stdout: Buffer.from(ran.stdout).toString() }).toEqual({
      code: 3,
      stdout: `${directory}\n`,
      stderr: "$(x) 'y'\n",
    });
  });
  test("that are not there end with 127, killed ones with 128 and the signal's number", async () => {
    expect(await files.run(["no-such-program-of-drover"], relaxed())).toMatchObject({
      code: 127,
      stderr: expect.stringContaining("ENOENT"),
    });
    expect(await files.run(["sh", "-c", "kill -9 $$"], relaxed())).toMatchObject({ code: 137 });
  });
  test("read nothing", async () => {
    expect((await files.run(["cat"], relaxed())).stdout).toHaveLength(0);
  });
  test("end at their deadline, on abort, and when they print without end", async () => {
    expect(await codeOf(files.run(["sleep", "60"], relaxed({ deadline: 50 })))).toBe("command-timeout");
    expect(await codeOf(files.run(["sleep", "60"], relaxed({ signal: AbortSignal.timeout(50) })))).toBe("interrupted");
    expect(await codeOf(files.run(["sleep", "60"], relaxed({ signal: AbortSignal.abort() })))).toBe("interrupted");
    expect(await codeOf(files.run(["cat", "/dev/zero"], relaxed()))).toBe("command-failed");
  });
});

test("the clock sleeps, and wakes up early when told", async () => {
  const started = performance.now();
  await systemClock.sleep(20, new AbortController().signal);
  expect(performance.now() - started).toBeGreaterThan(15);
  await systemClock.sleep(60_000, AbortSignal.timeout(20));
  await systemClock.sleep(60_000, AbortSignal.abort());
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
});
