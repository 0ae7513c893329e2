import { failure } from "../model/errors.ts";
import type { ServiceSubject } from "../model/discovery.ts";
import type { Topology } from "../model/topology.ts";
import { suggest } from "../inventory/suggest.ts";
import { planAdoption } from "../plan/dns-adopt.ts";
import { namesWith } from "../plan/services-ledger.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import { changeZone } from "./dns-change.ts";
import { hasZone } from "./dns-zone.ts";
import { readFleet } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";
import { surveyZone } from "./zone-survey.ts";

/** `drover dns adopt NAME [--from FLEET]`: an app's or a host's records become this fleet's, exactly as they stand. */
export async function dnsAdoptCommand(
  context: Context,
  name: string,
  { from }: { readonly from: string | undefined },
): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null || !hasZone(context, files.topology)) return EXIT_CODE.usage;
  const { topology } = files;
  const subjects = subjectsCalled(name, topology);
  if (subjects.length === 0) return unknownName(context, name, topology);
  return await changeZone(context, files, {
    command: `drover dns adopt ${name}${from === undefined ? "" : ` --from ${from}`}`,
    look: surveyZone,
    decide: ({ dns, zone, state }) => {
      const plan = planAdoption({ topology, dns, zone, subjects, from: from ?? null });
      const names = namesWith(state.services, dns.zone.zone, plan.subjects);
      return { ...plan, before: names, after: null };
    },
  });
}

/** An app, a host, or both, where both are called so. */
function subjectsCalled(name: string, { apps, hosts }: Topology): readonly ServiceSubject[] {
  return [
    ...(apps.some((app) => app.name === name) ? [{ kind: "app", app: name } as const] : []),
    ...(hosts.some((host) => host.name === name) ? [{ kind: "host", host: name } as const] : []),
  ];
}

function unknownName(context: Context, name: string, { apps, hosts }: Topology): number {
  const near = suggest(
    name,
    [...apps, ...hosts].map((each) => each.name),
  );
  const hint = near === null ? "see what is there: drover dns show" : `did you mean ${near}?`;
  return tellFailure(context, failure("usage", `there is no app and no host ${JSON.stringify(name)}`, hint));
}
