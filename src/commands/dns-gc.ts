import type { ServiceLedger } from "../model/discovery.ts";
import { failure } from "../model/errors.ts";
import type { ZoneFacts } from "../discovery/facts.ts";
import { elsewhere, planGarbage } from "../plan/dns-gc.ts";
import { namesAfter, namesLeft, namesWith } from "../plan/services-ledger.ts";
import type { ZonePlan } from "../plan/dns-adopt.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import type { ZoneSeen } from "./dns-change.ts";
import { changeZone, nothingToDo, remember } from "./dns-change.ts";
import { hasZone } from "./dns-zone.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";
import type { Survey } from "./survey.ts";
import { acquire, observe, stateOf } from "./survey.ts";
import { withWorld } from "./with-world.ts";
import { surveyZone } from "./zone-survey.ts";
import type { Topology } from "../model/topology.ts";

const FORGET = "names that are remembered of a former zone are forgotten with: drover dns gc --forget ZONE";

/** What `dns gc` may do besides. */
interface Leave extends Allowed {
  /** Another zone, whose names need not be remembered any more. */
  readonly forget: string | undefined;
}

/** `drover dns gc`: takes out what drover wrote into the zone, no file publishes and no host runs any more. */
export async function dnsGcCommand(context: Context, { allowEmpty, forget }: Leave): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const { topology } = files;
  if (forget !== undefined && (topology.dns?.zone ?? null) === null) return await forgetZone(context, files, forget);
  if (!hasZone(context, topology, FORGET)) return EXIT_CODE.usage;
  if (forget === topology.dns?.zone?.name) {
    const says = `${forget} is the zone that drover writes to: its names are not forgotten`;
    return tellFailure(context, failure("usage", says, "drover dns gc takes out what is left over in it"));
  }
  return await changeZone(context, files, {
    command: `drover dns gc${allowEmpty ? " --allow-empty" : ""}`,
    look: observe,
    decide: ({ dns, zone, survey, state }: ZoneSeen<Survey>) => {
      const plan = planGarbage({ topology, dns, zone, views: survey.views, open: state.open, allowEmpty });
      const services = withoutZone(state.services, forget);
      return {
        ...plan,
        notes: [...plan.notes, ...forgotten(state.services, forget), ...elsewhere(services, dns.zone.zone)],
        before: namesWith(services, dns.zone.zone, plan.subjects),
        after: ledgerAfter(topology, services, { plan, zone, name: dns.zone.zone }),
      };
    },
  });
}

/** Of a fleet that writes to no zone: nobody is asked but the state host, and nothing else changes. */
async function forgetZone(context: Context, files: FleetFiles, zone: string): Promise<number> {
  return await withWorld(context, files, async (connected) => {
    const acquired = await acquire(context, connected.store, `dns gc --forget ${zone}`);
    if (acquired.kind === "failed") return tellFailure(context, acquired.failure);
    const { lease } = acquired;
    try {
      const { services } = stateOf(await surveyZone(context, connected));
      await remember({ lease, state: { services } }, withoutZone(services, zone));
      return nothingToDo(context, forgotten(services, zone));
    } finally {
      await lease.release();
    }
  });
}

function withoutZone(ledger: ServiceLedger | null, zone: string | undefined): ServiceLedger | null {
  return ledger === null ? null : { entries: ledger.entries.filter((entry) => entry.zone !== zone) };
}

/** What becomes of the names in a zone that are to be forgotten, in words. */
function forgotten(ledger: ServiceLedger | null, zone: string | undefined): readonly string[] {
  if (zone === undefined) return [];
  const entries = (ledger?.entries ?? []).filter((entry) => entry.zone === zone);
  if (entries.length === 0) return [`${zone}: drover remembers nothing there`];
  const names = entries.map(({ kind, name }) => `${kind} ${name}`).join(", ");
  return [`${zone}: ${names} there ${entries.length === 1 ? "is" : "are"} remembered no more`];
}

/** What may still be there: what the files want, and what the zone holds of ours and keeps. */
function ledgerAfter(
  topology: Topology,
  before: ServiceLedger | null,
  { plan, zone, name }: { readonly plan: ZonePlan; readonly zone: ZoneFacts; readonly name: string },
): ServiceLedger | null {
  if (before === null) return null;
  const wanted = new Set(namesAfter(topology, null)?.entries.map(({ kind, name: each }) => `${kind} ${each}`));
  const going = new Set(plan.subjects.map((each) => (each.kind === "app" ? `app ${each.app}` : `host ${each.host}`)));
  return namesLeft(before, name, (subject) => {
    const key = subject.kind === "app" ? `app ${subject.app}` : `host ${subject.host}`;
    const found = subject.kind === "app" ? zone.apps.get(subject.app) : zone.hosts.get(subject.host);
    return wanted.has(key) || (found?.owner.kind === "ours" && !going.has(key));
  });
}
