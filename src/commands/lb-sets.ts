import { failure } from "../model/errors.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";

/** The balancer sets a command is about: all, or the one it names. Null after having said that there is no such set. */
export function findSets(
  context: Context,
  { topology }: FleetFiles,
  name: string | undefined,
): readonly TopologyBalancer[] | null {
  const all = topology.balancers;
  if (name === undefined && all.length > 0) return all;
  const found = all.filter((set) => set.name === name);
  if (found.length > 0) return found;
  const names = all.map((set) => set.name).join(", ");
  const [sentence, hint] =
    name === undefined || names === ""
      ? ["the fleet has no balancers", "name some under loadBalancers in drover.yaml"]
      : [`there is no balancer set ${JSON.stringify(name)}`, `the sets are ${names}`];
  tellFailure(context, failure("usage", sentence, hint));
  return null;
}
