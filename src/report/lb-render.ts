import { printable } from "./words.ts";

/** A part of a balancer's files, headed by what it is and what it comes from. */
export interface RenderedSection {
  readonly heading: string;
  readonly text: string;
}

/** One file of a balancer as the fleet's files give it. */
export type RenderedFile =
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** Its contents never leave the fleet's folder but for the balancer. */
  | { readonly kind: "certificate"; readonly path: string };

/** All files of a balancer: as parts for a person, as bytes for a program. */
export interface RenderedBalancer {
  readonly set: string;
  readonly balancer: string;
  readonly sections: readonly RenderedSection[];
  readonly files: readonly RenderedFile[];
}

/** Every part under its heading, which begins with `#!` as nothing in a balancer's files does. */
export function renderLines(balancers: readonly RenderedBalancer[]): readonly string[] {
  return balancers.flatMap(({ balancer, sections }) =>
    sections.flatMap(({ heading, text }) => [
      `#! ${balancer} ${printable(heading)}`,
      ...text.replace(/\n$/, "").split("\n").map(printable),
      "",
    ]),
  );
}
