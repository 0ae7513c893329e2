import type { Diagnostic } from "../../model/fleet.ts";
import { complain, complainInside } from "../diagnostics.ts";
import type { Path } from "../places.ts";
import type { YamlFile } from "../yaml.ts";
import { parseSelector } from "./parse.ts";
import type { Selector } from "./selector.ts";

/** Parses a selector that stands in a file, and points at the character where it goes wrong. */
export function readSelector(
  file: YamlFile,
  path: Path,
  text: string | undefined,
): { readonly selector: Selector | null; readonly diagnostics: readonly Diagnostic[] } {
  if (text === undefined) return { selector: null, diagnostics: [] };
  const parsed = parseSelector(text);
  if (parsed.kind === "ok") return { selector: parsed.selector, diagnostics: [] };
  if (text.trim() === "")
    return {
      selector: null,
      diagnostics: [complain(file, path, 'expected a selector such as "role=app", got an empty one')],
    };
  return { selector: null, diagnostics: [complainInside({ file, path, offset: parsed.at }, parsed.message)] };
}
