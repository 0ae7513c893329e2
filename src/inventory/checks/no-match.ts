import { quote } from "../describe.ts";
import type { Requirement, Selector } from "../selector/selector.ts";
import { HOST_KEY } from "../selector/selector.ts";

/** What is wrong with a selector that picks none of the hosts, and what was probably meant. */
export function noMatch(text: string, selector: Selector, hosts: readonly string[]): string {
  const got = `expected a selector that matches a host, got ${quote(text)}, which matches none`;
  const host = selector.flatMap(wordsOf).find((word) => hosts.includes(word));
  if (host !== undefined) return `${got}, did you mean ${quote(`${HOST_KEY}=${host}`)}?`;
  return `${got} (see the hosts and their tags: drover hosts)`;
}

/** A host's name, taken for a tag or for the value of one. */
function wordsOf(requirement: Requirement): readonly string[] {
  if (requirement.key === HOST_KEY) return [];
  return requirement.kind === "in" ? [requirement.key, ...requirement.values] : [requirement.key];
}
