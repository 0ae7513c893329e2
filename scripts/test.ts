// make test, make prove: runs suites one after the other, streams what they print, and ends with the count.
//
//   node scripts/test.ts [--only SUITE] [-- FILTER]
//
// With CI=true nothing may be skipped: a skipped test is a failed one, and its reason is printed.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { readTally, total } from "./tally.ts";
import type { Tally } from "./tally.ts";

const RESULTS = ".make/results";

const suites: Readonly<Record<string, string>> = {
  check: "types, lint, format, dead code, unit, golden and property tests",
  contract: "contract tests, on fakes and on real programs",
  lab: "every scenario on real hosts in the lab",
};

const { values, positionals } = parseArgs({
  options: { only: { type: "string" } },
  allowPositionals: true,
});
const strict = process.env["CI"] === "true";

function argvOf(suite: string): readonly string[] {
  if (suite === "check") return ["npm", "run", "--silent", "check"];
  const reporters = ["--reporter=verbose", "--reporter=./scripts/tally-reporter.ts"];
  return ["vitest", "run", "--project", suite, ...reporters, ...positionals];
}

function runSuite(suite: string): Promise<Tally> {
  const file = `${RESULTS}/${suite}.json`;
  rmSync(file, { force: true });
  console.log(`\ntest: ${suite}${suites[suite] === undefined ? "" : `: ${suites[suite]}`}`);
  const [command = "", ...args] = argvOf(suite);
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, DROVER_TALLY: file } });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on("SIGTERM", forward);
    process.on("SIGINT", forward);
    child.on("error", (error) => {
      console.error(`test: ${suite} did not start: ${error.message}`);
      resolve(readTally(file, 1));
    });
    child.on("close", (code) => {
      process.off("SIGTERM", forward);
      process.off("SIGINT", forward);
      resolve(readTally(file, code ?? 1));
    });
  });
}

const names = values.only === undefined ? Object.keys(suites) : [values.only];
const tallies: Tally[] = [];
for (const name of names) tallies.push(await runSuite(name));

const sum = total(tallies, strict);
console.log("");
names.forEach((name, at) => {
  const { passed = 0, failed = 0, skipped = [] } = tallies[at] ?? {};
  console.log(`test: ${name}: ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
});
for (const line of sum.skipped) console.log(`test: ${strict ? "FAILED, skipped" : "skipped"}: ${line}`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
