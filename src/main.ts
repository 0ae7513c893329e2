import { CommanderError } from "@commander-js/extra-typings";
import { runCommandLine } from "./commands/command-line.ts";
import type { Run } from "./commands/program.ts";
import { DroverError, failure } from "./model/errors.ts";
import { EXIT_CODE } from "./report/exit-code.ts";
import { failureLines } from "./report/words.ts";
import { buildContext } from "./world.ts";

/** Runs a command line to its end, and gives the exit code. Whatever goes wrong is told on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT_CODE.done;
  const run: Run = async (options, perform) => {
    code = await perform(await buildContext(options));
  };
  const print = {
    out: (text: string) => process.stdout.write(text),
    error: (text: string) => process.stderr.write(text),
  };
  try {
    await runCommandLine(argv, run, print);
    return code;
  } catch (error) {
    return told(error);
  }
}

/** Says what went wrong, once, and gives the exit code. A bug keeps its stack. */
function told(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
  const known = error instanceof DroverError ? error.failure : bug(error);
  for (const line of failureLines(known)) process.stderr.write(`${line}\n`);
  return known.code === "usage" || known.code === "files-invalid" ? EXIT_CODE.usage : EXIT_CODE.failed;
}

function bug(error: unknown): ReturnType<typeof failure> {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return failure(
    "bug",
    "drover itself failed; hosts may be part-way, the journal knows",
    "see: drover status",
    stack.split("\n"),
  );
}
