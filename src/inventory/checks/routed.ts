import type { Balancing, Route } from "../../model/fleet.ts";
import type { Path } from "../places.ts";
import type { YamlFile } from "../yaml.ts";
import type { World } from "./world.ts";

/** Something that routes lead to, and where they are written: an app, or what a balancer set follows. */
export interface Routed {
  readonly file: YamlFile;
  /** Undefined where its name could not be read. */
  readonly name: string | undefined;
  /** To what says all of it; empty where that is the whole file. */
  readonly at: Path;
  readonly kind: "an app" | "a followed service";
  readonly routes: readonly Route[];
  readonly balancing: Balancing | undefined;
}

/** Everything that routes lead to: the apps first, then what is followed. */
export function routedIn({ apps, balancers, drover }: World): readonly Routed[] {
  const deployed = apps.map(({ file, fields }): Routed => {
    const { app: name, routes = [], balancing } = fields;
    return { file, name, at: [], kind: "an app", routes, balancing };
  });
  const followed = (balancers ?? []).flatMap(({ name: lb, fields }) =>
    fields.follow.map(({ name, routes, balancing }): Routed => {
      const at = ["loadBalancers", lb, "follow", name];
      const own = routes.map((route) => ({ ...route, lb }));
      return { file: drover.file, name, at, kind: "a followed service", routes: own, balancing };
    }),
  );
  return [...deployed, ...followed];
}
