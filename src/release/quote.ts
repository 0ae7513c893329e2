import { DroverError, failure } from "../model/errors.ts";

/**
 * The one place where text becomes systemd syntax (systemd.syntax(7), systemd.service(5) "Command lines",
 * systemd.exec(5) Environment=). Every value is put in double quotes, which leaves two characters that quotes and
 * backslashes care about, and `%`, which starts a specifier everywhere.
 */

// A unit file is read line by line, and systemd drops a whole setting that holds control characters or what it does
// not take for UTF-8: halves of surrogate pairs and noncharacters such as U+FFFE (its utf8_is_valid).
const UNFIT = /[\u0000-\u001f\u007f\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** One line of a unit file may not be longer than this (LONG_LINE_MAX in systemd). */
const LINE_MAX = 1024 * 1024;

function quoted(text: string, what: string): string {
  const at = text.search(UNFIT);
  if (at >= 0) {
    const code = (text.codePointAt(at) ?? 0).toString(16).padStart(4, "0");
    throw new DroverError(
      failure(
        "files-invalid",
        `${what}: expected text without control characters and noncharacters, got U+${code} at character ${at + 1}`,
      ),
    );
  }
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;
}

function bounded(line: string, what: string): string {
  if (new TextEncoder().encode(line).length + 64 > LINE_MAX) {
    throw new DroverError(failure("files-invalid", `${what}: expected less than 1 MiB in one line`));
  }
  return line;
}

/**
 * The value of ExecStart=. The `:` before the program turns off `$` expansion for the whole line, so that `$` needs
 * no doubling; it stands outside the quotes, and the program must be absolute. Throws a DroverError for control
 * characters, and for a program's name that systemd refuses.
 */
export function execLine(program: string, args: readonly string[]): string {
  // systemd refuses them in a program's path, however they are quoted ("Executable name contains special characters").
  if (/["'\\]/.test(program)) {
    const got = JSON.stringify(program);
    throw new DroverError(
      failure("files-invalid", `run: expected a program without quotes and backslashes, got ${got}`),
    );
  }
  const words = args.map((word, index) => quoted(word, `run, word ${index + 2}`));
  return bounded([`:${quoted(program, "run, word 1")}`, ...words].join(" "), "run");
}

/** The value of one Environment= line. `$` means nothing there. Throws a DroverError for control characters. */
export function environmentLine(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new DroverError(failure("files-invalid", `env: expected a variable's name, got ${JSON.stringify(name)}`));
  }
  return bounded(quoted(`${name}=${value}`, `env.${name}`), `env.${name}`);
}
