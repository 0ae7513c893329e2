import type { Diagnostic, Fleet, Host } from "../model/fleet.ts";
import type { Topology } from "../model/topology.ts";
import { formatDiagnostic } from "../inventory/diagnostics.ts";
import { loadFleet } from "../inventory/load.ts";
import { compileTopology } from "../inventory/topology.ts";
import type { Context } from "./context.ts";

/** The files as they are, or as they would be with another release for one app. */
export interface FleetFiles {
  readonly fleet: Fleet;
  readonly topology: Topology;
}

/** The hosts as far as they are not in doubt; the topology where nothing is wrong. */
export interface Inventory {
  readonly hosts: readonly Host[];
  readonly topology: Topology | null;
  readonly errors: readonly Diagnostic[];
}

/** What an app's release is to become, for this run. */
export interface ReleaseOverride {
  readonly app: string;
  readonly release: string;
}

/** Loads and checks all files; null after having printed every error. */
export async function readFleet(context: Context, override: ReleaseOverride | null): Promise<FleetFiles | null> {
  const loaded = await load(context, override);
  if (loaded.kind === "ok") return { fleet: loaded.fleet, topology: compileTopology(loaded.fleet) };
  if (context.options.output === "json") context.print.line(JSON.stringify({ errors: loaded.diagnostics }));
  else for (const line of errorLines(loaded.diagnostics)) context.print.line(line);
  return null;
}

/** The inventory, also of a fleet with mistakes elsewhere: there it helps to correct a selector. */
export async function readHosts(context: Context): Promise<Inventory> {
  const loaded = await load(context, null);
  if (loaded.kind === "invalid") return { hosts: loaded.hosts, topology: null, errors: loaded.diagnostics };
  return { hosts: loaded.fleet.hosts, topology: compileTopology(loaded.fleet), errors: [] };
}

/** Every error of the files as a person reads it, and how many there are. */
export function errorLines(errors: readonly Diagnostic[]): readonly string[] {
  const count = `${String(errors.length)} error${errors.length === 1 ? "" : "s"}`;
  return [...errors.map(formatDiagnostic), `${count} in the fleet's files; nothing was done`];
}

function load(context: Context, override: ReleaseOverride | null): ReturnType<typeof loadFleet> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const options = { limits, folder: context.folder };
  return loadFleet(context.files, override === null ? options : { ...options, release: override });
}
