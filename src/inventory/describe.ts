import { UNPRINTABLE } from "./names.ts";

const LONGEST = 60;
const everyUnprintable = new RegExp(UNPRINTABLE, "gu");

/** A text in quotes as it may be printed: nothing in it can move a cursor, and it is cut when it is long. */
export function quote(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  // JSON already escapes C0 controls and lone surrogates.
  return printable(JSON.stringify(shown));
}

/** A text with every character escaped that a terminal would not show as itself. */
export function printable(text: string): string {
  return text.replaceAll(everyUnprintable, escaped);
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}

/** What stands in the file, for the end of a message: `"text"`, `8080`, `a map`. `source` is a scalar as written. */
export function describe(value: unknown, source: string | null): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
    case "boolean":
      return source ?? String(value);
    case "object":
      if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
      if (value !== null) return "a map";
      return source === null || source === "" ? "nothing" : source;
    default:
      return "nothing";
  }
}
