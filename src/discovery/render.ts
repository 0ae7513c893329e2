import type { DnsChange, DnsPrerequisite, DnsRecord, DnsType, DnsUpdate } from "../model/dns.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import { MOST_RECORDS, tooLarge } from "./desired.ts";
import { setKey } from "./normalize.ts";
import type { OwnerRecord, OwnerState } from "./owner.ts";
import { printOwner } from "./owner.ts";

/** One record set that a message is about. */
export interface SetChange {
  readonly name: string;
  readonly type: DnsType;
  /** As it was read. */
  readonly before: readonly DnsRecord[];
  readonly after: readonly DnsRecord[];
  /**
   * What has to be so of it besides the owner record: `held` nothing, for it was ours; `free` it is not there, nor a CNAME in
   * its place, for it becomes ours; `seen` it is exactly as it was read, for somebody else may have written it.
   */
  readonly needs: "held" | "free" | "seen";
}

/** All that one message changes of an app or a host. */
export interface Rewrite {
  readonly zone: string;
  /** The owner record's name, its TTL in seconds, what was read there, and what is to be there (null: nothing). */
  readonly owner: {
    readonly name: string;
    readonly ttl: number;
    readonly found: OwnerState;
    readonly next: OwnerRecord | null;
  };
  readonly sets: readonly SetChange[];
}

/** Of a message over TCP, with room for the signature (RFC 1035 §4.2.2: 65,535). */
const MOST_BYTES = 62_000;

function ownerPrerequisite({ name, found }: Rewrite["owner"]): DnsPrerequisite {
  if (found.kind === "none") return { kind: "set-absent", name, type: "TXT" };
  return { kind: "set-equals", records: found.seen };
}

function prerequisitesOf({ name, type, before, needs }: SetChange): readonly DnsPrerequisite[] {
  switch (needs) {
    case "held":
      return [];
    case "free":
      return [
        { kind: "set-absent", name, type },
        { kind: "set-absent", name, type: "CNAME" },
      ];
    case "seen":
      return before.length === 0 ? [{ kind: "set-absent", name, type }] : [{ kind: "set-equals", records: before }];
  }
}

function changesOf({ name, type, before, after }: SetChange): readonly DnsChange[] {
  if (setKey(before) === setKey(after)) return [];
  return [{ kind: "delete-set", name, type }, ...after.map((record) => ({ kind: "add", record }) as const)];
}

/**
 * The message that makes a change, or nothing: the owner record as it was read is the prerequisite, and each set is
 * replaced as a whole, so that no answer ever holds half of it (RFC 2136 §3.7).
 */
export function renderUpdate({ zone, owner, sets }: Rewrite): DnsUpdate {
  const { name, ttl, next, found } = owner;
  const prerequisites = [ownerPrerequisite(owner), ...sets.flatMap(prerequisitesOf)];
  const removed: readonly DnsChange[] = found.kind === "none" ? [] : [{ kind: "delete-set", name, type: "TXT" }];
  const added: readonly DnsChange[] = next === null ? [] : [{ kind: "add", record: printOwner(name, ttl, next) }];
  return {
    zone,
    prerequisites: unique(prerequisites),
    changes: [...sets.flatMap(changesOf), ...removed, ...added],
  };
}

function unique(prerequisites: readonly DnsPrerequisite[]): readonly DnsPrerequisite[] {
  return [...new Map(prerequisites.map((each) => [JSON.stringify(each), each])).values()];
}

/** Why no server would take a message; null where nothing speaks against it. */
export function sizeProblem({ sets }: Pick<Rewrite, "sets">, update: DnsUpdate): Failure | null {
  const large = sets.find(({ after }) => after.length > MOST_RECORDS);
  if (large !== undefined) return tooLarge(large.name, large.after.length);
  const bytes = bytesOf(update);
  if (bytes <= MOST_BYTES) return null;
  const says = `${update.zone} would be changed by a message of ${String(bytes)} bytes, more than DNS has room for`;
  return failure("dns-too-large", says, "give the app fewer ports or instances, or split it into two apps");
}

/** At most so many bytes: nothing is counted as compressed. */
function bytesOf({ prerequisites, changes }: DnsUpdate): number {
  return [...prerequisites, ...changes].reduce((sum, each) => {
    if ("records" in each) return sum + each.records.reduce((bytes, record) => bytes + recordBytes(record), 0);
    return sum + ("record" in each ? recordBytes(each.record) : headBytes(each.name));
  }, 0);
}

/** A name, and type, class, TTL and length behind it (RFC 1035 §4.1.3). */
function headBytes(name: string): number {
  return name.length + 2 + 10;
}

function recordBytes(record: DnsRecord): number {
  const head = headBytes(record.name);
  switch (record.type) {
    case "TXT":
      return head + record.texts.reduce((sum, text) => sum + text.length + 1, 0);
    case "SRV":
      return head + 6 + record.target.length + 2;
    default:
      return head + 16;
  }
}
