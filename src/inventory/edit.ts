import { isScalar, parseDocument } from "yaml";
import type { Scalar } from "yaml";
import { canonicalJson } from "../model/hash.ts";
import { replaceAt, valueAt } from "./data.ts";
import { describe, quote } from "./describe.ts";
import { readYaml } from "./yaml.ts";

/** A text with one value replaced; `already` when the value was there before; `mismatch` when it is something else. */
export type Edited =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "already" }
  | { readonly kind: "mismatch"; readonly message: string };

/**
 * Replaces one string in a YAML text, from one value to another; all other bytes stay, and so does the style of the
 * quotes. `key` is a dotted path of plain keys. A plain value that would read as something else than a string gets
 * quotes. The result is read back: only that one value differs, or nothing is edited.
 */
export function editScalar(text: string, key: string, from: string, to: string): Edited {
  const path = key.split(".");
  const before = readYaml("", text);
  const found = valueAt(before.value, path);
  if (found === to) return { kind: "already" };
  if (found !== from) return mismatch(`expected ${key} to be ${quote(from)}, got ${describe(found, null)}`);
  const node: unknown = parseDocument(text, { schema: "core", logLevel: "silent" }).getIn(path, true);
  if (!isScalar(node) || !isParsed(node)) return mismatch(`expected ${key} to be written in place, got an alias`);
  const [start, end] = node.range;
  const wanted = canonicalJson(replaceAt(before.value, path, to));
  for (const token of spellings(node, to)) {
    const edited = text.slice(0, start) + token + text.slice(end);
    const after = readYaml("", edited);
    if (after.diagnostics.length === 0 && canonicalJson(after.value) === wanted) return { kind: "ok", text: edited };
  }
  return mismatch(`expected ${key} to be a plain or quoted text on one line that no alias repeats, got another one`);
}

function mismatch(message: string): Edited {
  return { kind: "mismatch", message };
}

function isParsed(node: Scalar): node is Scalar.Parsed {
  return Array.isArray(node.range);
}

/** How the new value may be written, in order of preference: as the old one was, then in double quotes. */
function spellings(node: Scalar.Parsed, value: string): readonly string[] {
  const double = JSON.stringify(value);
  switch (node.type) {
    case "PLAIN":
      return [value, double];
    case "QUOTE_SINGLE":
      return [`'${value.replaceAll("'", "''")}'`, double];
    case "QUOTE_DOUBLE":
      return [double];
    default:
      return [];
  }
}
