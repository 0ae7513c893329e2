import type { Path } from "./places.ts";

/** True for maps. */
export function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of plain data; undefined when there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (Array.isArray(at)) at = typeof part === "number" ? at[part] : undefined;
    else at = isRecord(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }
  return at;
}

/** A copy of plain data with the value at a path replaced. */
export function replaceAt(tree: unknown, [head, ...rest]: Path, value: unknown): unknown {
  if (head === undefined) return value;
  if (Array.isArray(tree))
    return tree.map((item: unknown, index) => (index === head ? replaceAt(item, rest, value) : item));
  return isRecord(tree) ? { ...tree, [head]: replaceAt(tree[head], rest, value) } : tree;
}
