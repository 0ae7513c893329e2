import type { Diagnostic, Place } from "../model/fleet.ts";
import { printable } from "./describe.ts";
import type { Path } from "./places.ts";
import { formatPath, spotAt } from "./places.ts";
import type { YamlFile } from "./yaml.ts";

/** One line as a person reads it: `apps/shop.yaml:7:9 health.http: expected …, got …` (DESIGN §2). */
export function formatDiagnostic({ file, line, column, path, message }: Diagnostic): string {
  // Messages are printable already; a file name need not be.
  return `${printable(file)}:${line}:${column}${path === "" ? "" : ` ${path}`}: ${message}`;
}

/** `file:line:column`, for messages that point at a second place. */
export function formatPlace({ file, line, column }: Place): string {
  return `${printable(file)}:${line}:${column}`;
}

/** Sorted by file, line and column, each said once. */
export function tidyDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  const once = diagnostics.filter((diagnostic) => {
    const text = formatDiagnostic(diagnostic);
    return seen.has(text) ? false : (seen.add(text), true);
  });
  return once.toSorted(
    (left, right) =>
      compareText(left.file, right.file) ||
      left.line - right.line ||
      left.column - right.column ||
      compareText(left.path, right.path) ||
      compareText(left.message, right.message),
  );
}

/** Order by code units: the same on every machine, whatever its locale. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A diagnostic at a value of a file, or at what is nearest around it when it is missing. */
export function complain(file: YamlFile, path: Path, message: string): Diagnostic {
  return { ...placeOf(file, path), path: formatPath(path), message };
}

/** A diagnostic at a key. */
export function complainAtKey(file: YamlFile, path: Path, message: string): Diagnostic {
  const spot = spotAt(file.spots, path);
  return { ...(spot?.key ?? placeOf(file, path)), path: formatPath(path), message };
}

/** A diagnostic at one character of a text, where the text stands in the file character for character. */
export function complainInside(at: { file: YamlFile; path: Path; offset: number }, message: string): Diagnostic {
  const place = placeOf(at.file, at.path);
  const shift = spotAt(at.file.spots, at.path)?.verbatim ?? null;
  const column = shift === null ? place.column : place.column + shift + at.offset;
  return { ...place, column, path: formatPath(at.path), message };
}

/** Where a value stands. */
export function placeOf(file: YamlFile, path: Path): Place {
  return spotAt(file.spots, path)?.value ?? { file: file.file, line: 1, column: 1 };
}

/** Where a key stands. */
export function keyPlaceOf(file: YamlFile, path: Path): Place {
  return spotAt(file.spots, path)?.key ?? placeOf(file, path);
}
