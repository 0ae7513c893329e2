import type { Place } from "../model/fleet.ts";
import { quote } from "./describe.ts";

/** Keys and list indexes from the top of a file down to a value. */
export type Path = readonly (string | number)[];

/** Where a value stands and how it was written. */
export interface Spot {
  readonly value: Place;
  /** Where its key stands; null in a list and at the top. */
  readonly key: Place | null;
  /** A scalar as written, without quotes; null for maps and lists. */
  readonly source: string | null;
  /** Columns from the value's place to its first character; null if it is not written character for character. */
  readonly verbatim: number | null;
}

/** All spots of one file. */
export type Spots = ReadonlyMap<string, Spot>;

/** The key of a path in {@link Spots}. */
export function spotKey(path: Path): string {
  return JSON.stringify(path);
}

/** `hosts.lb1.address`, `routes[0].lb`; a key with other characters stands in quotes. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += (text === "" ? "" : ".") + (/^[\w@/-]+$/.test(part) ? part : quote(part));
  }
  return text;
}

/** The spot of a value, or of the nearest thing around it that exists. */
export function spotAt(spots: Spots, path: Path): Spot | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const spot = spots.get(spotKey(path.slice(0, length)));
    if (spot !== undefined) return spot;
  }
  return undefined;
}
