import type { Diagnostic } from "../model/fleet.ts";
import { isRecord, valueAt } from "./data.ts";
import { explainIssue } from "./explain.ts";
import type { Path } from "./places.ts";
import type { FileSchema } from "./schema/file-schema.ts";
import type { YamlFile } from "./yaml.ts";

/** What could be understood of a map: the keys that are valid, by themselves. */
export type Draft<Fields> = Partial<Fields>;

/**
 * Checks a file against its schema: everything that is wrong with it, and the keys that are right all the same, so that
 * checks across files can go on and all errors of all files come out at once.
 */
export function decodeFile<Fields>(
  schema: FileSchema<Fields>,
  file: YamlFile,
): { readonly draft: Draft<Fields>; readonly diagnostics: readonly Diagnostic[] } {
  if (file.value === undefined) return { draft: {}, diagnostics: file.diagnostics };
  const result = schema.whole.safeParse(file.value);
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => explainIssue(schema.whole, file, issue));
  return { draft: decodeKeys(schema, file, []), diagnostics: [...file.diagnostics, ...issues] };
}

/** The valid keys of the map at a path; none when there is no map. */
export function decodeKeys<Fields>(schema: FileSchema<Fields>, file: YamlFile, path: Path): Draft<Fields> {
  const map = valueAt(file.value, path);
  const draft: Record<string, unknown> = {};
  if (!isRecord(map)) return {};
  for (const [key, inner] of Object.entries(schema.keys)) {
    const result = inner.safeParse(map[key]);
    if (result.success && result.data !== undefined && !isRefused(file, [...path, key])) draft[key] = result.data;
  }
  // Each key was parsed by its own part of the schema.
  return draft as Draft<Fields>;
}

/** True if something at, above or below a path was refused by the YAML reader. */
export function isRefused(file: YamlFile, path: Path): boolean {
  return file.refused.some((refused) => {
    const shared = Math.min(refused.length, path.length);
    return shared > 0 && refused.slice(0, shared).every((part, index) => part === path[index]);
  });
}
