import type { Diagnostic } from "../../model/fleet.ts";
import { complain, formatPlace, keyPlaceOf, placeOf } from "../diagnostics.ts";
import { BALANCER_PORTS } from "../schema/settings.ts";
import { portsOfApp } from "./app-ports.ts";
import { routedIn } from "./routed.ts";
import type { PlacedApp, PlacedBalancer, World } from "./world.ts";

/** A port that a set's balancers listen on, and where that is said. */
interface Taken {
  readonly port: number;
  readonly owner: string;
}

/**
 * An app leaves sshd its port; on a balancer host it leaves the balancer its ports too: HAProxy binds them on every
 * address, and a conflict would only show at a reload, where it is an outage.
 */
export function checkPorts(world: World): readonly Diagnostic[] {
  const onBalancers = (world.balancers ?? []).flatMap((set) => {
    const taken = portsOf(world, set);
    return [...checkMetrics(world, set), ...world.apps.flatMap((app) => checkApp(app, set, taken))];
  });
  return [...onBalancers, ...world.apps.flatMap((app) => checkSshd(world, app))];
}

/** sshd listens on every host. */
function checkSshd({ drover }: World, app: PlacedApp): readonly Diagnostic[] {
  const { ssh } = drover.fields;
  const owner = `sshd (${formatPlace(placeOf(drover.file, ["ssh", "port"]))})`;
  return portsOfApp(app)
    .filter(({ protocol, port }) => protocol === "tcp" && port === ssh?.port)
    .map(({ path, says }) =>
      complain(app.file, path, `expected a free port, got ${says}, which ${owner} has everywhere`),
    );
}

function checkMetrics({ drover }: World, { name, fields }: PlacedBalancer): readonly Diagnostic[] {
  const { ssh } = drover.fields;
  const { metrics } = fields.settings;
  if (ssh === undefined || metrics?.port !== ssh.port) return [];
  const path = ["loadBalancers", name, "metrics"];
  return [complain(drover.file, path, `expected a free port, got ${String(ssh.port)}, which sshd has there`)];
}

/** All that balancers listen on is tcp. */
function checkApp(app: PlacedApp, set: PlacedBalancer, taken: readonly Taken[]): readonly Diagnostic[] {
  const shared = (app.on ?? []).filter((host) => set.on?.includes(host));
  if (shared.length === 0) return [];
  return portsOfApp(app).flatMap(({ protocol, port, path, says }) => {
    const owner = protocol === "tcp" ? taken.find((each) => each.port === port)?.owner : undefined;
    if (owner === undefined) return [];
    return [complain(app.file, path, `expected a free port, got ${says}, which ${owner} has on ${shared.join(", ")}`)];
  });
}

function portsOf(world: World, { name, fields }: PlacedBalancer): readonly Taken[] {
  const { drover } = world;
  const set = formatPlace(keyPlaceOf(drover.file, ["loadBalancers", name]));
  const { metrics } = fields.settings;
  const routes = routedIn(world).flatMap((to) =>
    to.routes.flatMap((route, index): readonly Taken[] => {
      if (route.kind !== "port" || route.lb !== name) return [];
      const place = formatPlace(placeOf(to.file, [...to.at, "routes", index, "port"]));
      return [{ port: route.port, owner: `a route of ${to.name ?? "another app"} (${place})` }];
    }),
  );
  return [
    ...BALANCER_PORTS.map((port) => ({ port, owner: `the balancer set ${name} (${set})` })),
    ...(metrics === null ? [] : [{ port: metrics.port, owner: `the metrics endpoint of ${name} (${set})` }]),
    ...routes,
  ];
}
