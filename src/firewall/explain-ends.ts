import type { NamedPort } from "../model/fleet.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";
import { addressesByHost } from "./addresses.ts";
import { bitsOf, isWithin } from "./evaluate.ts";

/** One machine at an end of a flow. */
export interface ExplainedEnd {
  /** Null: not a host of the fleet, what it does is not ours. */
  readonly host: string | null;
  /** Those it is spoken of by: the one that was asked for, or all its own; a VIP only where it was asked for. */
  readonly addresses: readonly string[];
}

/** What was asked for at one end, found in the fleet. */
export interface FoundEnd {
  readonly ends: readonly ExplainedEnd[];
  /** The app that was asked for: port names are its names alone. */
  readonly app: string | null;
}

/** One port as a packet has it. */
export interface FlowPort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** Port as it was asked for. */
export type AskedPort =
  | ({ readonly kind: "number" } & FlowPort)
  | { readonly kind: "name"; readonly protocol: "tcp" | "udp" | null; readonly name: string };

function ownAddresses(topology: Topology, host: string): readonly string[] {
  return topology.hosts.find(({ name }) => name === host)?.addresses ?? [];
}

function isLoopback(address: string): boolean {
  return isWithin(address, "127.0.0.0/8") || isWithin(address, "::1/128");
}

/** Whether an end is the machine itself, spoken to over its loopback. */
export function isLoopbackEnd({ host, addresses }: ExplainedEnd): boolean {
  return host === null && addresses.every(isLoopback);
}

function endsByAddress(topology: Topology, address: string): readonly ExplainedEnd[] {
  const owners = [...addressesByHost(topology)].filter(([, addresses]) =>
    addresses.some((own) => bitsOf(own) === bitsOf(address)),
  );
  if (owners.length === 0) return [{ host: null, addresses: [address] }];
  return owners.map(([host]) => ({ host, addresses: [address] }));
}

function endsByHost(topology: Topology, host: string): readonly ExplainedEnd[] | null {
  const addresses = ownAddresses(topology, host);
  return addresses.length === 0 ? null : [{ host, addresses }];
}

function endsByApp(app: TopologyApp, topology: Topology): readonly ExplainedEnd[] {
  return app.instances.map(({ host }) => ({ host, addresses: ownAddresses(topology, host) }));
}

/**
 * Finds what somebody calls one end of a flow: an address, a host or else an app; `host:NAME` and `app:NAME` where both
 * have the name. Null: there is nothing of that name.
 */
export function findEnd(topology: Topology, text: string): FoundEnd | null {
  if (bitsOf(text) !== null) return { ends: endsByAddress(topology, text), app: null };
  const [, kind, name = ""] = /^(?:(host|app):)?(.*)$/.exec(text) ?? [];
  const ends = kind === "app" ? null : endsByHost(topology, name);
  if (ends !== null) return { ends, app: null };
  const app = kind === "host" ? undefined : topology.apps.find((one) => one.name === name);
  return app === undefined ? null : { ends: endsByApp(app, topology), app: app.name };
}

/** Reads `5432`, `tcp/5432`, `udp/53`, `metrics`, `udp/syslog`; null for anything else. */
export function readPort(text: string): AskedPort | null {
  const [, written, rest = ""] = /^(?:(tcp|udp)\/)?([a-z0-9][a-z0-9-]*)$/.exec(text) ?? [];
  const protocol = written === "tcp" || written === "udp" ? written : null;
  if (/^[a-z]/.test(rest)) return { kind: "name", protocol, name: rest };
  const port = Number(rest);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  return { kind: "number", protocol: protocol ?? "tcp", port };
}

function portsOf({ name, port, ports }: TopologyApp): readonly NamedPort[] {
  return port === null ? ports : [...ports, { name, protocol: "tcp", port }];
}

/** What a port stands for at a destination: of the app that was asked for, or of all apps there. A name may be nothing's. */
export function portsAt(
  topology: Topology,
  asked: AskedPort,
  at: { readonly host: string | null; readonly app: string | null },
): readonly FlowPort[] {
  if (asked.kind === "number") return [{ protocol: asked.protocol, port: asked.port }];
  const apps = topology.apps.filter(
    ({ name, instances }) => (at.app === null || name === at.app) && instances.some(({ host }) => host === at.host),
  );
  const found = apps.flatMap(portsOf).filter(({ name, protocol }) => {
    return name === asked.name && (asked.protocol === null || asked.protocol === protocol);
  });
  return found.map(({ protocol, port }) => ({ protocol, port }));
}
