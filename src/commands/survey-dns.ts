import type { ServiceLedger, ZoneRef } from "../model/discovery.ts";
import type { DnsQuestion, DnsServer } from "../model/dns.ts";
import { known, unknown } from "../model/known.ts";
import type { Topology } from "../model/topology.ts";
import { addressesOf, serviceOf, zoneRef } from "../discovery/desired.ts";
import type { Exchange, ServerView, ZoneNames } from "../discovery/facts.ts";
import { EMPTY_ZONE, furtherQuestions, questionsOf, readZone } from "../discovery/facts.ts";
import type { DnsInput } from "../plan/input.ts";
import type { Context } from "./context.ts";
import type { ZoneKey } from "./dns-key.ts";
import { zoneKey } from "./dns-key.ts";
import type { Connected } from "./survey.ts";
import type { ZoneSurvey } from "./zone-survey.ts";

/** The zone as it was found, and what it takes to write to it; both null where no zone is written to. */
export interface DnsFound {
  readonly input: DnsInput | null;
  /** Also null before the fleet has a key to make it from. */
  readonly key: ZoneKey | null;
}

/** Before the fleet has a key there is nothing to tell keys apart by; servers are set up with the first lease. */
const NO_FINGERPRINT = "0".repeat(64);

/** Asks the zone's servers and reads its key. Throws a DroverError when the key's secret cannot be read. */
export async function findDns(
  context: Context,
  connected: Connected,
  { survey, fleetKey }: { readonly survey: ZoneSurvey; readonly fleetKey: string | null },
): Promise<DnsFound> {
  const [seen, key] = await Promise.all([
    lookAtZone(context, connected, survey),
    zoneKey(context, connected.topology, fleetKey),
  ]);
  if (seen === null) return { input: null, key: null };
  const fingerprint = key?.base64.fingerprint(fleetKey ?? "") ?? NO_FINGERPRINT;
  return { input: { ...seen, fingerprint }, key };
}

/** Asks every server of the zone for all that concerns the fleet; null where no zone is written to. */
export async function lookAtZone(
  context: Context,
  connected: Connected,
  survey: ZoneSurvey,
): Promise<Pick<DnsInput, "zone" | "view"> | null> {
  const zone = zoneRef(connected.topology);
  if (zone === null) return null;
  const look = lookAt(context, connected, { zone, survey });
  const [primary, secondaries] = await Promise.all([
    look(zone.servers.primary),
    Promise.all(zone.servers.secondaries.map(look)),
  ]);
  return { zone, view: { primary, secondaries } };
}

/** How one server of the zone is asked for everything that concerns the fleet. */
function lookAt(
  context: Context,
  connected: Connected,
  { zone, survey }: { readonly zone: ZoneRef; readonly survey: ZoneSurvey },
): (server: DnsServer) => Promise<ServerView> {
  const { topology, dns } = connected;
  const services = survey.state.kind === "known" ? survey.state.value.services : null;
  const names = namesOf(zone, topology, services);
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  return async (server) => {
    if (!isSetUp(server, topology, survey)) return { server, facts: known(EMPTY_ZONE) };
    const ask = async (questions: readonly DnsQuestion[]): Promise<Exchange> => {
      return { questions, queried: await dns.query(server, questions, limits) };
    };
    const first = await ask(questionsOf(zone, names));
    // Sets that the files name no more are told of by the owner records alone.
    const more = furtherQuestions(zone, [first]);
    const exchanges = more.length === 0 ? [first] : [first, await ask(more)];
    return { server, facts: withOwnHint(readZone(zone, server, exchanges), topology) };
  };
}

/** A server that drover sets up and that does not answer is drover's to put right. */
function withOwnHint(facts: ServerView["facts"], { dns }: Topology): ServerView["facts"] {
  if (facts.kind === "known" || facts.why.code !== "dns-unreachable" || dns?.servers.kind !== "hosts") return facts;
  return unknown({
    ...facts.why,
    hint: "drover plan tells whether BIND runs there; drover apply starts and repairs it",
  });
}

/** Apps and hosts of the files, and whatever else drover may have written into this zone. */
function namesOf({ zone }: ZoneRef, topology: Topology, ledger: ServiceLedger | null): ZoneNames {
  const remembered = (ledger?.entries ?? []).filter((entry) => entry.zone === zone);
  const apps = topology.apps.map((app) => ({ app: app.name, sets: setsOf(serviceOf(topology, app)) }));
  const former = remembered.filter(({ kind, name }) => kind === "app" && !apps.some(({ app }) => app === name));
  const hosts = new Set([
    ...addressesOf(topology).map(({ host }) => host),
    ...remembered.filter(({ kind }) => kind === "host").map(({ name }) => name),
  ]);
  return { apps: [...apps, ...former.map(({ name }) => ({ app: name, sets: [] }))], hosts: [...hosts] };
}

function setsOf(service: ReturnType<typeof serviceOf>): readonly string[] {
  return [...new Set((service?.hosts ?? []).flatMap(({ endpoints }) => endpoints.map(({ set }) => set)))];
}

/** A server that drover is to set up and has not yet answers for nothing, and nobody needs to be asked. */
function isSetUp({ name }: DnsServer, { dns }: Topology, { views }: ZoneSurvey): boolean {
  const named = views.get(name)?.named;
  if (dns?.servers.kind !== "hosts" || named?.kind !== "known") return true;
  const { manifest, copies } = named.value;
  if (manifest === null || manifest.model.zone !== dns.zone?.name) return false;
  // A secondary that becomes the primary goes on with its copy; without one it begins anew.
  const begins = dns.servers.hosts[0] === name && manifest.model.role === "secondary";
  return !begins || copies.includes(manifest.model.zone);
}
