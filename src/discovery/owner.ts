import type { DnsRecord } from "../model/dns.ts";
import { appOfSet, isSet } from "./names.ts";

/**
 * The owner record: a TXT record beside what drover writes, which says whose it is and how often it has been written. It is
 * the prerequisite of every change (RFC 2136 §2.4), so that of two writers one has to look again.
 */

type TxtRecord = Extract<DnsRecord, { readonly type: "TXT" }>;

/** What an owner record says. */
export interface OwnerRecord {
  /** The fleet's name. */
  readonly owner: string;
  /** One higher with every change. */
  readonly revision: number;
  /** Of the lease, and its run, that wrote it. */
  readonly epoch: number;
  readonly run: string;
  /** Of an app: its record sets below the zone that hold something, sorted. */
  readonly sets: readonly string[];
}

/** Whose something is. `seen`: the records as they were read, for the prerequisite of a change. */
export type OwnerState =
  | { readonly kind: "none" }
  | { readonly kind: "ours"; readonly record: OwnerRecord; readonly seen: readonly DnsRecord[] }
  /** `owner`: the fleet that says so; null: not a record of drover's, or of a fleet that cannot be told. */
  | { readonly kind: "foreign"; readonly owner: string | null; readonly seen: readonly DnsRecord[] };

const HERITAGE = "heritage=drover";
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;

function valuesOf(texts: readonly string[], key: string): readonly string[] {
  return texts.filter((text) => text.startsWith(`${key}=`)).map((text) => text.slice(key.length + 1));
}

function only(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null;
}

function ownerOf(texts: readonly string[]): string | null {
  const owner = only(valuesOf(texts, "owner"));
  return texts.includes(HERITAGE) && owner !== "" ? owner : null;
}

/** What a record says, if all of it makes sense and `app` (null: a host) can have these sets. */
function parseTexts(texts: readonly string[], app: string | null): OwnerRecord | null {
  const owner = ownerOf(texts);
  const [revision, epoch, run] = ["rev", "epoch", "run"].map((key) => only(valuesOf(texts, key)));
  const sets = valuesOf(texts, "set");
  if (owner === null || typeof run !== "string") return null;
  if (!NUMBER.test(revision ?? "") || !NUMBER.test(epoch ?? "")) return null;
  if (!sets.every((set) => isSet(set) && appOfSet(set) === app)) return null;
  return { owner, revision: Number(revision), epoch: Number(epoch), run, sets: [...new Set(sets)].toSorted() };
}

function isTxt(record: DnsRecord): record is TxtRecord {
  return record.type === "TXT";
}

/**
 * Whose the records at an owner name say it is. Ours is one record alone that is drover's, names this fleet and makes sense
 * as a whole; anything else that is there is another's. `app`: null for a host.
 */
export function readOwner(records: readonly DnsRecord[], owner: string, app: string | null): OwnerState {
  const seen = records.filter(isTxt);
  const [first, second] = seen;
  if (first === undefined) return { kind: "none" };
  if (second !== undefined) return { kind: "foreign", owner: null, seen };
  const record = parseTexts(first.texts, app);
  if (record === null || record.owner !== owner) return { kind: "foreign", owner: ownerOf(first.texts), seen };
  return { kind: "ours", record, seen };
}

/** The record that says so. */
export function printOwner(name: string, ttl: number, record: OwnerRecord): DnsRecord {
  const { owner, revision, epoch, run, sets } = record;
  const texts = [HERITAGE, `owner=${owner}`, `rev=${String(revision)}`, `epoch=${String(epoch)}`, `run=${run}`];
  return { name, ttl, type: "TXT", texts: [...texts, ...sets.toSorted().map((set) => `set=${set}`)] };
}
