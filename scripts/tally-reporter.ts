import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import type { Tally } from "./tally.ts";

/**
 * A vitest reporter that writes how many tests passed, failed and were skipped (with the reason the test
 * gave) to the file named by DROVER_TALLY. Vitest's own JSON reporter leaves the reasons out.
 */
export default class TallyReporter implements Reporter {
  /** Writes the tally; a file that could not be loaded and an error outside any test count as failures. */
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const out = process.env["DROVER_TALLY"];
    if (out === undefined) return;
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, JSON.stringify(tallyOf(modules, errors)));
  }
}

function tallyOf(modules: readonly TestModule[], errors: readonly unknown[]): Tally {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const broken = modules.filter((module) => module.errors().length > 0);
  return {
    passed: tests.filter((test) => test.result().state === "passed").length,
    failed: tests.filter((test) => test.result().state === "failed").length + broken.length + errors.length,
    skipped: tests.filter((test) => !["passed", "failed"].includes(test.result().state)).map(skippedName),
  };
}

function skippedName(test: TestCase): string {
  const result = test.result();
  const reason = result.state === "skipped" ? result.note : "it never ran";
  return `${test.module.relativeModuleId} > ${test.fullName}: ${reason ?? "no reason given"}`;
}
