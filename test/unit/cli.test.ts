import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function ended(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const drover = (...args: readonly string[]): Promise<Ended> =>
  ended(process.execPath, [join(root, "src/cli.ts"), ...args]);

test("--version says what package.json says", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  expect(read("src/cli.ts")).toContain(`.version("${version}")`);
});

// Each is a process of its own: all at once.
test("a wrong command line ends with what to type next", { timeout: 30_000 }, async () => {
  const [unknown, missing, badValue, noReason] = await Promise.all([
    drover("sttaus"),
    drover("rollout", "start"),
    drover("status", "--timeout", "soon"),
    drover("drain", "app1"),
  ]);
  expect(unknown).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/'sttaus'\n(.*\n)?  hint: drover --help\n$/),
  });
  expect(missing).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/\n  hint: drover rollout start --help\n$/),
  });
  expect(badValue).toMatchObject({ code: 64, stderr: expect.stringMatching(/soon\n  hint: drover status --help\n$/) });
  expect(noReason).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/-m, --reason <reason>.*\n  hint: drover drain --help\n$/),
  });
});

test("help of a command of a group is that command's, with examples and exit codes", { timeout: 30_000 }, async () => {
  const { code, stdout } = await drover("help", "rollout", "start");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: drover rollout start /);
  expect(stdout).toContain("\nExamples:\n  drover rollout start shop --release ");
  expect(stdout).toContain("\nExit codes:\n");
  expect(stdout).toContain("(default: 1m)");
});

test("bin/drover without its packages says how to get them", async () => {
  const checkout = mkdtempSync(join(tmpdir(), "drover-bin-"));
  cpSync(join(root, "bin"), join(checkout, "bin"), { recursive: true });
  expect(await ended(join(checkout, "bin/drover"), ["status"])).toEqual({
    code: 69,
    stdout: "",
    stderr: `drover's packages are missing: run npm ci in ${checkout} first\n`,
  });
  rmSync(checkout, { recursive: true });
});
