import type { Diagnostic } from "../../model/fleet.ts";
import { complain } from "../diagnostics.ts";
import type { At } from "../drafts.ts";
import { readSelector } from "../selector/read.ts";
import { noMatch } from "./no-match.ts";
import type { World } from "./world.ts";

/** A selector that picks at least one host; nothing is said about absence where hosts may be missing. */
export function checkSelector(
  { hosts, complete, select }: World,
  { file, path }: At,
  text: string,
): readonly Diagnostic[] {
  const { selector, diagnostics } = readSelector(file, path, text);
  if (selector === null || !complete || select(selector)?.length !== 0) return diagnostics;
  const names = hosts.map(({ name }) => name);
  return [...diagnostics, complain(file, path, noMatch(text, selector, names))];
}
