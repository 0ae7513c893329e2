import { sha256 } from "../model/hash.ts";
import { remember } from "./remember.ts";
import { type Family, setName } from "./syntax.ts";

/** More prefixes than this become a set; up to it a rule each is quicker to read, and no slower. */
export const SET_FROM = 9;

/** Prefixes of one family under a name that is made of them: the same name never has other members. */
export interface PrefixSet {
  readonly name: string;
  readonly family: Family;
  /** In the order of their addresses. */
  readonly members: readonly string[];
}

/** The set of these prefixes. */
export function prefixSet(family: Family, members: readonly string[]): PrefixSet {
  return { name: setName(family, sha256(`${family}\n${members.join("\n")}`).slice(0, 12)), family, members };
}

function powerOfTwo(atLeast: number, least: number): number {
  let size = least;
  while (size < atLeast) size *= 2;
  return size;
}

/**
 * Filled beside the set and swapped in: rules that use it already never see it empty or half full, and what was changed in
 * it by hand is gone. Its limits follow from its members alone: `create -exist` refuses a set with others.
 */
const textOf = remember(({ name, family, members }: PrefixSet): string => {
  const limits = `hashsize ${String(powerOfTwo(members.length, 64))} maxelem ${String(powerOfTwo(members.length, 65_536))}`;
  const kind = `hash:net family ${family === "v4" ? "inet" : "inet6"} ${limits}`;
  const lines = [
    `create ${name} ${kind} -exist`,
    `create ${name}.new ${kind} -exist`,
    `flush ${name}.new`,
    ...members.map((member) => `add ${name}.new ${member} -exist`),
    `swap ${name}.new ${name}`,
    `destroy ${name}.new`,
  ];
  return lines.map((line) => `${line}\n`).join("");
});

/** For `ipset restore`, which can be cut off anywhere and run again. */
export function setsText(sets: readonly PrefixSet[]): string {
  const byName = new Map(sets.map((set) => [set.name, set]));
  const sorted = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(textOf).join("");
}
