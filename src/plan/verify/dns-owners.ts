import type { Failure } from "../../model/errors.ts";
import { appProblem, hostProblem } from "../../discovery/claims.ts";
import { addressesOf, serviceOf } from "../../discovery/desired.ts";
import type { Looked } from "./dns-account.ts";

/** Whose the records of everything the files publish are, as the primary says: why they are not this fleet's, or null. */
export function zoneProblems({
  topology,
  view: { primary },
}: Pick<Looked, "topology" | "view">): readonly { readonly name: string; readonly problem: Failure | null }[] {
  if (primary.facts.kind === "unknown") return [];
  const { apps, hosts } = primary.facts.value;
  const ofApps = topology.apps.flatMap((app) => {
    const service = serviceOf(topology, app);
    const found = apps.get(app.name);
    if (service === null || found === undefined) return [];
    const sets = service.hosts.flatMap(({ endpoints }) => endpoints.map(({ set }) => set));
    return [{ name: app.name, problem: appProblem(found, new Set([...sets, ...found.sets.keys()])) }];
  });
  const ofHosts = addressesOf(topology).flatMap(({ host }) => {
    const found = hosts.get(host);
    return found === undefined ? [] : [{ name: host, problem: hostProblem(found) }];
  });
  return [...ofApps, ...ofHosts];
}
