// npm run check: everything that needs neither root nor the lab, side by side; only failures print in full.
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

interface Step {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

interface Outcome {
  readonly step: Step;
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

const script = (name: string): readonly [string, ...string[]] => ["npm", "run", "--silent", name];

const steps: readonly Step[] = [
  { name: "types", argv: script("check:types") },
  { name: "lint", argv: script("check:lint") },
  { name: "format", argv: script("check:format") },
  { name: "dead code", argv: script("check:dead") },
  {
    name: "fast tests",
    argv: ["npm", "run", "--silent", "test:fast", "--", "--reporter=dot", "--reporter=./scripts/tally-reporter.ts"],
  },
];

function run(step: Step): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const [command, ...args] = step.argv;
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    const end = (code: number): void => {
      const outcome = {
        step,
        code,
        output: Buffer.concat(chunks).toString(),
        seconds: (performance.now() - started) / 1000,
      };
      report(outcome);
      resolve(outcome);
    };
    child.on("error", (error) => {
      chunks.push(Buffer.from(`${error.message}\n`));
      end(1);
    });
    child.on("close", (code) => end(code ?? 1));
  });
}

function report({ step, code, output, seconds }: Outcome): void {
  console.log(`check: ${step.name.padEnd(11)} ${code === 0 ? "ok" : "FAILED"} (${seconds.toFixed(1)} s)`);
  if (code !== 0) process.stdout.write(output.endsWith("\n") ? output : `${output}\n`);
}

const outcomes = await Promise.all(steps.map(run));
const failed = outcomes.filter((outcome) => outcome.code !== 0);
if (failed.length > 0) {
  console.log(`check: ${failed.map((outcome) => outcome.step.name).join(", ")} failed`);
  process.exitCode = 1;
}
