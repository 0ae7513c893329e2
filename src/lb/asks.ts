import type { LbApp, LbAsk, LbModel, LbRoute } from "../model/lb.ts";

/** One request per app that shows that a balancer leads to it; none for apps whose requests nobody reads. By app name. */
export function asksOf(model: LbModel): readonly LbAsk[] {
  return Object.values(model.apps).flatMap((app) => {
    const asks = app.routes.flatMap((route) => askOf(app, route));
    return asks.slice(0, 1);
  });
}

function askOf(app: LbApp, route: LbRoute): readonly LbAsk[] {
  switch (route.kind) {
    case "http": {
      const isSecure = route.tls !== "none";
      const where = isSecure ? ({ scheme: "https", port: 443 } as const) : ({ scheme: "http", port: 80 } as const);
      return [{ app: app.app, ...where, host: nameOf(route.host), path: pathOf(app, route.path) }];
    }
    case "port":
      if (route.mode === "tcp") return [];
      return [{ app: app.app, scheme: "http", port: route.port, host: "localhost", path: pathOf(app, "/") }];
    case "passthrough":
      return [];
  }
}

/** A name that the route takes: of a wildcard any will do. */
function nameOf(host: string | null): string {
  return host === null ? "localhost" : host.replace(/^\*\./, "drover.");
}

/** The health path where the route leads there: an app knows what to do with it. */
function pathOf({ health: { probe } }: LbApp, prefix: string): string {
  if (probe.kind !== "http") return prefix;
  const isBelow = prefix === "/" || probe.path === prefix || probe.path.startsWith(`${prefix}/`);
  return isBelow ? probe.path : prefix;
}
