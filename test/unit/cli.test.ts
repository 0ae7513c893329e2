import { CommanderError } from "@commander-js/extra-typings";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommandLine } from "../../src/commands/command-line.ts";

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
  expect(read("src/commands/program.ts")).toContain(`.version("${version}")`);
});

test("a wrong command line is wrong usage", { timeout: 30_000 }, async () => {
  expect(await drover("sttaus")).toEqual({
    code: 64,
    stdout: "",
    stderr: "error: unknown command 'sttaus'\n(Did you mean status?)\n  hint: drover --help\n",
  });
});

test.for<[string, RegExp]>([
  ["rollout start", /missing required argument 'app'\n  hint: drover rollout start --help\n$/],
  ["status --timeout soon", /soon\n  hint: drover status --help\n$/],
  ["drain app1", /-m, --reason <reason>.*\n  hint: drover drain --help\n$/],
])("drover %s ends with what to type next", async ([line, says]) => {
  let said = "";
  const print = { out: (): void => undefined, error: (text: string) => (said += text) };
  const wrong = runCommandLine(line.split(" "), () => Promise.resolve(), print);
  await expect(wrong).rejects.toBeInstanceOf(CommanderError);
  expect(said).toMatch(says);
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
