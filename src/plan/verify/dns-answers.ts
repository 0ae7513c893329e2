import type { Endpoint, HostAddresses } from "../../model/discovery.ts";
import { sameAddresses } from "../../discovery/diff.ts";
import type { HostRecords } from "../../discovery/facts.ts";
import type { SrvRecord } from "../../discovery/normalize.ts";

/** What one server says of one thing that is, or should be, in DNS. */
export interface Told {
  readonly server: string;
  /** `same`: as the files say; `there`: and no file says how; `differs`: and `says` tells how. */
  readonly kind: "same" | "there" | "differs" | "missing" | "unknown";
  /** In words; empty where the kind says it all. */
  readonly says: string;
}

/** What should be there, if anything; the TTL in seconds. */
interface Goal<T> {
  readonly wanted: T | null;
  readonly ttl: number;
}

function seconds(ttl: number): string {
  return `${String(ttl)} s`;
}

/** One instance in a record set. `found`: what the server has of it; null: it did not tell. */
export function toldRecord(
  server: string,
  { wanted, ttl }: Goal<Endpoint>,
  found: { readonly records: readonly SrvRecord[]; readonly alias: string | null } | null,
): Told {
  if (found === null) return { server, kind: "unknown", says: "" };
  if (found.alias !== null) return { server, kind: "differs", says: `the name is a CNAME, for ${found.alias}` };
  const [record, ...more] = found.records;
  if (record === undefined) return { server, kind: "missing", says: "" };
  if (more.length > 0) return { server, kind: "differs", says: `${String(more.length + 1)} records` };
  if (wanted === null) return { server, kind: "there", says: "" };
  const numbers = (["priority", "weight", "port"] as const).filter((key) => record[key] !== wanted[key]);
  const says = [
    ...numbers.map((key) => `${key} ${String(record[key])}, not ${String(wanted[key])}`),
    ...ttlSays(record.ttl, ttl),
  ];
  return { server, kind: says.length === 0 ? "same" : "differs", says: says.join("; ") };
}

function ttlSays(found: number, wanted: number): readonly string[] {
  return found === wanted ? [] : [`TTL ${seconds(found)}, not ${seconds(wanted)}`];
}

/** A host's addresses. `told`: what the server has of it; null: it did not tell. */
export function toldAddresses(
  server: string,
  { wanted, ttl }: Goal<HostAddresses>,
  told: { readonly found: HostRecords | null } | null,
): Told {
  if (told === null) return { server, kind: "unknown", says: "" };
  const { alias, addresses, records } = told.found ?? { alias: null, addresses: [], records: [] };
  if (alias !== null) return { server, kind: "differs", says: `the name is a CNAME, for ${alias}` };
  if (addresses.length === 0) return { server, kind: "missing", says: "" };
  if (wanted === null) return { server, kind: "there", says: "" };
  const says = [
    ...(sameAddresses(addresses, wanted.addresses)
      ? []
      : [`${addresses.join(", ")}, not ${wanted.addresses.join(", ")}`]),
    ...[...new Set(records.map((record) => record.ttl))].flatMap((each) => ttlSays(each, ttl)),
  ];
  return { server, kind: says.length === 0 ? "same" : "differs", says: says.join("; ") };
}
