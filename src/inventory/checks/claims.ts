import type { Route } from "../../model/fleet.ts";

/** What one host of a route takes for its app alone. */
export interface Claim {
  /** What it takes. */
  readonly takes: readonly string[];
  /** What nobody else may have taken. */
  readonly minds: readonly string[];
  /** Index of the host in its route. */
  readonly host: number;
  /** For messages. */
  readonly says: string;
}

/**
 * What a route takes on its balancer set.
 *
 * | two routes                                   | meet                                                         |
 * | -------------------------------------------- | ------------------------------------------------------------ |
 * | http and http, one host and path             | always: plain http is served or redirected                   |
 * | passthrough and passthrough, one host        | always: one connection has one name                          |
 * | passthrough and http, one host               | where https is ended: any path, for TLS shows the name only  |
 * | http and http, one host, different paths     | never                                                        |
 * | a host and a wildcard that covers it         | never: the name itself goes first                            |
 */
export function claimsOf(route: Route, hasCertificates: boolean): readonly Claim[] {
  const key = (...parts: readonly (string | number)[]): string => JSON.stringify([route.lb, ...parts]);
  switch (route.kind) {
    case "port":
      return [alone(key("port", route.port), 0, `port ${String(route.port)}`)];
    case "passthrough":
      return route.hosts.map((name, host) => ({
        takes: [key("passed", name)],
        minds: [key("passed", name), key("ended", name)],
        host,
        says: `TLS for ${name}`,
      }));
    case "http": {
      const { path } = route;
      if (route.hosts.length === 0) return [alone(key("http", "", path), 0, `${path} of any host`)];
      const ends = route.tls === "terminate" || (route.tls === "auto" && hasCertificates);
      return route.hosts.map((name, host) => {
        const own = alone(key("http", name, path), host, `${name}${path}`);
        if (!ends) return own;
        return { ...own, takes: [...own.takes, key("ended", name)], minds: [...own.minds, key("passed", name)] };
      });
    }
  }
}

function alone(key: string, host: number, says: string): Claim {
  return { takes: [key], minds: [key], host, says };
}
