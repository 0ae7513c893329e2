import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

// Four projects: `fast` runs on every check, `contract` needs a real sshd, `lab` and `prove` need the lab's hosts (root,
// Linux). Files of `lab` have a lab each and mostly wait, so three run side by side; `prove` measures, one after the other.
const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/{unit,golden,property}/**/*.test.ts", "test/architecture.test.ts"],
          // On an idle machine none takes five seconds; a machine that is busy with something else is no failure.
          // With DROVER_PROVE properties are tried twenty times as often (test/support/runs.ts).
          testTimeout: process.env["DROVER_PROVE"] === undefined ? 30_000 : 900_000,
          // Modules are loaded once for all files of a worker, which halves the time. No test leaves anything behind in one.
          isolate: false,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          maxWorkers: 3,
          testTimeout: 300_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "prove",
          include: ["test/prove/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 4_500_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});

export default config;
