import { createHmac, timingSafeEqual } from "node:crypto";
import type { DnsAlgorithm, DnsKey } from "../../model/dns.ts";
import type { RawMessage } from "./message.ts";
import { decodeName, encodeKeyName, encodeName } from "./names.ts";
import type { RawRecord } from "./records.ts";
import { CLASS_ANY } from "./records.ts";
import { garbled } from "./refusals.ts";

/** Transaction signatures, RFC 8945. Only whole MACs: §5.2.2.1 allows shorter ones, drover asks for none. */

const TYPE_TSIG = 250;
/** Seconds that two clocks may differ, as §10 recommends. */
const FUDGE = 300;
/** Where the header counts its additional records. */
const ARCOUNT = 10;

const HASHES = {
  "hmac-sha256": "sha256",
  "hmac-sha384": "sha384",
  "hmac-sha512": "sha512",
} as const satisfies Record<DnsAlgorithm, string>;

/** §3: how a server says what it has against a signature. */
const ERRORS: ReadonlyMap<number, string> = new Map([
  [16, "BADSIG"],
  [17, "BADKEY"],
  [18, "BADTIME"],
  [22, "BADTRUNC"],
]);

/** A message with its signature. */
export interface Signed {
  readonly bytes: Buffer;
  readonly mac: Buffer;
}

/** What a reply's signature is worth. `skew`: the server's clock minus ours in seconds. */
export type Verdict =
  | { readonly kind: "valid"; readonly skew: number }
  /** Signed by the key, at a time that is too far from ours. */
  | { readonly kind: "untimely"; readonly skew: number }
  | { readonly kind: "unsigned" }
  /** The server refuses our signature, by name. `signed`: it says so with the key. */
  | { readonly kind: "rejected"; readonly error: string; readonly signed: boolean; readonly skew: number | null }
  | { readonly kind: "forged"; readonly why: string };

interface Fields {
  readonly algorithm: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** Signs a message as of `seconds` since the epoch (§5.1). */
export function sign(message: Buffer, key: DnsKey, seconds: number): Signed {
  const rest = { time: seconds, fudge: FUDGE, error: 0, other: Buffer.alloc(0) };
  const mac = digest(key, [message, variables(key, rest)]);
  const id = message.subarray(0, 2);
  const algorithm = encodeName(key.algorithm);
  const data = Buffer.concat([
    algorithm,
    clock(rest),
    u16(mac.length),
    mac,
    id,
    u16(rest.error),
    u16(rest.other.length),
  ]);
  const head = Buffer.concat([u16(TYPE_TSIG), u16(CLASS_ANY), Buffer.alloc(4), u16(data.length)]);
  const bytes = Buffer.concat([message, encodeKeyName(key.name), head, data]);
  bytes.writeUInt16BE(bytes.readUInt16BE(ARCOUNT) + 1, ARCOUNT);
  return { bytes, mac };
}

/** Judges the signature of the reply to a request that was signed with `mac` (§5.3). Throws a DroverError for a torn one. */
export function judge(reply: RawMessage, key: DnsKey, mac: Buffer, now: number): Verdict {
  const record = signatureOf(reply);
  if (record === null) return { kind: "unsigned" };
  const fields = decodeFields(reply.bytes, record);
  const stranger = strangeness(record, fields, key);
  if (stranger !== null) return { kind: "forged", why: stranger };
  const signed = fields.mac.length > 0;
  if (!signed && fields.error === 0) return { kind: "forged", why: "its signature is empty" };
  if (signed && !isRight(reply.bytes.subarray(0, record.start), fields, { key, mac })) {
    return { kind: "forged", why: "its signature is wrong" };
  }
  if (fields.error !== 0) {
    const error = ERRORS.get(fields.error) ?? `error ${fields.error}`;
    // §5.2.3: the time the request was signed at is repeated, and the server's own stands in "other data".
    const skew = error === "BADTIME" && fields.other.length === 6 ? fields.other.readUIntBE(0, 6) - now : null;
    return { kind: "rejected", error, signed, skew };
  }
  const skew = fields.time - now;
  return { kind: Math.abs(skew) > fields.fudge ? "untimely" : "valid", skew };
}

/** The TSIG record of a message; only its last record may be one (§5.1). */
function signatureOf(message: RawMessage): RawRecord | null {
  const at = message.additional.findIndex((record) => record.type === TYPE_TSIG);
  const isElsewhere = [...message.answers, ...message.authority].some((record) => record.type === TYPE_TSIG);
  if (isElsewhere || (at !== -1 && at !== message.additional.length - 1))
    throw garbled("its signature is not at its end");
  return message.additional[at] ?? null;
}

function decodeFields(message: Buffer, record: RawRecord): Fields {
  const { name: algorithm, next } = decodeName(message, record.at);
  const torn = garbled("its signature is torn");
  if (next + 10 > record.end) throw torn;
  const macEnd = next + 10 + message.readUInt16BE(next + 8);
  if (macEnd + 6 > record.end) throw torn;
  const end = macEnd + 6 + message.readUInt16BE(macEnd + 4);
  if (end !== record.end) throw torn;
  return {
    algorithm,
    time: message.readUIntBE(next, 6),
    fudge: message.readUInt16BE(next + 6),
    mac: message.subarray(next + 10, macEnd),
    originalId: message.readUInt16BE(macEnd),
    error: message.readUInt16BE(macEnd + 2),
    other: message.subarray(macEnd + 6, end),
  };
}

/** §4.2: class ANY, TTL 0; and it has to be the key and the algorithm of the request (§5.3.1). */
function strangeness(record: RawRecord, fields: Fields, key: DnsKey): string | null {
  if (record.class !== CLASS_ANY || record.ttl !== 0)
    return "its signature has a class or a TTL that signatures do not have";
  if (record.name !== key.name.toLowerCase()) return `it is signed with the key ${record.name}`;
  return fields.algorithm === key.algorithm ? null : `it is signed by ${fields.algorithm}`;
}

/** §5.3.1: the request's MAC, the reply as it was before it was signed, and what the record says. */
function isRight(unsigned: Buffer, fields: Fields, by: { readonly key: DnsKey; readonly mac: Buffer }): boolean {
  const message = Buffer.from(unsigned);
  message.writeUInt16BE(fields.originalId, 0);
  message.writeUInt16BE(message.readUInt16BE(ARCOUNT) - 1, ARCOUNT);
  const right = digest(by.key, [u16(by.mac.length), by.mac, message, variables(by.key, fields)]);
  return right.length === fields.mac.length && timingSafeEqual(right, fields.mac);
}

/** §4.3.3. */
function variables(key: DnsKey, fields: Pick<Fields, "time" | "fudge" | "error" | "other">): Buffer {
  const ttl = Buffer.alloc(4);
  const names = [encodeKeyName(key.name), u16(CLASS_ANY), ttl, encodeName(key.algorithm)];
  return Buffer.concat([...names, clock(fields), u16(fields.error), u16(fields.other.length), fields.other]);
}

function clock({ time, fudge }: Pick<Fields, "time" | "fudge">): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(time, 0, 6);
  bytes.writeUInt16BE(fudge, 6);
  return bytes;
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function digest(key: DnsKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(HASHES[key.algorithm], key.secret.reveal());
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
