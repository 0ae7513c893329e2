import type { DnsServer } from "../model/dns.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import type { ServiceLedger } from "../model/discovery.ts";
import type { Topology } from "../model/topology.ts";
import { addressesOf, serviceOf, zoneRef } from "../discovery/desired.ts";
import type { DnsView, NamesAsked, ServerView, ZoneFacts } from "../discovery/facts.ts";
import { EMPTY_ZONE, furtherQuestions, questionsOf, readZone } from "../discovery/facts.ts";
import type { DnsInput, HostView } from "../plan/input.ts";
import type { Context } from "./context.ts";
import type { ZoneKey } from "./dns-key.ts";
import { zoneKey } from "./dns-key.ts";
import type { Connected, Survey } from "./survey.ts";

/** The zone as it was found, and what it takes to write to it; both null where no zone is written to. */
export interface DnsFound {
  readonly input: DnsInput | null;
  /** Also null before the fleet has a key to make it from. */
  readonly key: ZoneKey | null;
}

/** Asks the zone's servers and reads its key. Throws a DroverError when the key's secret cannot be read. */
export async function findDns(
  context: Context,
  connected: Connected,
  { survey, fleetKey }: { readonly survey: Survey; readonly fleetKey: string | null },
): Promise<DnsFound> {
  const zone = zoneRef(connected.topology);
  if (zone === null) return { input: null, key: null };
  const [view, key] = await Promise.all([
    observeDns(context, connected, survey),
    zoneKey(context, connected.topology, fleetKey),
  ]);
  const fingerprint = key?.base64.fingerprint(fleetKey ?? "") ?? "";
  return { input: view === null ? null : { zone, view, fingerprint }, key };
}

/** What every server of the zone answers; null where no zone is written to. */
export async function observeDns(context: Context, connected: Connected, survey: Survey): Promise<DnsView | null> {
  const zone = zoneRef(connected.topology);
  if (zone === null) return null;
  const state = survey.state.kind === "known" ? survey.state.value : null;
  const names = namesOf(connected.topology, state?.services ?? null);
  const see = async (server: DnsServer): Promise<ServerView> => ({
    server,
    facts: isSetUp(server, connected.topology, survey)
      ? await ask(server, names, { context, connected })
      : known(EMPTY_ZONE),
  });
  const [primary, ...secondaries] = await Promise.all([zone.servers.primary, ...zone.servers.secondaries].map(see));
  return primary === undefined ? null : { primary, secondaries };
}

/** Apps and hosts of the files, and whatever else drover may have written into this zone. */
function namesOf(topology: Topology, ledger: ServiceLedger | null): NamesAsked {
  const zone = topology.dns?.zone?.name ?? "";
  const remembered = (ledger?.entries ?? []).filter((entry) => entry.zone === zone);
  const apps = topology.apps.map((app) => ({ app: app.name, sets: setsOf(serviceOf(topology, app)) }));
  const former = remembered.filter(({ kind, name }) => kind === "app" && !apps.some(({ app }) => app === name));
  const hosts = new Set([
    ...topology.hosts.map(({ name }) => name),
    ...addressesOf(topology).map(({ host }) => host),
    ...remembered.filter(({ kind }) => kind === "host").map(({ name }) => name),
  ]);
  return { zone, apps: [...apps, ...former.map(({ name }) => ({ app: name, sets: [] }))], hosts: [...hosts] };
}

function setsOf(service: ReturnType<typeof serviceOf>): readonly string[] {
  return [...new Set((service?.hosts ?? []).flatMap(({ endpoints }) => endpoints.map(({ set }) => set)))];
}

/** A server that drover is to set up and has not yet answers for nothing, and nobody needs to be asked. */
function isSetUp({ name }: DnsServer, { dns }: Topology, { views }: Survey): boolean {
  if (dns?.servers.kind !== "hosts") return true;
  const named: HostView["named"] | undefined = views.get(name)?.named;
  return named?.kind !== "known" || named.value.manifest?.model.zone === dns.zone?.name;
}

async function ask(
  server: DnsServer,
  names: NamesAsked,
  { context, connected }: { readonly context: Context; readonly connected: Connected },
): Promise<Known<ZoneFacts>> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const first = questionsOf(names);
  const told = await connected.dns.query(server, first, limits);
  if (told.kind === "failed") return unknown(told.failure);
  // Sets that the files name no more are told of by the owner records alone.
  const more = furtherQuestions(names, told.replies);
  const further = more.length === 0 ? told : await connected.dns.query(server, more, limits);
  if (further.kind === "failed") return unknown(further.failure);
  if (more.length === 0) return readZone(server, names, told.replies, []);
  return readZone(server, names, told.replies, further.replies);
}
