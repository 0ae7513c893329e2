import { UNPRINTABLE } from "./names.ts";

const LONGEST = 60;

/** A text in quotes as it may be printed: nothing in it can move a cursor, and it is cut when it is long. */
export function quote(text: string): string {
  const characters = [...text];
  const shown = characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
  return [...JSON.stringify(shown)]
    .map((character) => (UNPRINTABLE.test(character) ? escaped(character) : character))
    .join("");
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}

/** What stands in the file, for the end of a message: `"text"`, `8080`, `a map`. `source` is a scalar as written. */
export function describe(value: unknown, source: string | null): string {
  if (value === undefined || value === null) return source === null || source === "" ? "nothing" : source;
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return source ?? String(value);
}
