import type { Diagnostic } from "../../model/fleet.ts";
import type { DnsSettings } from "../../model/zone.ts";
import { canonicalServer } from "../addresses.ts";
import { quote } from "../describe.ts";
import { complain, complainAtKey, formatPlace, placeOf } from "../diagnostics.ts";
import { DNS_PORT } from "../schema/dns.ts";
import { DNS_NAME } from "../names.ts";
import { readSelector } from "../selector/read.ts";
import { spotKey } from "../places.ts";
import { portsOfApp } from "./app-ports.ts";
import { checkSelector } from "./selectors.ts";
import type { PlacedApp, PlacedBalancer, World } from "./world.ts";

/** RFC 1035 §3.1: 255 octets, which is this many characters of a name without its final dot. */
const LONGEST_NAME = 253;

/** Where BIND listens: for questions, and for rndc. */
const BIND_PORTS: readonly number[] = [DNS_PORT, 953];

/** Servers are there, and apps are weighed on hosts that are; with a zone, all names of the fleet fit into it. */
export function checkDns(world: World): readonly Diagnostic[] {
  const { dns = null } = world.drover.fields;
  return [...(dns === null ? [] : checkBlock(world, dns)), ...world.apps.flatMap((app) => checkSrv(world, app))];
}

function checkBlock(world: World, { servers, zone }: DnsSettings): readonly Diagnostic[] {
  const selector = servers.kind === "hosts" ? checkServers(world, servers.selector) : [];
  if (zone === null) return selector;
  const own = servers.kind === "hosts" ? serversOf(world, servers.selector) : [];
  return [
    ...selector,
    ...world.hosts.flatMap((host) => checkHostName(world, host)),
    ...checkLength(world, zone.name),
    ...checkForwarders(world, zone.forwarders, own),
    ...(world.balancers ?? []).flatMap((set) => checkPorts(world, set, own)),
  ];
}

/** An address by itself reads as a selector, of a tag that nobody has. */
function checkServers(world: World, text: string): readonly Diagnostic[] {
  const { file } = world.drover;
  const path = ["dns", "servers"];
  if (canonicalServer(text, DNS_PORT) === null) return checkSelector(world, { file, path }, text);
  return [complain(file, path, `expected a list of addresses, [${quote(text)}], got ${quote(text)} alone`)];
}

/** The hosts that are set up as servers; none where the selector is wrong. */
function serversOf(world: World, text: string): readonly string[] {
  return world.select(readSelector(world.drover.file, ["dns", "servers"], text).selector) ?? [];
}

function checkHostName({ drover }: World, { name, at }: World["hosts"][number]): readonly Diagnostic[] {
  if (DNS_NAME.test(name)) return [];
  const where = formatPlace(placeOf(drover.file, ["dns", "zone"]));
  const expected = `a name that fits the zone (${where}), in which no label starts or ends with a dash`;
  return [complainAtKey(at.file, at.path, `expected ${expected}, got ${quote(name)}`)];
}

/** Labels always fit: names of hosts, apps and ports are shorter than one may be, with an underscore too. */
function checkLength({ drover, hosts, apps }: World, zone: string): readonly Diagnostic[] {
  const names = [...hosts.map(({ name }) => `_drover.${name}`), ...apps.flatMap(namesOfApp)];
  const longest = names.reduce((most, name) => (name.length > most.length ? name : most), "");
  const room = LONGEST_NAME - longest.length - 1;
  if (zone.length <= room) return [];
  const expected = `a zone of at most ${String(room)} characters, which leaves room for ${longest}`;
  return [complain(drover.file, ["dns", "zone"], `expected ${expected}, got one of ${String(zone.length)}`)];
}

/** Below the zone: an app's record sets, and the record that says whose they are. */
function namesOfApp(app: PlacedApp): readonly string[] {
  const { app: own = "" } = app.fields;
  const sets = portsOfApp(app).map(({ name, protocol, path: [key] }) =>
    key === "port" ? `_${own}._tcp` : `_${name}._${protocol}.${own}`,
  );
  return sets.length === 0 ? [] : [`_drover._${own}._tcp`, ...sets];
}

/** A server that sends what it does not know to itself, or in a circle, answers nobody. */
function checkForwarders(
  { drover, hosts }: World,
  forwarders: readonly string[],
  own: readonly string[],
): readonly Diagnostic[] {
  return forwarders.flatMap((address, index) => {
    const host = hosts.find(({ name, addresses }) => own.includes(name) && addresses?.includes(address) === true);
    if (host === undefined) return [];
    const got = `${address} of ${host.name}, which is one of them`;
    return [
      complain(drover.file, ["dns", "forwarders", index], `expected a server besides the fleet's own, got ${got}`),
    ];
  });
}

/** BIND listens on every address, and so does HAProxy: on a host that is both, one would keep the other from starting. */
function checkPorts(world: World, { name, on, fields }: PlacedBalancer, own: readonly string[]): readonly Diagnostic[] {
  const shared = (on ?? []).filter((host) => own.includes(host));
  if (shared.length === 0) return [];
  const { drover, apps } = world;
  const got = (port: number): string => {
    const where = formatPlace(placeOf(drover.file, ["dns", "servers"]));
    return `expected a free port, got ${String(port)}, which DNS (${where}) has on ${shared.join(", ")}`;
  };
  const port = fields.settings.metrics?.port ?? 0;
  return [
    ...(BIND_PORTS.includes(port)
      ? [complain(drover.file, ["loadBalancers", name, "metrics", "port"], got(port))]
      : []),
    ...apps.flatMap((app) =>
      (app.fields.routes ?? []).flatMap((route, index) =>
        route.kind === "port" && route.lb === name && BIND_PORTS.includes(route.port)
          ? [complain(app.file, ["routes", index, "port"], got(route.port))]
          : [],
      ),
    ),
  ];
}

function checkSrv(world: World, app: PlacedApp): readonly Diagnostic[] {
  const { srv, port, ports } = app.fields;
  const { file } = app;
  const selectors = (srv?.weights ?? []).flatMap(({ selector }, index) =>
    checkSelector(world, { file, path: ["srv", "weights", index, "hosts"] }, selector),
  );
  // No port, no SRV record, and nothing to weigh.
  if (port !== null || ports?.length !== 0 || !file.spots.has(spotKey(["srv"]))) return selectors;
  return [...selectors, complainAtKey(file, ["srv"], "expected an app with a port, got one without")];
}
