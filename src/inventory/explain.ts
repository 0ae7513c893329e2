import type { z } from "zod";
import type { Diagnostic } from "../model/fleet.ts";
import { isRecord, replaceAt, valueAt } from "./data.ts";
import { describe, quote } from "./describe.ts";
import { complain, complainAtKey } from "./diagnostics.ts";
import { spotKey } from "./places.ts";
import type { Path } from "./places.ts";
import { suggest } from "./suggest.ts";
import type { YamlFile } from "./yaml.ts";

type Issue = z.core.$ZodIssue;

/** What the schema library says, in the words of DESIGN §2: `expected …, got …`, at the right place. */
export function explainIssue(schema: z.ZodType, file: YamlFile, issue: Issue): readonly Diagnostic[] {
  const path = plainPath(issue.path);
  if (file.refused.some((refused) => startsWith(path, refused))) return [];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys
        .filter((key) => !file.refused.some((refused) => startsWith([...path, key], refused)))
        .map((key) => complainAtKey(file, [...path, key], unknownKey(key, issue.message.split(" "))));
    case "invalid_key":
      return [
        complainAtKey(
          file,
          path,
          `expected ${issue.issues[0]?.message ?? "another key"}, got ${quote(String(path.at(-1)))}`,
        ),
      ];
    case "invalid_union": {
      const branch = issue.errors.find((issues) => fits(file, path, issues));
      if (branch !== undefined)
        return branch.flatMap((inner) => explainIssue(schema, file, { ...inner, path: [...path, ...inner.path] }));
      return [complain(file, path, expectedGot(schema, file, path, issue.message))];
    }
    default:
      return [complain(file, path, expectedGot(schema, file, path, issue.message))];
  }
}

/** True if a branch of a union took the value itself and only minds something inside it. An empty map fits nothing. */
function fits(file: YamlFile, path: Path, issues: readonly Issue[]): boolean {
  const value = valueAt(file.value, path);
  if (isRecord(value) && Object.keys(value).length === 0) return false;
  return issues.every((inner) => inner.path.length > 0);
}

function plainPath(path: readonly PropertyKey[]): Path {
  return path.map((part) => (typeof part === "number" ? part : String(part)));
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((part, index) => part === path[index]);
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  if (meant !== null) return `unknown key ${quote(key)}, did you mean ${quote(meant)}?`;
  return `unknown key ${quote(key)}, expected ${known.length === 1 ? "" : "one of "}${known.join(", ")}`;
}

/** The sentence for a wrong value, with what quotes would have made of it. */
function expectedGot(schema: z.ZodType, file: YamlFile, path: Path, expected: string): string {
  const value = valueAt(file.value, path);
  const source = file.spots.get(spotKey(path))?.source ?? null;
  const got = describe(value, source);
  if (typeof value !== "string" && source !== null && source !== "" && accepts(schema, file, path, source)) {
    const what = typeof value === "number" ? `the number ${source}` : got;
    return `expected a string, got ${what} (write ${quote(source)} with quotes)`;
  }
  const number = typeof value === "string" && /^[0-9]+$/.test(value) ? Number(value) : null;
  if (number !== null && accepts(schema, file, path, number))
    return `expected ${expected}, got ${got} (write ${number} without quotes)`;
  return `expected ${expected}, got ${got}`;
}

/** True if another value at a path would satisfy the schema there. */
function accepts(schema: z.ZodType, file: YamlFile, path: Path, value: unknown): boolean {
  const result = schema.safeParse(replaceAt(file.value, path, value));
  if (result.success) return true;
  return !result.error.issues.some(
    (issue) => issue.code !== "unrecognized_keys" && startsWith(path, plainPath(issue.path)),
  );
}
