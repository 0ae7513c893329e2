import type { Diagnostic } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain } from "../diagnostics.ts";
import type { At } from "../drafts.ts";
import { suggest } from "../suggest.ts";
import type { World } from "./world.ts";

/** An app that something names has to be there; nothing is said where not all apps could be read. */
export function checkAppName({ appNames }: World, { file, path }: At, name: string): readonly Diagnostic[] {
  if (appNames === null || appNames.includes(name)) return [];
  const meant = suggest(name, appNames);
  const hint = meant === null ? "" : `, did you mean ${quote(meant)}?`;
  return [complain(file, path, `expected an app of the fleet, got ${quote(name)}${hint}`)];
}
