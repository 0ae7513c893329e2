import type { Host } from "../../model/fleet.ts";
import type { Requirement, Selector } from "./selector.ts";
import { HOST_KEY } from "./selector.ts";

type Named = Pick<Host, "name" | "tags">;

/** The selected hosts, in the order they came in. */
export function selectHosts<Candidate extends Named>(
  hosts: readonly Candidate[],
  selector: Selector,
): readonly Candidate[] {
  return hosts.filter((host) => selector.every((requirement) => meets(host, requirement)));
}

/** True if a host meets one requirement. `!=` and `notin` are also met by a host without the tag (Kubernetes' rule). */
function meets(host: Named, requirement: Requirement): boolean {
  const { key } = requirement;
  const value = key === HOST_KEY ? host.name : Object.hasOwn(host.tags, key) ? host.tags[key] : undefined;
  switch (requirement.kind) {
    case "exists":
      return value !== undefined;
    case "missing":
      return value === undefined;
    case "in":
      return value !== undefined && requirement.values.some((wanted) => same(key, wanted, value));
    case "notin":
      return value === undefined || !requirement.values.some((wanted) => same(key, wanted, value));
  }
}

function same(key: string, wanted: string, value: string): boolean {
  if (key !== HOST_KEY || !wanted.includes("*")) return wanted === value;
  const [head = "", ...middle] = wanted.split("*");
  const tail = middle.pop() ?? "";
  if (!value.startsWith(head)) return false;
  let at = head.length;
  // Taking each middle piece at its first occurrence leaves the most room for the rest.
  for (const piece of middle) {
    const found = value.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return value.length - tail.length >= at && value.endsWith(tail);
}
