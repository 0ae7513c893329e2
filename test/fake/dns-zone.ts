import type { DnsChange, DnsPrerequisite, DnsQuestion, DnsRcode, DnsRecord, DnsReply } from "../../src/model/dns.ts";

// A zone as data: what RFC 2136 and BIND 9.18 make of prerequisites, changes and questions.

/** Record sets by {@link setKey}; no set is empty. */
export type ZoneSets = ReadonlyMap<string, readonly DnsRecord[]>;

/** BIND's `max-records-per-type`. */
const MOST_RECORDS = 100;

/** The name that a set goes by. */
export function setKey(name: string, type: string): string {
  return `${name.toLowerCase()} ${type}`;
}

/** Whether a name is the zone's or below it. */
export function isWithin(zone: string, name: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** A record's data in one line, names in lower case: two records with the same are the same (RFC 2136 §1.1.1). */
export function dataOf(record: DnsRecord): string {
  switch (record.type) {
    case "A":
    case "AAAA":
      return record.address;
    case "CNAME":
    case "NS":
      return record.target.toLowerCase();
    case "SRV":
      return `${record.priority} ${record.weight} ${record.port} ${record.target.toLowerCase()}`;
    case "TXT":
      return JSON.stringify(record.texts);
    case "SOA":
      return `${record.primary} ${record.mailbox} ${record.serial} ${record.minimum}`;
  }
}

function sameSet(left: readonly DnsRecord[], right: readonly DnsRecord[]): boolean {
  const [one, other] = [new Set(left.map(dataOf)), new Set(right.map(dataOf))];
  return one.size === other.size && [...one].every((data) => other.has(data));
}

function isInUse(sets: ZoneSets, name: string): boolean {
  return [...sets.keys()].some((key) => key.startsWith(`${name} `));
}

function judge(sets: ZoneSets, prerequisite: DnsPrerequisite): DnsRcode {
  switch (prerequisite.kind) {
    case "set-equals": {
      const [first] = prerequisite.records;
      const there = first === undefined ? [] : (sets.get(setKey(first.name, first.type)) ?? []);
      return unless(sameSet(there, prerequisite.records), "NXRRSET");
    }
    case "set-exists":
      return unless(sets.has(setKey(prerequisite.name, prerequisite.type)), "NXRRSET");
    case "set-absent":
      return unless(!sets.has(setKey(prerequisite.name, prerequisite.type)), "YXRRSET");
    case "name-in-use":
      return unless(isInUse(sets, prerequisite.name), "NXDOMAIN");
    case "name-free":
      return unless(!isInUse(sets, prerequisite.name), "YXDOMAIN");
  }
}

function unless(holds: boolean, rcode: DnsRcode): DnsRcode {
  return holds ? "NOERROR" : rcode;
}

/** The code of the first prerequisite that does not hold (RFC 2136 §3.2); NOERROR when all do. */
export function judgeAll(sets: ZoneSets, prerequisites: readonly DnsPrerequisite[]): DnsRcode {
  return prerequisites.map((each) => judge(sets, each)).find((rcode) => rcode !== "NOERROR") ?? "NOERROR";
}

/** The names that a message speaks of. */
export function namesOf(items: readonly (DnsPrerequisite | DnsChange)[]): readonly string[] {
  return items.flatMap((each) => {
    if ("records" in each) return each.records.map((record) => record.name);
    return "record" in each ? [each.record.name] : [each.name];
  });
}

/** What is there after all changes (RFC 2136 §3.4.2); null where BIND says SERVFAIL, because a set would be too large. */
export function change(before: ZoneSets, zone: string, changes: readonly DnsChange[]): ZoneSets | null {
  const sets = new Map(before);
  for (const each of changes) {
    carryOut(sets, zone, each);
    if (each.kind === "add" && (sets.get(setKey(each.record.name, each.record.type))?.length ?? 0) > MOST_RECORDS)
      return null;
  }
  return sets;
}

function carryOut(sets: Map<string, readonly DnsRecord[]>, zone: string, each: DnsChange): void {
  // §3.4.2.3: the zone's own SOA and NS stay, whatever a message wants.
  const isFixed = (name: string, type: string): boolean => name === zone && (type === "SOA" || type === "NS");
  switch (each.kind) {
    case "add":
      add(sets, each.record);
      return;
    case "delete-record": {
      const key = setKey(each.record.name, each.record.type);
      if (isFixed(each.record.name, each.record.type)) return;
      const left = (sets.get(key) ?? []).filter((record) => dataOf(record) !== dataOf(each.record));
      if (left.length > 0) sets.set(key, left);
      else sets.delete(key);
      return;
    }
    case "delete-set":
      if (!isFixed(each.name, each.type)) sets.delete(setKey(each.name, each.type));
      return;
    case "delete-name":
      for (const key of sets.keys())
        if (key.startsWith(`${each.name} `) && !isFixed(each.name, key.slice(each.name.length + 1))) sets.delete(key);
  }
}

function add(sets: Map<string, readonly DnsRecord[]>, record: DnsRecord): void {
  const key = setKey(record.name, record.type);
  // §3.4.2.2: an alias stands alone; the message goes on as if this change were not in it.
  const others = [...sets.keys()].filter((each) => each.startsWith(`${record.name} `) && each !== key);
  const isAlias = record.type === "CNAME";
  if (isAlias ? others.length > 0 : others.includes(setKey(record.name, "CNAME"))) return;
  const kept = isAlias ? [] : (sets.get(key) ?? []).filter((each) => dataOf(each) !== dataOf(record));
  // RFC 2181 §5.2: one TTL per set, so that the last one is everybody's.
  sets.set(key, [...kept.map((each) => ({ ...each, ttl: record.ttl })), record]);
}

/** A server's answer from what it holds of a zone. */
export function answer(sets: ZoneSets, zone: string, question: DnsQuestion): DnsReply {
  const name = question.name.toLowerCase();
  const ours = { authoritative: true, recursive: false, authority: [] };
  const found = sets.get(setKey(name, question.type));
  if (found !== undefined) return { ...ours, rcode: "NOERROR", answers: found };
  const alias = sets.get(setKey(name, "CNAME"));
  if (alias !== undefined) return { ...ours, rcode: "NOERROR", answers: [...alias, ...follow(sets, alias, question)] };
  const isThere = [...sets.keys()].some((key) => isWithin(name, key.split(" ")[0] ?? ""));
  // RFC 2308 §3: what is not there may be remembered for the lesser of the SOA's TTL and its minimum.
  const authority = (sets.get(setKey(zone, "SOA")) ?? []).map((soa) =>
    soa.type === "SOA" ? { ...soa, ttl: Math.min(soa.ttl, soa.minimum) } : soa,
  );
  return { ...ours, rcode: isThere ? "NOERROR" : "NXDOMAIN", answers: [], authority };
}

function follow(sets: ZoneSets, alias: readonly DnsRecord[], question: DnsQuestion): readonly DnsRecord[] {
  return alias.flatMap((each) => (each.type === "CNAME" ? (sets.get(setKey(each.target, question.type)) ?? []) : []));
}
