import type { Fleet } from "../model/fleet.ts";
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

/** What an app's release is to become, for this run. */
export interface ReleaseOverride {
  readonly app: string;
  readonly release: string;
}

/** Loads and checks all files; null after having printed every error. */
export async function readFleet(context: Context, override: ReleaseOverride | null): Promise<FleetFiles | null> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const loaded = await loadFleet(context.files, override === null ? { limits } : { limits, release: override });
  if (loaded.kind === "ok") return { fleet: loaded.fleet, topology: compileTopology(loaded.fleet) };
  if (context.options.output === "json") context.print.line(JSON.stringify({ errors: loaded.diagnostics }));
  else {
    for (const diagnostic of loaded.diagnostics) context.print.line(formatDiagnostic(diagnostic));
    const count = loaded.diagnostics.length;
    context.print.line(`${String(count)} error${count === 1 ? "" : "s"} in the fleet's files; nothing was done`);
  }
  return null;
}
