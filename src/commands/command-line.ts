import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { program, type Run } from "./program.ts";

/** Where help and complaints about a command line go. */
interface Print {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

/** Reads a command line and runs its verb. Throws a CommanderError, its words printed, for a wrong one, and for help. */
export async function runCommandLine(argv: readonly string[], run: Run, print: Print): Promise<void> {
  const root = program(run);
  prepare(root, print);
  await root.parseAsync([...verbFirst(argv)], { from: "user" });
}

/** Options every verb has and that take a word of their own. */
const WITH_VALUE: readonly string[] = ["-C", "--directory", "--output", "--forks", "--timeout"];

/**
 * Every verb has the common options; written before the verb (`drover -C fleet hosts`) they mean the same. And
 * `drover help VERB` is `drover VERB --help`.
 */
function verbFirst(argv: readonly string[]): readonly string[] {
  // Commander's own `help` goes one command deep.
  if (argv[0] === "help") return [...argv.slice(1), "--help"];
  const isRoot = (word: string): boolean => ["-h", "--help", "-V", "--version"].includes(word);
  let end = 0;
  for (let word = argv[0]; word?.startsWith("-") === true && !isRoot(word); word = argv[end]) {
    end += WITH_VALUE.includes(word) ? 2 : 1;
  }
  const [options, rest] = [argv.slice(0, end), argv.slice(end)];
  const stop = rest.indexOf("--");
  return stop === -1 ? [...rest, ...options] : [...rest.slice(0, stop), ...options, ...rest.slice(stop)];
}

/** A wrong command line is an exception, not an exit, and its message ends with what to type next. */
function prepare(command: CommandUnknownOpts, print: Print, before = ""): void {
  const name = `${before}${command.name()}`;
  command.exitOverride().configureOutput({
    writeOut: print.out,
    writeErr: print.error,
    outputError: (text, write) => write(`${text.trimEnd()}\n  hint: ${name} --help\n`),
  });
  for (const child of command.commands) prepare(child, print, `${name} `);
}
