import type { Diagnostic } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain } from "../diagnostics.ts";
import { suggest } from "../suggest.ts";
import { noMatch } from "./no-match.ts";
import type { World } from "./world.ts";

/** Balancer sets have hosts, none of them twice; the state host exists and is no balancer. */
export function checkBalancers(world: World): readonly Diagnostic[] {
  const { drover, balancers, hosts, complete } = world;
  const names = hosts.map(({ name }) => name);
  const wrong: Diagnostic[] = [];
  const owner = new Map<string, string>();
  for (const { name, text, selector, on } of balancers ?? []) {
    wrong.push(...selector.diagnostics);
    const path = ["loadBalancers", name, "hosts"];
    if (on?.length === 0 && complete && selector.selector !== null)
      wrong.push(complain(drover.file, path, noMatch(text, selector.selector, names)));
    for (const host of on ?? []) {
      const other = owner.get(host);
      if (other !== undefined)
        wrong.push(complain(drover.file, path, `expected hosts of its own, got ${host}, which ${quote(other)} has`));
      owner.set(host, other ?? name);
    }
  }
  return [...wrong, ...checkState(world, owner)];
}

function checkState({ drover, hosts, complete }: World, owner: ReadonlyMap<string, string>): readonly Diagnostic[] {
  const host = drover.fields.state?.host;
  if (host === undefined) return [];
  const path = ["state", "host"];
  // Balancers restart and move in every change; the lease must not live on one (DESIGN §2).
  const set = owner.get(host);
  if (set !== undefined)
    return [complain(drover.file, path, `expected a host that is no balancer, got ${quote(host)} of ${quote(set)}`)];
  const names = hosts.map(({ name }) => name);
  if (!complete || names.includes(host)) return [];
  const meant = suggest(host, names);
  const hint = meant === null ? "" : `, did you mean ${quote(meant)}?`;
  return [complain(drover.file, path, `expected a host of the inventory, got ${quote(host)}${hint}`)];
}
