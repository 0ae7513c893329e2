import type { Endpoint, HostAddresses, ZoneRef } from "../../model/discovery.ts";
import type { Failure } from "../../model/errors.ts";
import type { Known } from "../../model/known.ts";
import type { HostDrain, StateFacts } from "../../model/ports.ts";
import type { Topology } from "../../model/topology.ts";
import type { AppService } from "../../discovery/desired.ts";
import { addressTtlOf, addressesOf, serviceOf } from "../../discovery/desired.ts";
import type { Lag } from "../../discovery/diff.ts";
import { lagOf } from "../../discovery/diff.ts";
import type { AppRecords, DnsView, HostRecords, ServerView } from "../../discovery/facts.ts";
import { EMPTY_ZONE } from "../../discovery/facts.ts";
import { hostName, hostOfName, setName } from "../../discovery/names.ts";
import type { OwnerState } from "../../discovery/owner.ts";
import type { Told } from "./dns-answers.ts";
import { toldAddresses, toldRecord } from "./dns-answers.ts";

/** The zone as files, operators and open rollouts want it, beside what each of its servers says. */

/** Whether something is to be in DNS, and on whose word. */
export type Place =
  | { readonly kind: "in" }
  /** Somebody took the host out. */
  | { readonly kind: "drained"; readonly drain: HostDrain }
  /** An open rollout decides: it may be in or out. */
  | { readonly kind: "open"; readonly rollout: string }
  /** No file wants it. */
  | { readonly kind: "unwanted" }
  /** The state host did not tell whether it is drained. */
  | { readonly kind: "unknown" };

/** One instance in one set, or one host's addresses. */
export interface Row {
  /** A host's name; of records that name none, their target. */
  readonly who: string;
  readonly place: Place;
  /** In the order of the servers. */
  readonly told: readonly Told[];
}

/** One record set of an app. */
export interface SetAccount {
  /** The whole name. */
  readonly name: string;
  readonly set: string;
  readonly rows: readonly Row[];
}

/** Whose something is, as the primary says. */
export type OwnerAccount =
  | { readonly kind: "none" | "unknown" }
  /** `run`, `epoch`: who wrote it last. */
  | { readonly kind: "ours"; readonly revision: number; readonly epoch: number; readonly run: string }
  /** Null: nobody that drover knows. */
  | { readonly kind: "foreign"; readonly owner: string | null };

/** One app, with all that is or should be in DNS of it. */
export interface AppAccount {
  readonly app: string;
  /** Whether the files publish it. */
  readonly wanted: boolean;
  readonly owner: OwnerAccount;
  readonly sets: readonly SetAccount[];
}

/** One host's addresses. */
export interface HostAccount extends Row {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly owner: OwnerAccount;
}

/** One server of the zone. */
export interface ServerAccount {
  readonly server: string;
  readonly address: string;
  readonly port: number;
  readonly role: "primary" | "secondary";
  /** Null: unknown, or not set up yet. */
  readonly serial: number | null;
  /** Changes that it does not have yet; null: unknown. Of the primary 0. */
  readonly behind: number | null;
  /** Apps and hosts that it tells otherwise than the primary, in words. */
  readonly otherwise: readonly string[];
  /** False where drover is to set it up, and has not. */
  readonly setUp: boolean;
  /** Why it is not known what it says. */
  readonly why: Failure | null;
}

/** Everything about a zone. */
export interface ZoneAccount {
  readonly zone: string;
  readonly fleet: string;
  readonly servers: readonly ServerAccount[];
  readonly apps: readonly AppAccount[];
  readonly hosts: readonly HostAccount[];
}

/** What is known of a zone. */
export interface Looked {
  readonly topology: Topology;
  readonly zone: ZoneRef;
  readonly view: DnsView;
  readonly state: Known<Pick<StateFacts, "drains" | "open">>;
}

/** All servers, the primary first. */
export function serversOf({ primary, secondaries }: DnsView): readonly ServerView[] {
  return [primary, ...secondaries];
}

/** Puts together what is wanted and what was told. Apps by name, hosts in the order of the inventory. */
export function zoneAccount(looked: Looked): ZoneAccount {
  const { zone, view } = looked;
  return {
    zone: zone.zone,
    fleet: zone.owner,
    servers: serverAccounts(view),
    apps: appNames(looked).map((app) => appAccount(app, looked)),
    hosts: hostAccounts(looked),
  };
}

function serverAccounts(view: DnsView): readonly ServerAccount[] {
  const lags = lagOf(view);
  return serversOf(view).map((each, index): ServerAccount => {
    const { name: server, address, port } = each.server;
    const lag = lags.find((one) => one.view === each) ?? null;
    const role = index === 0 ? "primary" : "secondary";
    return { server, address, port, role, ...standOf(each, lag) };
  });
}

/** `lag`: of a secondary. */
function standOf({ facts }: ServerView, lag: Lag | null): Omit<ServerAccount, "server" | "address" | "port" | "role"> {
  const otherwise = lag?.reasons ?? [];
  if (facts.kind === "unknown") return { serial: null, behind: null, otherwise, setUp: true, why: facts.why };
  const setUp = facts.value !== EMPTY_ZONE;
  const isKnown = lag === null || lag.unknown === null;
  const behind = isKnown ? (lag?.behind ?? 0) : null;
  return { serial: setUp ? facts.value.serial : null, behind, otherwise, setUp, why: null };
}

/** What a server says of an app; null: it says nothing at all. */
function recordsOn({ facts }: ServerView, app: string): AppRecords | null {
  return facts.kind === "known" ? (facts.value.apps.get(app) ?? null) : null;
}

function isThere({ owner, sets, aliases }: AppRecords): boolean {
  return owner.kind !== "none" || sets.size + aliases.size > 0;
}

function appNames({ topology, view }: Looked): readonly string[] {
  const wanted = topology.apps.filter((app) => serviceOf(topology, app) !== null).map(({ name }) => name);
  const found = serversOf(view).flatMap(({ facts }) =>
    facts.kind === "known" ? [...facts.value.apps.values()].filter(isThere).map(({ app }) => app) : [],
  );
  return [...new Set([...wanted, ...found])].toSorted();
}

function appAccount(app: string, looked: Looked): AppAccount {
  const { topology, view } = looked;
  const file = topology.apps.find(({ name }) => name === app);
  const service = file === undefined ? null : serviceOf(topology, file);
  const found = serversOf(view).flatMap((each) => recordsOn(each, app) ?? []);
  const sets = new Set([
    ...(service?.hosts ?? []).flatMap(({ endpoints }) => endpoints.map(({ set }) => set)),
    ...found.flatMap((each) => [...each.sets.keys(), ...each.aliases.keys()]),
  ]);
  const { facts } = view.primary;
  return {
    app,
    wanted: service !== null,
    owner: facts.kind === "unknown" ? { kind: "unknown" } : ownerAccount(facts.value.apps.get(app)?.owner),
    sets: [...sets].map((set) => setAccount(set, { app, service }, looked)),
  };
}

function ownerAccount(owner: OwnerState = { kind: "none" }): OwnerAccount {
  switch (owner.kind) {
    case "none":
      return { kind: "none" };
    case "ours": {
      const { revision, epoch, run } = owner.record;
      return { kind: "ours", revision, epoch, run };
    }
    case "foreign":
      return { kind: "foreign", owner: owner.owner };
  }
}

interface Subject {
  readonly app: string;
  readonly service: AppService | null;
}

function setAccount(set: string, { app, service }: Subject, looked: Looked): SetAccount {
  const { zone, view } = looked;
  const wanted = (service?.hosts ?? []).flatMap(({ host, endpoints }) =>
    endpoints.filter((each) => each.set === set).map((endpoint): [string, Endpoint] => [host, endpoint]),
  );
  const records = serversOf(view).map((each) => {
    return each.facts.kind === "unknown" ? null : recordsIn(recordsOn(each, app), set, zone.zone);
  });
  const found = records.flatMap((each) => [...(each?.records.keys() ?? [])]);
  const goals = new Map(wanted);
  const row = (who: string): Row => ({
    who,
    place: goals.has(who) ? placeOf(app, who, looked) : strangerIn(app, looked),
    told: serversOf(view).map(({ server }, index) =>
      toldRecord(
        server.name,
        { wanted: goals.get(who) ?? null, ttl: service?.ttl ?? 0 },
        records[index]?.of(who) ?? null,
      ),
    ),
  });
  return { name: setName(set, zone.zone), set, rows: [...new Set([...goals.keys(), ...found.toSorted()])].map(row) };
}

/** The records of one set by host, or by target where that is none of the zone's. */
function recordsIn(found: AppRecords | null, set: string, zone: string): RecordsIn {
  const all = found?.sets.get(set)?.records ?? [];
  const records = Map.groupBy(all, ({ target }) => hostOfName(target, zone) ?? target);
  const alias = found?.aliases.get(set) ?? null;
  return { records, of: (who) => ({ records: records.get(who) ?? [], alias }) };
}

interface RecordsIn {
  readonly records: ReadonlyMap<string, AppRecords["odd"]>;
  readonly of: (who: string) => { readonly records: AppRecords["odd"]; readonly alias: string | null };
}

/** Whether an instance that the files want is to be in DNS. */
function placeOf(app: string, host: string, { state }: Looked): Place {
  if (state.kind === "unknown") return { kind: "unknown" };
  const drain = state.value.drains[host];
  if (drain !== undefined) return { kind: "drained", drain };
  const rollout = state.value.open[app];
  return rollout === undefined ? { kind: "in" } : { kind: "open", rollout };
}

/** One that the files do not want; an open rollout may not have taken it out yet. */
function strangerIn(app: string, { state }: Looked): Place {
  const rollout = state.kind === "known" ? state.value.open[app] : undefined;
  return rollout === undefined ? { kind: "unwanted" } : { kind: "open", rollout };
}

function hostAccounts({ topology, zone, view }: Looked): readonly HostAccount[] {
  const wanted = new Map(addressesOf(topology).map((each) => [each.host, each]));
  const found = serversOf(view).flatMap(({ facts }) =>
    facts.kind === "known" ? [...facts.value.hosts.values()].filter(isHostThere).map(({ host }) => host) : [],
  );
  const ttl = addressTtlOf(topology);
  return [...new Set([...wanted.keys(), ...found])].map((host): HostAccount => {
    const goal: HostAddresses | null = wanted.get(host) ?? null;
    const { facts } = view.primary;
    return {
      who: host,
      name: hostName(host, zone.zone),
      place: goal === null ? { kind: "unwanted" } : { kind: "in" },
      addresses: goal?.addresses ?? [],
      owner: facts.kind === "unknown" ? { kind: "unknown" } : ownerAccount(facts.value.hosts.get(host)?.owner),
      told: serversOf(view).map((each) =>
        toldAddresses(
          each.server.name,
          { wanted: goal, ttl },
          each.facts.kind === "unknown" ? null : hostOn(each, host),
        ),
      ),
    };
  });
}

function isHostThere({ owner, records, alias }: HostRecords): boolean {
  return owner.kind !== "none" || records.length > 0 || alias !== null;
}

function hostOn({ facts }: ServerView, host: string): { readonly found: HostRecords | null } {
  return { found: facts.kind === "known" ? (facts.value.hosts.get(host) ?? null) : null };
}
