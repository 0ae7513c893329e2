import { DroverError, failure } from "../model/errors.ts";

/**
 * One word for a POSIX shell, whatever is in it: within single quotes nothing is special but the single quote itself
 * (POSIX XCU 2.2.2). This is the only place where drover quotes. Throws a DroverError for NUL, which no shell can hold.
 */
function quote(word: string): string {
  if (word.includes("\0")) {
    throw new DroverError(
      failure(
        "usage",
        "an argument for a command on a host contains a NUL byte",
        "remove the NUL byte from the value",
        [JSON.stringify(word.slice(0, 80))],
      ),
    );
  }
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Several words, separated by spaces. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(" ");
}
