import type { LbRoute } from "../model/lb.ts";

/**
 * The name that an app's check asks for, out of its routes as they are written: the first that clients may use as it stands,
 * of a wildcard any that it covers; null where no route has a name.
 */
export function checkHost(routes: readonly LbRoute[]): string | null {
  const hosts = routes.flatMap((route) => (route.kind === "port" || route.host === null ? [] : [route.host]));
  return hosts.find((each) => !each.startsWith("*")) ?? hosts[0]?.replace("*", "www") ?? null;
}
