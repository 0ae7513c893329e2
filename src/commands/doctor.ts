import { firewallFact } from "../firewall/facts.ts";
import { lbFact } from "../lb/facts.ts";
import type { Topology } from "../model/topology.ts";
import { vipFact } from "../vip/facts.ts";
import type { PartFacts } from "../plan/verify/doctor-packages.ts";
import { partDiagnoses, stoppedServers } from "../plan/verify/doctor-packages.ts";
import { checkedName } from "../discovery/names.ts";
import { gather } from "../exec/gather.ts";
import type { ZoneRef } from "../model/discovery.ts";
import type { DnsProbed, DnsServer } from "../model/dns.ts";
import type { Fact, Observation } from "../model/fact.ts";
import type { Known } from "../model/known.ts";
import { known } from "../model/known.ts";
import { namedFact } from "../named/facts.ts";
import { clockFact, secondsAhead } from "../plan/clock.ts";
import { readFact } from "../plan/observe.ts";
import { serversOf } from "../plan/verify/dns-account.ts";
import type { Diagnosis, HostHealth, Reached } from "../plan/verify/doctor.ts";
import { hostDiagnoses, stateDiagnosis, zoneDiagnoses } from "../plan/verify/doctor.ts";
import { platformFact } from "../release/platform.ts";
import { doctorCode, doctorLines } from "../report/doctor.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { several } from "../report/words.ts";
import type { Context } from "./context.ts";
import type { ZoneKey } from "./dns-key.ts";
import { readFleet } from "./fleet-files.ts";
import type { Connected } from "./survey.ts";
import { findDns } from "./survey-dns.ts";
import { withWorld } from "./with-world.ts";
import type { ZoneSurvey } from "./zone-survey.ts";

/** Milliseconds in which a DNS server of the zone should have answered, connection and all. */
const SOON = 2000;
/** Nothing of drover's is called so, and no host can be: a record that is added and taken away in one message. */
const PROBE = "_drover-doctor";

/** `drover doctor`: whether everything is there that drover needs. Changes nothing, but tries whether it could. */
export async function doctorCommand(context: Context): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const { fleet, topology } = files;
  return await withWorld(context, files, async (connected) => {
    const { hosts, survey } = await askHosts(context, connected);
    const count = `${several(topology.hosts.length, "host")}, ${several(topology.apps.length, "app")}`;
    const diagnoses: readonly Diagnosis[] = [
      { subject: "files", kind: "ok", message: `the files of ${fleet.name} are valid: ${count}`, hint: "" },
      ...hosts.flatMap(({ health, parts }) => diagnosesOf(topology, health, parts)),
      stateDiagnosis(topology.state.host, survey.state),
      ...(await lookAtDns(context, connected, survey)),
    ];
    if (context.options.output === "json") context.print.line(JSON.stringify({ checks: diagnoses }));
    else for (const line of doctorLines(diagnoses)) context.print.line(line);
    return doctorCode(diagnoses);
  });
}

/** A host that is away lacks nothing that anybody could know of. */
function diagnosesOf(topology: Topology, health: HostHealth, parts: PartFacts): readonly Diagnosis[] {
  const isHere = health.platform.kind === "known";
  return [...hostDiagnoses(health), ...(isHere ? partDiagnoses(health.host, topology, parts) : [])];
}

/** One host as it told. */
interface Asked {
  readonly health: HostHealth;
  readonly parts: PartFacts;
}

/** Asks every host, one exec each, all at once. */
async function askHosts(
  context: Context,
  { topology, transport, store }: Connected,
): Promise<{ readonly hosts: readonly Asked[]; readonly survey: ZoneSurvey }> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const balancers = new Set(topology.balancers.flatMap((set) => set.hosts));
  const firewall = topology.firewall === null ? null : firewallFact(true);
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    platformFact,
    clockFact,
    namedFact,
    ...(balancers.has(host) ? [lbFact, vipFact] : []),
    ...(firewall === null ? [] : [firewall]),
    ...(host === topology.state.host ? [store.fact] : []),
  ];
  const asked = await Promise.all(
    topology.hosts.map(async ({ name }) => {
      const from = context.clock.now();
      const observation = await gather(name, factsOf(name), transport, limits);
      return { name, observation, from, to: context.clock.now() };
    }),
  );
  const observations = new Map(asked.map(({ name, observation }): [string, Observation] => [name, observation]));
  const hosts = asked.map(({ name: host, observation, ...span }): Asked => {
    const clock = readFact(clockFact, host, observation);
    const skew: Known<number> = clock.kind === "unknown" ? clock : known(secondsAhead(clock.value, span));
    const parts = {
      named: readFact(namedFact, host, observation),
      lb: balancers.has(host) ? readFact(lbFact, host, observation) : null,
      vip: balancers.has(host) ? readFact(vipFact, host, observation) : null,
      firewall: firewall === null ? null : readFact(firewall, host, observation),
    };
    return { health: { host, platform: readFact(platformFact, host, observation), skew }, parts };
  });
  const views = hosts.map(({ health, parts }) => [health.host, parts] as const);
  const { host } = topology.state;
  return { hosts, survey: { views: new Map(views), state: readFact(store.fact, host, observations.get(host)) } };
}

/** The zone and its servers; nothing where no zone is written to. */
async function lookAtDns(context: Context, connected: Connected, survey: ZoneSurvey): Promise<readonly Diagnosis[]> {
  const { state } = survey;
  const fleetKey = state.kind === "known" ? state.value.fingerprintKey : null;
  const { input, key } = await findDns(context, connected, { survey, fleetKey });
  if (input === null) return [];
  const { zone, view } = input;
  const looked = { topology: connected.topology, zone, view, state };
  const reached = await Promise.all(serversOf(view).map(({ server }) => reach(context, connected, { zone, server })));
  const isThere = reached[0]?.why === null;
  const probed = key === null || !isThere ? null : await probe(context, connected, { zone, key });
  return zoneDiagnoses({ looked, reached, probed, stopped: stoppedServers(survey.views) });
}

async function reach(
  { interrupts }: Context,
  { dns }: Connected,
  { zone, server }: { readonly zone: ZoneRef; readonly server: DnsServer },
): Promise<Reached> {
  const limits = { deadline: SOON, signal: interrupts.stop };
  const queried = await dns.query(server, [{ name: zone.zone, type: "SOA" }], limits);
  return { server: server.name, why: queried.kind === "failed" ? queried.failure : null };
}

async function probe(
  { options, interrupts }: Context,
  { dns }: Connected,
  { zone, key }: { readonly zone: ZoneRef; readonly key: ZoneKey },
): Promise<DnsProbed> {
  const limits = { deadline: options.timeout, signal: interrupts.stop };
  const name = checkedName(`${PROBE}.${zone.zone}`);
  return await dns.probe(zone.servers.primary, zone.zone, name, key.key, limits);
}
