/** The words of a command line, or what is wrong with it; `at` counts characters from 0. */
export type Words =
  | { readonly kind: "ok"; readonly words: readonly string[] }
  | { readonly kind: "error"; readonly at: number; readonly message: string };

/** What a shell would act on outside quotes. There is no shell, so it can only be a misunderstanding. */
const OPERATORS = "|&;<>()";
const EXPANSION = /\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9{(@*#?!$-])|`/y;

interface Scan {
  readonly text: string;
  at: number;
  /** The word being read; null between words. */
  word: string | null;
}

/**
 * Splits a command into argv as a POSIX shell does (XCU 2.2 Quoting), without any expansion. What a shell would
 * interpret (`|`, `>`, `$NAME`, …) is refused unless it is quoted so that a shell would take it literally too.
 */
export function splitWords(text: string): Words {
  const words: string[] = [];
  const scan: Scan = { text, at: 0, word: null };
  while (scan.at < text.length) {
    const start = scan.at;
    const character = text.charAt(start);
    if (/[ \t]/.test(character)) {
      if (scan.word !== null) words.push(scan.word);
      scan.word = null;
      scan.at += 1;
      continue;
    }
    const mistake = readPiece(scan, character);
    if (mistake !== null) return { kind: "error", at: start, message: mistake };
  }
  if (scan.word !== null) words.push(scan.word);
  return { kind: "ok", words };
}

/** Reads one quoted stretch or one character into the word; gives what is wrong with it, or null. */
function readPiece(scan: Scan, character: string): string | null {
  const { text } = scan;
  if (character === "'") {
    const close = text.indexOf("'", scan.at + 1);
    if (close < 0) return "expected a closing '";
    scan.word = (scan.word ?? "") + text.slice(scan.at + 1, close);
    scan.at = close + 1;
    return null;
  }
  if (character === '"') return readDouble(scan);
  if (character === "\\") {
    if (scan.at + 1 >= text.length) return "expected a character after the backslash";
    scan.word = (scan.word ?? "") + text.charAt(scan.at + 1);
    scan.at += 2;
    return null;
  }
  if (OPERATORS.includes(character)) return noShell(character);
  return readPlain(scan);
}

/** Between double quotes a backslash stands before `$`, backquote, `"` and itself only (XCU 2.2.3). */
function readDouble(scan: Scan): string | null {
  const { text } = scan;
  let inside = "";
  for (let at = scan.at + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') {
      scan.word = (scan.word ?? "") + inside;
      scan.at = at + 1;
      return null;
    }
    const expansion = expansionAt(text, at);
    if (expansion !== null) return noShell(expansion);
    if (character === "\\" && '$`"\\'.includes(text.charAt(at + 1)) && at + 1 < text.length) at += 1;
    inside += text.charAt(at);
  }
  return 'expected a closing "';
}

function readPlain(scan: Scan): string | null {
  const expansion = expansionAt(scan.text, scan.at);
  if (expansion !== null) return noShell(expansion);
  scan.word = (scan.word ?? "") + scan.text.charAt(scan.at);
  scan.at += 1;
  return null;
}

/** What a shell would expand at a position: `$NAME`, the start of `${…}` or `$(…)`, a backquote. */
function expansionAt(text: string, at: number): string | null {
  EXPANSION.lastIndex = at;
  return EXPANSION.exec(text)?.[0] ?? null;
}

function noShell(what: string): string {
  return `expected plain words, got ${what}: no shell reads this (put it in single quotes if it is meant literally)`;
}
