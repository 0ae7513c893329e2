import type { LbFile } from "../model/lb.ts";
import type { LbRender } from "./render.ts";

/** A part of a balancer's files, and where it comes from. */
export interface OriginSection {
  /** E.g. `haproxy.cfg, backend shop: from haproxy.cfg.hbs and apps/shop.yaml`. */
  readonly heading: string;
  readonly text: string;
}

/** Where what concerns all apps is written. */
const FLEET_FILE = "drover.yaml";

/** Cuts haproxy.cfg where a section begins; comments right above a section are its own. */
function cut(config: string): readonly string[] {
  const parts: string[][] = [[]];
  let comments: string[] = [];
  for (const line of config.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("#") || line === "") {
      comments.push(line);
      continue;
    }
    if (/^[a-z]/.test(line)) parts.push([]);
    parts.at(-1)?.push(...comments, line);
    comments = [];
  }
  parts.at(-1)?.push(...comments);
  return parts.map((lines) => lines.join("\n").trim()).filter((text) => text !== "");
}

function titleOf(text: string): string {
  return text.split("\n").find((line) => line !== "" && !line.startsWith("#")) ?? "";
}

/** The app a section is made for: a backend of its name, or a frontend that leads there alone. */
function appOf(text: string): string {
  const title = titleOf(text);
  return (/^backend (\S+)$/.exec(title) ?? /^ +default_backend (\S+)$/m.exec(text))?.[1] ?? "";
}

function from(origins: readonly string[]): string {
  return `from ${origins.join(" and ")}`;
}

/** Apps that a map sends something to, in the order of their names. */
function appsIn(text: string): readonly string[] {
  const values = text.split("\n").flatMap((line) => (line.startsWith("#") ? [] : [line.split(" ")[1] ?? ""]));
  return [...new Set(values)].toSorted();
}

function fileSection(file: LbFile, sources: ReadonlyMap<string, string>): OriginSection {
  const { path } = file;
  if (file.kind === "certificate") {
    // A fingerprint takes the fleet's key, which a render that touches no host does not have.
    const text = `(a certificate and its key${file.fingerprint === "" ? "" : `, fingerprint ${file.fingerprint}`})`;
    return { heading: `${path}: ${from([FLEET_FILE])}`, text };
  }
  const origins = appsIn(file.text).flatMap((app) => sources.get(app) ?? []);
  return { heading: `${path}: ${from(origins.length === 0 ? [FLEET_FILE] : origins)}`, text: file.text.trimEnd() };
}

/**
 * A render cut into parts, each headed by the template and the fleet's file that made it. `sources` tells each app's file,
 * `templateName` is how the template is called in the heading. Keys of certificates are in no part.
 *
 * @public `drover lb render` prints it
 */
export function sectionsOf(
  { config, files }: LbRender,
  sources: ReadonlyMap<string, string>,
  templateName: string,
): readonly OriginSection[] {
  const parts = cut(config).map((text): OriginSection => {
    const origin = sources.get(appOf(text)) ?? FLEET_FILE;
    return { heading: `haproxy.cfg, ${titleOf(text) || "head"}: ${from([templateName, origin])}`, text };
  });
  return [...parts, ...files.map((file) => fileSection(file, sources))];
}
