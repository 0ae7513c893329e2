import type {
  DnsKey,
  DnsQuestion,
  DnsRcode,
  DnsRecord,
  DnsReply,
  DnsServer,
  DnsType,
  DnsUpdate,
} from "../../src/model/dns.ts";
import type { Clock } from "../../src/model/ports.ts";
import { answer, change, dataOf, isWithin, judgeAll, namesOf, setKey } from "./dns-zone.ts";
import type { ZoneSets } from "./dns-zone.ts";

/**
 * How a server meets a connection. `silent`: as a host that is gone; `mute`: takes what is sent, and does nothing with it;
 * `lossy`: does what it is told, and none of its replies arrives; `hangs-up`: does it, and closes the connection halfway
 * through the reply; `babbles`: does it, and the reply makes no sense.
 */
export type FakeDnsWay = "open" | "refused" | "silent" | "mute" | "lossy" | "hangs-up" | "babbles";

/** One server in memory. Its fields are there to be changed by tests. */
export class FakeDnsServer {
  readonly server: DnsServer;
  way: FakeDnsWay = "open";
  /** How many milliseconds it is behind the primaries of its zones; Infinity: gets nothing new any more. */
  lag = 0;
  /** Answers everything with this code instead, not authoritative. */
  instead: DnsRcode | null = null;
  /** Its clock minus the world's, in seconds. */
  skew = 0;

  constructor(server: DnsServer) {
    this.server = server;
  }
}

/** A key as a zone's server has it; `types`: what it may write, null for all, empty for nothing. */
export interface FakeDnsGrant {
  readonly key: DnsKey;
  readonly types: readonly DnsType[] | null;
}

/** A zone to put into the world. */
export interface FakeDnsZoneSpec {
  readonly zone: string;
  readonly primary: DnsServer;
  readonly secondaries?: readonly DnsServer[];
  readonly grants: readonly FakeDnsGrant[];
  /** The SOA's, in seconds. */
  readonly negativeTtl?: number;
}

interface Version {
  readonly at: number;
  readonly serial: number;
  readonly sets: ZoneSets;
}

interface Zone extends FakeDnsZoneSpec {
  readonly versions: Version[];
  /** By server: the newest version it has shown, so that none goes back. */
  readonly shown: Map<string, number>;
}

/** One answer that somebody got. */
export interface FakeDnsAnswer {
  readonly at: number;
  readonly server: string;
  readonly question: DnsQuestion;
  readonly reply: DnsReply;
}

/** One update that reached a server. */
export interface FakeDnsEvent {
  readonly at: number;
  readonly server: string;
  readonly update: DnsUpdate;
  readonly rcode: DnsRcode;
}

/**
 * What becomes of one update on its way. `lose-before` and `lose-after`: its reply never comes, and it was not done or was;
 * `hang-up` and `babble`: as servers do that are so; `forge`: it was done, and the reply is not the server's.
 */
export type DnsFate = "pass" | "lose-before" | "lose-after" | "hang-up" | "babble" | "forge";

const placeOf = (server: DnsServer): string => `${server.address}:${server.port}`;

/** DNS servers in memory, with the zones that they speak for. Its clock is the servers' own. */
export class FakeDns {
  readonly clock: Clock;
  readonly #servers: Map<string, FakeDnsServer> = new Map();
  readonly #zones: Map<string, Zone> = new Map();
  /** Every answer given to anybody, oldest first. */
  readonly answers: FakeDnsAnswer[] = [];
  /** Every update that was judged, oldest first. */
  readonly updates: FakeDnsEvent[] = [];
  intercept: (server: DnsServer, update: DnsUpdate) => DnsFate = () => "pass";
  /** Changes answers on their way out. */
  reword: (server: DnsServer, question: DnsQuestion, reply: DnsReply) => DnsReply = (_server, _question, reply) =>
    reply;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The server at that address and port, made when it is not there yet. */
  server(server: DnsServer): FakeDnsServer {
    const known = this.#servers.get(placeOf(server)) ?? new FakeDnsServer(server);
    this.#servers.set(placeOf(server), known);
    return known;
  }

  /** Whether anything listens at that address and port. */
  has(server: DnsServer): boolean {
    return this.#servers.has(placeOf(server));
  }

  /** A zone with nothing but its SOA and NS; replaces the one that was there. */
  addZone(spec: FakeDnsZoneSpec): void {
    const servers = [spec.primary, ...(spec.secondaries ?? [])];
    for (const server of servers) this.server(server);
    const ns = servers.map((_, index): DnsRecord => {
      return { name: spec.zone, ttl: 3600, type: "NS", target: `ns${String(index + 1)}.${spec.zone}` };
    });
    const sets: ZoneSets = new Map([[setKey(spec.zone, "NS"), ns]]);
    this.#zones.set(spec.zone, { ...spec, versions: [], shown: new Map() });
    this.#become(spec.zone, sets);
  }

  /** Records written by somebody else's hand, as a whole set each would be by nsupdate: no key, no rules of drover. */
  put(zone: string, ...records: readonly DnsRecord[]): void {
    const sets = change(
      this.#current(zone).sets,
      zone,
      records.map((record) => ({ kind: "add", record })),
    );
    if (sets === null) throw new Error(`more than 100 records of one name and type in ${zone}`);
    this.#become(zone, sets);
  }

  /** A record set, or all of a name's, taken away by somebody else's hand. */
  take(zone: string, name: string, type?: DnsType): void {
    const what =
      type === undefined ? ({ kind: "delete-name", name } as const) : { kind: "delete-set" as const, name, type };
    this.#become(zone, change(this.#current(zone).sets, zone, [what]) ?? new Map());
  }

  /** What a server holds of a zone, the primary by default, without SOA and NS; sorted by name, type and data. */
  records(zone: string, server?: DnsServer): readonly DnsRecord[] {
    const found = this.#zone(zone);
    const order = (record: DnsRecord): string => `${record.name} ${record.type} ${dataOf(record)}`;
    return [...this.#seenBy(found, this.server(server ?? found.primary)).sets.values()]
      .flat()
      .filter((record) => record.type !== "SOA" && record.type !== "NS")
      .toSorted((left, right) => (order(left) < order(right) ? -1 : 1));
  }

  /** The serial that a server shows, the primary by default. */
  serial(zone: string, server?: DnsServer): number {
    const found = this.#zone(zone);
    return this.#seenBy(found, this.server(server ?? found.primary)).serial;
  }

  /** What a server says to a question, and notes that it did; null when it does not answer. */
  ask(server: DnsServer, question: DnsQuestion): DnsReply | null {
    const at = this.#servers.get(placeOf(server));
    if (at?.way !== "open") return null;
    const reply = this.reword(server, question, this.#answer(at, question));
    this.answers.push({ at: this.clock.now(), server: at.server.name, question, reply });
    return reply;
  }

  /** Judges and carries out an update that is signed well, by the key of that name. */
  update(server: DnsServer, update: DnsUpdate, key: string): DnsRcode {
    const rcode = this.#update(this.server(server), update, key);
    this.updates.push({ at: this.clock.now(), server: server.name, update, rcode });
    return rcode;
  }

  /** The keys that a server knows, whatever they may. */
  keys(server: DnsServer): readonly DnsKey[] {
    const zones = [...this.#zones.values()].filter((each) => this.#speaksFor(each, this.server(server)));
    return zones.flatMap((each) => each.grants.map((grant) => grant.key));
  }

  #zone(zone: string): Zone {
    const found = this.#zones.get(zone);
    if (found === undefined) throw new Error(`the fake world has no zone ${zone}`);
    return found;
  }

  #current(zone: string): Version {
    const version = this.#zone(zone).versions.at(-1);
    if (version === undefined) throw new Error(`${zone} has no version`);
    return version;
  }

  #become(zone: string, sets: ZoneSets): void {
    const { versions, negativeTtl = 5 } = this.#zone(zone);
    const serial = (versions.at(-1)?.serial ?? 0) + 1;
    const primary = `ns1.${zone}`;
    const times = { refresh: 60, retry: 10, expire: 604_800, minimum: negativeTtl };
    const soa: DnsRecord = {
      name: zone,
      ttl: 3600,
      type: "SOA",
      primary,
      mailbox: `hostmaster.${zone}`,
      serial,
      ...times,
    };
    versions.push({ at: this.clock.now(), serial, sets: new Map([...sets, [setKey(zone, "SOA"), [soa]]]) });
  }

  #speaksFor(zone: Zone, server: FakeDnsServer): boolean {
    return [zone.primary, ...(zone.secondaries ?? [])].some((each) => placeOf(each) === placeOf(server.server));
  }

  #seenBy(zone: Zone, server: FakeDnsServer): Version {
    const place = placeOf(server.server);
    const due = this.clock.now() - server.lag;
    const isPrimary = place === placeOf(zone.primary);
    const newest = zone.versions.findLastIndex((version) => isPrimary || version.at <= due);
    const index = Math.max(newest, zone.shown.get(place) ?? 0);
    zone.shown.set(place, index);
    return zone.versions[index] ?? this.#current(zone.zone);
  }

  #answer(server: FakeDnsServer, question: DnsQuestion): DnsReply {
    const refused = { authoritative: false, recursive: false, answers: [], authority: [] };
    if (server.instead !== null) return { ...refused, rcode: server.instead };
    const zone = [...this.#zones.values()]
      .filter((each) => isWithin(each.zone, question.name.toLowerCase()) && this.#speaksFor(each, server))
      .toSorted((left, right) => right.zone.length - left.zone.length)[0];
    if (zone === undefined) return { ...refused, rcode: "REFUSED" };
    return answer(this.#seenBy(zone, server).sets, zone.zone, question);
  }

  #update(server: FakeDnsServer, update: DnsUpdate, key: string): DnsRcode {
    if (server.instead !== null) return server.instead;
    const zone = this.#zones.get(update.zone);
    if (zone === undefined || !this.#speaksFor(zone, server)) return "NOTAUTH";
    // BIND forwards none unless told to: allow-update-forwarding.
    if (placeOf(zone.primary) !== placeOf(server.server)) return "REFUSED";
    const { prerequisites, changes } = update;
    if (!namesOf([...prerequisites, ...changes]).every((name) => isWithin(zone.zone, name))) return "NOTZONE";
    const grant = zone.grants.find((each) => each.key.name === key);
    if (!changes.every((each) => allows(grant?.types ?? (grant === undefined ? [] : null), each))) return "REFUSED";
    const { sets } = this.#current(zone.zone);
    const rcode = judgeAll(sets, prerequisites);
    if (rcode !== "NOERROR") return rcode;
    const after = change(sets, zone.zone, changes);
    if (after === null) return "SERVFAIL";
    if (!isSame(sets, after)) this.#become(zone.zone, after);
    return "NOERROR";
  }
}

function allows(types: readonly DnsType[] | null, each: DnsUpdate["changes"][number]): boolean {
  if (types === null) return true;
  if (each.kind === "delete-name") return types.length > 0;
  return types.includes("record" in each ? each.record.type : each.type);
}

function isSame(left: ZoneSets, right: ZoneSets): boolean {
  const lines = (sets: ZoneSets): Set<string> =>
    new Set([...sets.values()].flat().map((each) => `${each.name} ${each.ttl} ${each.type} ${dataOf(each)}`));
  const [before, after] = [lines(left), lines(right)];
  return before.size === after.size && [...before].every((line) => after.has(line));
}
