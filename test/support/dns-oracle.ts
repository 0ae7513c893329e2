import type { DnsChange, DnsData, DnsPrerequisite, DnsRecord, DnsUpdate } from "../../src/model/dns.ts";

// What can be said in DNS, and what it means, in other words than the encoder's.

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Whether a whole update can be written. */
export function isSayable({ zone, prerequisites, changes }: DnsUpdate): boolean {
  return isName(zone) && prerequisites.every(canRequire) && changes.every(canChange);
}

function canRequire(each: DnsPrerequisite): boolean {
  return each.kind === "set-equals" ? each.records.length > 0 && each.records.every(canRecord) : isName(each.name);
}

function canChange(each: DnsChange): boolean {
  return each.kind === "add" || each.kind === "delete-record" ? canRecord(each.record) : isName(each.name);
}

function canRecord(record: DnsRecord): boolean {
  return isName(record.name) && isWithin(record.ttl, 31) && canData(record);
}

function canData(data: DnsData): boolean {
  switch (data.type) {
    case "A":
      return fourOf(data.address) !== null;
    case "AAAA":
      return sixOf(data.address) !== null;
    case "CNAME":
    case "NS":
      return isName(data.target);
    case "SOA": {
      const numbers = [data.serial, data.refresh, data.retry, data.expire, data.minimum];
      return isName(data.primary) && isName(data.mailbox) && numbers.every((each) => isWithin(each, 32));
    }
    case "SRV":
      return isName(data.target) && [data.priority, data.weight, data.port].every((each) => isWithin(each, 16));
    case "TXT":
      return data.texts.length > 0 && data.texts.every((text) => text.length < 256 && !/[^\0-\xff]/.test(text));
  }
}

function isWithin(value: number, bits: number): boolean {
  return Math.floor(value) === value && value >= 0 && value < 2 ** bits;
}

function isName(name: string): boolean {
  if (name === ".") return true;
  if (name.length > 253) return false;
  return name.split(".").every((written) => {
    const label = written.startsWith("_") ? written.slice(1) : written;
    const inner = label.split("").every((each) => LETTERS.includes(lower(each)) || each === "-");
    return label !== "" && written.length < 64 && inner && !label.startsWith("-") && !label.endsWith("-");
  });
}

/** Only of ASCII: the Kelvin sign is no k. */
function lower(letter: string): string {
  return letter <= "Z" ? letter.toLowerCase() : letter;
}

function fourOf(address: string): readonly number[] | null {
  const parts = address.split(".");
  const numbers = parts.map(Number);
  const isFine = parts.every((part, at) => /^[0-9]{1,3}$/.test(part) && (numbers[at] ?? 256) < 256);
  return parts.length === 4 && isFine ? numbers : null;
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2). */
function sixOf(address: string): readonly number[] | null {
  const halves = address.split("::").map((half) => (half === "" ? [] : half.split(":").flatMap(groupsOf)));
  const groups = halves.flat();
  if (halves.length > 2 || groups.some((group) => !isWithin(group, 16))) return null;
  if (halves.length === 1) return groups.length === 8 ? groups : null;
  const zeros = Array.from({ length: 8 - groups.length }, () => 0);
  return groups.length < 8 ? [...(halves[0] ?? []), ...zeros, ...(halves[1] ?? [])] : null;
}

function groupsOf(part: string, at: number, all: readonly string[]): readonly number[] {
  if (/^[0-9a-f]{1,4}$/i.test(part)) return [Number.parseInt(part, 16)];
  const four = at === all.length - 1 ? fourOf(part) : null;
  if (four === null) return [NaN];
  const [a = 0, b = 0, c = 0, d = 0] = four;
  return [a * 256 + b, c * 256 + d];
}

/** What an update means: names in lower case, addresses in their one spelling (RFC 5952). */
export function meant({ zone, prerequisites, changes }: DnsUpdate): DnsUpdate {
  return {
    zone: zone.toLowerCase(),
    prerequisites: prerequisites.map((each) =>
      each.kind === "set-equals"
        ? { kind: each.kind, records: each.records.map(meantRecord) }
        : { ...each, name: each.name.toLowerCase() },
    ),
    changes: changes.map((each) =>
      each.kind === "add" || each.kind === "delete-record"
        ? { kind: each.kind, record: meantRecord(each.record) }
        : { ...each, name: each.name.toLowerCase() },
    ),
  };
}

function meantRecord(record: DnsRecord): DnsRecord {
  const name = record.name.toLowerCase();
  switch (record.type) {
    case "A":
      return { ...record, name, address: (fourOf(record.address) ?? []).join(".") };
    case "AAAA":
      return { ...record, name, address: spelled(sixOf(record.address) ?? []) };
    case "CNAME":
    case "NS":
    case "SRV":
      return { ...record, name, target: record.target.toLowerCase() };
    case "SOA":
      return { ...record, name, primary: record.primary.toLowerCase(), mailbox: record.mailbox.toLowerCase() };
    case "TXT":
      return { ...record, name };
  }
}

/** RFC 5952 §4: no leading zeros; the first of the longest runs of two or more zero groups becomes `::`. */
function spelled(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)];
  const [longest] = runs.toSorted((a, b) => b[0].length - a[0].length);
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length);
  return `${before.replace(/:$/, "")}::${after.replace(/^:/, "")}`;
}
