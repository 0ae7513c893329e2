import type { Diagnostic, Route } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, formatPlace, placeOf } from "../diagnostics.ts";
import { suggest } from "../suggest.ts";
import type { PlacedApp, World } from "./world.ts";

/** Routes lead from a balancer set that exists to an app with a port, and each to one app only. */
export function checkRoutes({ apps, balancers }: World): readonly Diagnostic[] {
  const names = balancers?.map(({ name }) => name) ?? null;
  const claims = new Map<string, { readonly app: PlacedApp; readonly index: number }>();
  const wrong: Diagnostic[] = [];
  for (const app of apps) {
    const routes = app.fields.routes ?? [];
    if (routes.length > 0 && app.fields.port === null)
      wrong.push(
        complain(app.file, ["routes"], "expected no routes, got some for an app without port (add port: NUMBER)"),
      );
    routes.forEach((route, index) => {
      if (names !== null) wrong.push(...checkName({ app, index, route }, names));
      const key = JSON.stringify([route.lb, route.host, route.path]);
      const first = claims.get(key);
      claims.set(key, first ?? { app, index });
      if (first === undefined) return;
      const owner = `${first.app.fields.app ?? "another app"} (${formatPlace(placeOf(first.app.file, ["routes", first.index]))})`;
      const got = `${route.host}${route.path} on ${route.lb}, which leads to ${owner}`;
      wrong.push(complain(app.file, ["routes", index], `expected a route of its own, got ${got}`));
    });
  }
  return wrong;
}

function checkName(
  { app, index, route }: { readonly app: PlacedApp; readonly index: number; readonly route: Route },
  names: readonly string[],
): readonly Diagnostic[] {
  if (names.includes(route.lb)) return [];
  const meant = suggest(route.lb, names);
  const hint = meant === null ? "" : `, did you mean ${quote(meant)}?`;
  const expected =
    names.length === 0
      ? "a balancer set of drover.yaml, which has none"
      : `${names.length === 1 ? "" : "one of "}${names.join(", ")}`;
  return [complain(app.file, ["routes", index, "lb"], `expected ${expected}, got ${quote(route.lb)}${hint}`)];
}
