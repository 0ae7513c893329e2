import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** A page of the documentation; `path` is relative to the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A fenced block. */
interface Block {
  readonly language: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "../..");

/** One page by its path. */
export function page(path: string): Page {
  return { path, text: readFileSync(join(root, path), "utf8") };
}

/** README, CONTRIBUTING, CHANGELOG, the lab's README and everything in docs/. */
export function pages(): readonly Page[] {
  const inDocs = readdirSync(join(root, "docs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "lab/README.md", ...inDocs].map(page);
}

/** The fenced blocks of one language. */
export function blocks({ text }: Page, language: string): readonly string[] {
  const found = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, name = "", body = ""]): Block => ({
    language: name,
    text: body,
  }));
  return found.filter((block) => block.language === language).map((block) => block.text);
}

/** A page without its fenced blocks: what a reader takes for prose. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** The body rows of the first table after a mark, cell by cell. */
export function tableAfter({ path, text }: Page, mark: string): readonly (readonly string[])[] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${path} does not contain ${JSON.stringify(mark)}`);
  const table = /(?:^\|.*\|$\n)+/m.exec(text.slice(at + mark.length))?.[0] ?? "";
  return table.trim().split("\n").slice(2).map(cells);
}

/** A bar inside backquotes belongs to its cell. */
function cells(row: string): readonly string[] {
  const inner = row.slice(1, -1).replaceAll(/`[^`]*`/g, (code) => code.replaceAll("|", "\u0000"));
  return inner.split("|").map((cell) => cell.replaceAll("\u0000", "|").trim());
}

/** The text between backquotes in a cell, one by one. */
export function codes(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** What GitHub makes of a page's headings as link targets. */
export function anchors(of: Page): readonly string[] {
  return [...prose(of).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Targets of links that are not web addresses. */
export function localLinks(of: Page): readonly string[] {
  return [...prose(of).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}
