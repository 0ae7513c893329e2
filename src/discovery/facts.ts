import type { DnsQueried, DnsQuestion, DnsRecord, DnsReply, DnsServer } from "../model/dns.ts";
import type { HostEndpoints, ZoneRef } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import {
  appOfSet,
  appOwnerName,
  belowZone,
  hostName,
  hostOfName,
  hostOwnerName,
  setName,
  subjectOfOwner,
} from "./names.ts";
import type { AddressRecord, SrvRecord } from "./normalize.ts";
import { hostsOfSets } from "./normalize.ts";
import type { OwnerState } from "./owner.ts";
import { readOwner } from "./owner.ts";

/** What is there of a record set of an app: at least one record. */
export interface FoundSet {
  /** In seconds; the longest, should they differ (RFC 2181 §5.2 forbids it). */
  readonly ttl: number;
  readonly records: readonly SrvRecord[];
}

/** All that a server says of an app. */
export interface AppRecords {
  readonly app: string;
  readonly owner: OwnerState;
  /** By name below the zone; only sets that hold something. */
  readonly sets: ReadonlyMap<string, FoundSet>;
  /** Names that are an alias instead (RFC 2782 and RFC 2181 §10.1 leave no room for records beside one), and of what. */
  readonly aliases: ReadonlyMap<string, string>;
  /** What the sets say of hosts of the zone, sorted by name. */
  readonly hosts: readonly HostEndpoints[];
  /** Records in the sets whose target is no host of the zone. */
  readonly odd: readonly SrvRecord[];
}

/** All that a server says of a host. */
export interface HostRecords {
  readonly host: string;
  readonly owner: OwnerState;
  /** In seconds, the longest; null where there is no address. */
  readonly ttl: number | null;
  readonly addresses: readonly string[];
  readonly records: readonly AddressRecord[];
  /** The name it is an alias of. */
  readonly alias: string | null;
}

/** All that a server that speaks for the zone says of what it was asked for. TTLs in seconds. */
export interface ZoneFacts {
  readonly serial: number;
  /** How long "there is no such name" may be remembered (RFC 2308 §5). */
  readonly negativeTtl: number;
  /** Of the SOA record itself. */
  readonly ttl: number;
  readonly apps: ReadonlyMap<string, AppRecords>;
  readonly hosts: ReadonlyMap<string, HostRecords>;
}

/** What one server says, or why that is not known. */
export interface ServerView {
  readonly server: DnsServer;
  readonly facts: Known<ZoneFacts>;
}

/** What all servers of a zone say. */
export interface DnsView {
  readonly primary: ServerView;
  readonly secondaries: readonly ServerView[];
}

/** A zone that is not there yet, on servers that drover has still to set up. */
export const EMPTY_ZONE: ZoneFacts = { serial: 0, negativeTtl: 0, ttl: 0, apps: new Map(), hosts: new Map() };

/** An app of which nothing is there. */
export function noRecords(app: string): AppRecords {
  return { app, owner: { kind: "none" }, sets: new Map(), aliases: new Map(), hosts: [], odd: [] };
}

/** A host of which nothing is there. */
export function noAddresses(host: string): HostRecords {
  return { host, owner: { kind: "none" }, ttl: null, addresses: [], records: [], alias: null };
}

/** What is asked about. */
export interface ZoneNames {
  /** Sets by their names below the zone. */
  readonly apps: readonly { readonly app: string; readonly sets: readonly string[] }[];
  readonly hosts: readonly string[];
}

/** Questions and what came of them. */
export interface Exchange {
  readonly questions: readonly DnsQuestion[];
  readonly queried: DnsQueried;
}

interface Asked {
  readonly question: DnsQuestion;
  readonly reply: DnsReply;
}

/** What to ask a server: the SOA first, whether it speaks for the zone at all. */
export function questionsOf({ zone }: Pick<ZoneRef, "zone">, { apps, hosts }: ZoneNames): readonly DnsQuestion[] {
  return [
    { name: zone, type: "SOA" },
    ...ownerQuestions(zone, { apps, hosts }),
    ...apps.flatMap(({ sets }) => setQuestions(zone, sets)),
    ...hosts.flatMap((host) => addressQuestions(zone, host)),
  ];
}

/** Whose apps' and hosts' records are. */
export function ownerQuestions(zone: string, { apps, hosts }: ZoneNames): readonly DnsQuestion[] {
  return [
    ...apps.map(({ app }) => ({ name: appOwnerName(app, zone), type: "TXT" }) as const),
    ...hosts.map((host) => ({ name: hostOwnerName(host, zone), type: "TXT" }) as const),
  ];
}

/** What apps' record sets hold. A CNAME there comes with the answer (RFC 1034 §3.6.2). */
export function setQuestions(zone: string, sets: readonly string[]): readonly DnsQuestion[] {
  return sets.map((set) => ({ name: setName(set, zone), type: "SRV" }) as const);
}

/** What a host's addresses are. */
export function addressQuestions(zone: string, host: string): readonly DnsQuestion[] {
  const name = hostName(host, zone);
  return [
    { name, type: "A" },
    { name, type: "AAAA" },
  ];
}

/** What owner records name that was not asked for: sets of ports that the files do not have any more. */
export function furtherQuestions(zone: ZoneRef, exchanges: readonly Exchange[]): readonly DnsQuestion[] {
  const asked = askedOf(exchanges);
  const names = new Set(asked.filter(({ question }) => question.type === "SRV").map(({ question }) => question.name));
  const sets = ownersOf(zone, asked).flatMap(({ owner }) => (owner.kind === "ours" ? owner.record.sets : []));
  const listed = foreignSets(zone, asked);
  return setQuestions(zone.zone, [...sets, ...listed]).filter(({ name }) => !names.has(name));
}

/** Sets that another fleet's owner records name: they would be taken over with the app. */
function foreignSets(zone: ZoneRef, asked: readonly Asked[]): readonly string[] {
  return ownersOf(zone, asked).flatMap(({ owner, kind, name }) => {
    if (owner.kind !== "foreign" || owner.owner === null || kind === "host") return [];
    const theirs = readOwner(owner.seen, owner.owner, name);
    return theirs.kind === "ours" ? theirs.record.sets : [];
  });
}

function askedOf(exchanges: readonly Exchange[]): readonly Asked[] {
  return exchanges.flatMap(({ questions, queried }) => {
    const replies = queried.kind === "answered" ? queried.replies : [];
    return questions.flatMap((question, index) => {
      const reply = replies[index];
      return reply === undefined ? [] : [{ question, reply }];
    });
  });
}

function answersTo({ question, reply }: Asked): readonly DnsRecord[] {
  return reply.answers.filter(({ name, type }) => name === question.name && type === question.type);
}

function aliasOf({ question, reply }: Asked): string | null {
  const record = reply.answers.find(({ name, type }) => name === question.name && type === "CNAME");
  return record?.type === "CNAME" ? record.target : null;
}

interface FoundOwner {
  readonly kind: "app" | "host";
  readonly name: string;
  readonly owner: OwnerState;
}

function ownersOf(zone: ZoneRef, asked: readonly Asked[]): readonly FoundOwner[] {
  return asked.flatMap((each) => {
    if (each.question.type !== "TXT") return [];
    const subject = subjectOfOwner(each.question.name, zone.zone);
    if (subject === null) return [];
    const app = subject.kind === "app" ? subject.name : null;
    // Beside a CNAME there is no room for a record of ours.
    if (aliasOf(each) !== null) return [{ ...subject, owner: { kind: "foreign", owner: null, seen: [] } }];
    return [{ ...subject, owner: readOwner(answersTo(each), zone.owner, app) }];
  });
}

/**
 * What a server says, from all that it was asked. One that does not answer, or does not speak for the zone in one of its
 * answers, says nothing at all: that is never taken for an empty zone.
 */
export function readZone(zone: ZoneRef, server: DnsServer, exchanges: readonly Exchange[]): Known<ZoneFacts> {
  for (const { questions, queried } of exchanges) {
    if (queried.kind === "failed") return unknown(queried.failure);
    if (queried.replies.length !== questions.length)
      return unknown(nonsense(server, "not every question was answered"));
  }
  const asked = askedOf(exchanges);
  for (const each of asked) {
    const wrong = silentAbout(zone, server, each);
    if (wrong !== null) return unknown(wrong);
  }
  const soa = asked.flatMap((each) => (each.question.type === "SOA" ? answersTo(each) : []))[0];
  if (soa?.type !== "SOA") return unknown(noZone(zone, server, "it has no SOA record of it"));
  return known({
    serial: soa.serial,
    negativeTtl: Math.min(soa.ttl, soa.minimum),
    ttl: soa.ttl,
    apps: readApps(zone, asked),
    hosts: readHosts(zone, asked),
  });
}

function silentAbout(zone: ZoneRef, server: DnsServer, { question, reply }: Asked): Failure | null {
  const { rcode, authoritative } = reply;
  const what = `it answers ${rcode} to ${question.name} ${question.type}`;
  if (rcode === "REFUSED") return failure("dns-refused", says(zone, server, what), hint(server));
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return noZone(zone, server, what);
  return authoritative ? null : noZone(zone, server, `it does not speak for ${question.name} itself (no AA flag)`);
}

function says({ zone }: ZoneRef, { name }: DnsServer, what: string): string {
  return `${name} does not answer for the zone ${zone}: ${what}`;
}

function hint({ address, port }: DnsServer): string {
  return `see what it says: dig @${address} -p ${String(port)} +norecurse +tcp`;
}

function noZone(zone: ZoneRef, server: DnsServer, what: string): Failure {
  return failure("dns-answer", says(zone, server, what), hint(server));
}

function nonsense({ name }: DnsServer, what: string): Failure {
  return failure("dns-answer", `the answer of ${name} makes no sense: ${what}`);
}

function readApps(zone: ZoneRef, asked: readonly Asked[]): ReadonlyMap<string, AppRecords> {
  const found = asked.filter(({ question }) => question.type === "SRV");
  return new Map(
    ownersOf(zone, asked)
      .filter(({ kind }) => kind === "app")
      .map(({ name, owner }) => {
        const own = found.filter(({ question }) => appOfSet(belowZone(question.name, zone.zone) ?? "") === name);
        return [name, { app: name, ...readApp(zone, owner, own) }];
      }),
  );
}

function readApp({ zone }: ZoneRef, owner: OwnerState, asked: readonly Asked[]): Omit<AppRecords, "app"> {
  const aliases = new Map<string, string>();
  const sets = new Map<string, FoundSet>();
  for (const each of asked) {
    const set = belowZone(each.question.name, zone) ?? "";
    const alias = aliasOf(each);
    if (alias !== null) aliases.set(set, alias);
    const records = answersTo(each).filter((record) => record.type === "SRV");
    if (records.length > 0) sets.set(set, { ttl: Math.max(...records.map(({ ttl }) => ttl)), records });
  }
  const odd = [...sets.values()].flatMap(({ records }) =>
    records.filter(({ target }) => hostOfName(target, zone) === null),
  );
  const records = new Map([...sets].map(([set, found]) => [set, found.records]));
  return { owner, sets, aliases, hosts: hostsOfSets(zone, records), odd };
}

function readHosts(zone: ZoneRef, asked: readonly Asked[]): ReadonlyMap<string, HostRecords> {
  return new Map(
    ownersOf(zone, asked)
      .filter(({ kind }) => kind === "host")
      .map(({ name, owner }) => {
        const own = hostName(name, zone.zone);
        const about = asked.filter(({ question }) => question.name === own);
        return [name, { host: name, ...readHost(owner, about) }];
      }),
  );
}

function readHost(owner: OwnerState, asked: readonly Asked[]): Omit<HostRecords, "host"> {
  const records = asked
    .flatMap(answersTo)
    .filter((record): record is AddressRecord => record.type === "A" || record.type === "AAAA");
  const alias = asked.map(aliasOf).find((each) => each !== null) ?? null;
  const ttl = records.length === 0 ? null : Math.max(...records.map((record) => record.ttl));
  return { owner, ttl, addresses: records.map(({ address }) => address), records, alias };
}
