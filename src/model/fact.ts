import type { Failure } from "./errors.ts";

/** A fact: a shell snippet that prints something about a host, and a pure parser of what it printed. */
export interface Fact<T> {
  /** Lower-case letters and dots; unique among the facts of one exec. */
  readonly name: string;
  /** Body of a shell function. Reads only. Its stdout is the fact; a non-zero exit makes the fact unknown. */
  readonly text: string;
  /** Throws a DroverError when the text makes no sense: then the fact is unknown. */
  readonly parse: (stdout: string) => T;
}

/** What one exec told about one host: sections by fact name. */
export type FactSections = Readonly<Record<string, { readonly code: number; readonly stdout: string }>>;

/** A host's answer, or why there is none. */
export type Observation =
  | { readonly kind: "answered"; readonly sections: FactSections }
  | { readonly kind: "silent"; readonly failure: Failure };
