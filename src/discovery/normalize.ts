import type { DnsData, DnsRecord } from "../model/dns.ts";
import type { Endpoint, HostEndpoints } from "../model/discovery.ts";
import { hostName, hostOfName, setName } from "./names.ts";

/** An SRV record. */
export type SrvRecord = Extract<DnsRecord, { readonly type: "SRV" }>;
/** An A or AAAA record. */
export type AddressRecord = Extract<DnsRecord, { readonly type: "A" | "AAAA" }>;

/** A record without its TTL, as a text in which equal ones are equal. */
export function recordKey(record: DnsRecord): string {
  return `${record.name} ${record.type} ${dataKey(record)}`;
}

function dataKey(data: DnsData): string {
  switch (data.type) {
    case "A":
    case "AAAA":
      return addressKey(data.address);
    case "CNAME":
    case "NS":
      return data.target;
    case "SRV":
      return `${String(data.priority)} ${String(data.weight)} ${String(data.port)} ${data.target}`;
    case "TXT":
      return JSON.stringify(data.texts);
    case "SOA":
      return String(data.serial);
  }
}

/** A record set as a text in which equal ones are equal: any order, each record once (RFC 2181 §5), with its TTL. */
export function setKey(records: readonly DnsRecord[]): string {
  return [...new Set(records.map((record) => `${String(record.ttl)} ${recordKey(record)}`))].toSorted().join("\n");
}

/** An endpoint as a text in which equal ones are equal. */
function endpointKey({ set, priority, weight, port }: Endpoint): string {
  return `${set} ${[priority, weight, port].map((each) => String(each).padStart(5, "0")).join(" ")}`;
}

/** Endpoints in one order, each once. */
function sortEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const byKey = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  return [...byKey].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** Whether a host contributes the same. */
export function sameEndpoints(left: readonly Endpoint[], right: readonly Endpoint[]): boolean {
  const key = (endpoints: readonly Endpoint[]): string => sortEndpoints(endpoints).map(endpointKey).join("\n");
  return key(left) === key(right);
}

/** One host's record at one of its app's sets. */
export function srvRecord(zone: string, host: string, endpoint: Endpoint, ttl: number): SrvRecord {
  const { set, priority, weight, port } = endpoint;
  return { name: setName(set, zone), ttl, type: "SRV", priority, weight, port, target: hostName(host, zone) };
}

/** What hosts contribute to an app's sets, from the sets; in the order in which they are met, endpoints sorted. */
export function hostsOfSets(zone: string, sets: ReadonlyMap<string, readonly SrvRecord[]>): readonly HostEndpoints[] {
  const hosts = new Map<string, Endpoint[]>();
  for (const [set, records] of sets) {
    for (const { priority, weight, port, target } of records) {
      const host = hostOfName(target, zone);
      if (host === null) continue;
      hosts.set(host, [...(hosts.get(host) ?? []), { set, priority, weight, port }]);
    }
  }
  return [...hosts]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([host, endpoints]) => ({ host, endpoints: sortEndpoints(endpoints) }));
}

/** An address's record; an IPv6 address has a colon. */
export function addressRecord(name: string, address: string, ttl: number): AddressRecord {
  return { name, ttl, type: address.includes(":") ? "AAAA" : "A", address };
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const read = (text: string): readonly number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = read(head);
  if (tail === undefined) return first;
  const last = read(tail);
  return [...first, ...Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => 0), ...last];
}

/** A form in which two ways of writing one address are equal: `fd00::0010` and `FD00:0::10`. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  return groupsOf(address)
    .map((group) => group.toString(16))
    .join(":");
}
