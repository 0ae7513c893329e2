import { complain } from "./diagnostics.ts";
import type { Diagnostic } from "../model/fleet.ts";
import { quote } from "./describe.ts";
import type { DroverDraft } from "./drafts.ts";
import { suggest } from "./suggest.ts";

/** The templates a fleet can replace by its own, by the names of their files. */
const TEMPLATE_NAMES: readonly string[] = [
  "haproxy.cfg.hbs",
  "keepalived.conf.hbs",
  "named.conf.hbs",
  "release.conf.hbs",
  "unit.service.hbs",
  "zone.hbs",
];

/**
 * What is wrong with a fleet's folder of templates, given the names in it; null: there is no such folder. A name that
 * drover does not know would be a template without effect. Names that start with a dot are passed over.
 */
export function checkTemplates(drover: DroverDraft, names: readonly string[] | null): readonly Diagnostic[] {
  const folder = drover.fields.templates ?? null;
  if (folder === null) return [];
  const wrong = (message: string): Diagnostic => complain(drover.file, ["templates"], message);
  if (names === null) return [wrong(`expected a folder of templates, got ${quote(folder)}, which is not there`)];
  return names
    .filter((name) => !name.startsWith(".") && !TEMPLATE_NAMES.includes(name))
    .toSorted()
    .map((name) => {
      const meant = suggest(name, TEMPLATE_NAMES);
      const hint = meant === null ? "" : `, did you mean ${quote(meant)}?`;
      return wrong(`expected ${TEMPLATE_NAMES.join(", ")} and nothing else, got ${quote(name)}${hint}`);
    });
}
