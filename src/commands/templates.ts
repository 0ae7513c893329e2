import type { Fleet } from "../model/fleet.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Context, TemplateTexts } from "./context.ts";

/** Which file holds which template; a fleet's own folder uses the same names. */
const FILES: Readonly<Record<keyof TemplateTexts, string>> = {
  haproxy: "haproxy.cfg.hbs",
  keepalived: "keepalived.conf.hbs",
  named: "named.conf.hbs",
  zone: "zone.hbs",
  unit: "unit.service.hbs",
  dropIn: "release.conf.hbs",
};

/** The templates a fleet renders from: drover's own, replaced by those of the same name in the fleet's folder. */
export async function templatesOf(context: Context, { templates: folder }: Fleet): Promise<TemplateTexts> {
  if (folder === null) return context.templates;
  const own = async (kind: keyof TemplateTexts): Promise<string> => {
    const path = `${folder.replace(/\/+$/, "")}/${FILES[kind]}`;
    const bytes = await context.files.read(path);
    if (bytes === null) return context.templates[kind];
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new DroverError(failure("files-invalid", `${path}: expected text in UTF-8, got other bytes`));
    }
  };
  const [haproxy, keepalived, named, zone, unit, dropIn] = await Promise.all([
    own("haproxy"),
    own("keepalived"),
    own("named"),
    own("zone"),
    own("unit"),
    own("dropIn"),
  ]);
  return { haproxy, keepalived, named, zone, unit, dropIn };
}

/** The file a template is read from: the fleet's own, or the one that comes with drover. */
export async function templatePath(
  context: Context,
  { templates: folder }: Fleet,
  kind: keyof TemplateTexts,
): Promise<string> {
  const own = folder === null ? null : `${folder.replace(/\/+$/, "")}/${FILES[kind]}`;
  if (own !== null && (await context.files.read(own)) !== null) return own;
  return `drover's templates/${FILES[kind]}`;
}
