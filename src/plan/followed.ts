import type { LbApp, LbFollow, LbModel, LbRoute, LbSet } from "../model/lb.ts";

/**
 * A set as it can be while a balancer carries these apps: what the set follows waits for an app of its name, or with one
 * of its routes, that is still to leave. The app's own plan takes the app out and lets it in at once.
 */
export function besideApps(set: LbSet | null, apps: LbModel["apps"]): LbSet | null {
  if (set?.follow === undefined) return set;
  const { follow, ...rest } = set;
  const free = follow.filter((service) => !Object.values(apps).some((app) => clash(service, app)));
  return free.length === 0 ? rest : { ...rest, follow: free };
}

/**
 * The set after one app changed from `was` to what `apps` hold: without what the app now has the place of, and with what it
 * was in the way of. All else that the set follows stays as it is: that has a plan of its own.
 */
export function followAfter(
  set: LbSet,
  {
    was,
    apps,
    wanted,
  }: { readonly was: LbApp | undefined; readonly apps: LbModel["apps"]; readonly wanted: LbSet | null },
): LbSet {
  const { follow: _, ...rest } = set;
  const stay = besideApps(set, apps)?.follow ?? [];
  const freed = (was === undefined ? [] : (besideApps(wanted, apps)?.follow ?? [])).filter(
    (service) => was !== undefined && clash(service, was) && !stay.some(({ app }) => app === service.app),
  );
  const follow = [...stay, ...freed].toSorted((left, right) => (left.app < right.app ? -1 : 1));
  return follow.length === 0 ? rest : { ...rest, follow };
}

function clash(service: LbFollow, app: LbApp): boolean {
  return service.app === app.app || service.routes.some((one) => app.routes.some((other) => meet(one, other)));
}

/** True where two routes would want the same requests; the files' own checks are stricter (claims.ts). */
function meet(one: LbRoute, other: LbRoute): boolean {
  if (one.kind === "port" || other.kind === "port")
    return one.kind === "port" && other.kind === "port" && one.port === other.port;
  if (one.kind === "http" && other.kind === "http") return one.host === other.host && one.path === other.path;
  return one.host === other.host;
}
