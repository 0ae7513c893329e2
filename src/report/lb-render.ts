import { printable } from "./words.ts";

/** A part of a file and what it comes from: a template, and the file of the app it is about. */
export interface RenderedSection {
  /** Its first line, e.g. `backend shop`; empty for what stands before the first. */
  readonly title: string;
  readonly from: readonly string[];
  readonly text: string;
}

/** One file of a balancer as the fleet's files give it. */
export type RenderedFile =
  | { readonly kind: "text"; readonly path: string; readonly sections: readonly RenderedSection[] }
  /** Its contents never leave the fleet's folder but for the balancer. */
  | { readonly kind: "certificate"; readonly path: string; readonly name: string };

/** All files of a balancer. */
export interface RenderedBalancer {
  readonly set: string;
  readonly balancer: string;
  readonly files: readonly RenderedFile[];
}

/** A file's exact text. */
export function textOf(file: Extract<RenderedFile, { kind: "text" }>): string {
  return file.sections.map(({ text }) => text).join("");
}

/**
 * Cuts a text into sections, which start in column one; comments above a section belong to it. The pieces joined are
 * the text. `from` says what a section comes from, by its title.
 */
export function cutSections(text: string, from: (title: string) => readonly string[]): readonly RenderedSection[] {
  const lines = text.split(/(?<=\n)/);
  const starts = lines.flatMap((line, index) => (/^[^\s#]/.test(line) ? [aboveComments(lines, index)] : []));
  const bounds = [...new Set([0, ...starts])].filter((start) => start < lines.length);
  return bounds.map((start, index) => {
    const part = lines.slice(start, bounds[index + 1]);
    const title = part.find((line) => /^[^\s#]/.test(line))?.trim() ?? "";
    return { title, from: from(title), text: part.join("") };
  });
}

function aboveComments(lines: readonly string[], index: number): number {
  let start = index;
  while (start > 0 && lines[start - 1]?.startsWith("#") === true) start -= 1;
  return start;
}

/** All files with where each part comes from; headings begin with `#!`, which no file of drover's does. */
export function renderLines(balancers: readonly RenderedBalancer[]): readonly string[] {
  return balancers.flatMap(({ balancer, files }) => files.flatMap((file) => fileLines(balancer, file)));
}

function fileLines(balancer: string, file: RenderedFile): readonly string[] {
  const head = `#! ${balancer} ${file.path}`;
  if (file.kind === "certificate") return [head, `#!   the certificate ${file.name} with its key, never shown`, ""];
  return [
    head,
    ...file.sections.flatMap(({ title, from, text }) => [
      ...(from.length === 0 ? [] : [`#!   ${title === "" ? "" : `${printable(title)}: `}from ${from.join(" and ")}`]),
      ...text.replace(/\n$/, "").split("\n").map(printable),
    ]),
    "",
  ];
}
