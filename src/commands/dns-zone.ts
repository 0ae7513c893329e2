import { failure } from "../model/errors.ts";
import type { Topology } from "../model/topology.ts";
import type { Looked } from "../plan/verify/dns-account.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import type { Connected } from "./survey.ts";
import { lookAtZone } from "./survey-dns.ts";
import { tellFailure } from "./tell.ts";
import { withWorld } from "./with-world.ts";
import { surveyZone } from "./zone-survey.ts";

/** Whether apps are published anywhere; says so where they are not, with what to do instead. */
export function hasZone(
  context: Context,
  { dns }: Pick<Topology, "dns">,
  hint = "docs/service-discovery.md says how",
): boolean {
  if (dns !== null && dns.zone !== null) return true;
  tellFailure(context, failure("usage", "drover.yaml names no dns.zone: nothing is published", hint));
  return false;
}

/** Reads the files, asks the state host and the zone's servers, and gives it all to `use`. Changes nothing. */
export async function withZone(
  context: Context,
  use: (looked: Looked, connected: Connected) => Promise<number>,
): Promise<number> {
  const files: FleetFiles | null = await readFleet(context, null);
  if (files === null || !hasZone(context, files.topology)) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const { topology } = connected;
    const survey = await surveyZone(context, connected);
    const seen = await lookAtZone(context, connected, survey);
    if (seen === null) return EXIT_CODE.usage;
    return await use({ topology, ...seen, state: survey.state }, connected);
  });
}
