import type {
  DnsChange,
  DnsPrerequisite,
  DnsQuestion,
  DnsRcode,
  DnsRecord,
  DnsReply,
  DnsUpdate,
} from "../../model/dns.ts";
import { checkedName, decodeName, encodeName } from "./names.ts";
import type { RawRecord } from "./records.ts";
import {
  CLASS_ANY,
  CLASS_IN,
  CLASS_NONE,
  decodeRecord,
  encodeData,
  TTL_MAX,
  TYPE_ANY,
  TYPE_NUMBERS,
} from "./records.ts";
import { checkedNumber, garbled, unwritable } from "./refusals.ts";

/** RFC 1035 §4.1.1: a response; the operation; for the zone; cut off; would ask others. */
const QR = 0x8000;
const OPCODE = 0x7800;
const AA = 0x0400;
const TC = 0x0200;
const RA = 0x0080;
const RCODE = 0x000f;
/** RFC 2136 §2.2: opcode 5. */
const UPDATE = 5 << 11;
const HEADER_BYTES = 12;

/** RFC 1035 §4.1.1 and RFC 2136 §2.2, by number. */
const RCODES = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
] as const satisfies readonly DnsRcode[];

/** What a reply has to repeat. For an update it is the zone. */
export interface Asked {
  readonly opcode: "query" | "update";
  readonly name: string;
  readonly type: number;
}

/** A message taken apart, the data of its records still bytes. */
export interface RawMessage {
  readonly bytes: Buffer;
  readonly id: number;
  readonly flags: number;
  readonly questions: readonly { readonly name: string; readonly type: number; readonly class: number }[];
  readonly answers: readonly RawRecord[];
  readonly authority: readonly RawRecord[];
  readonly additional: readonly RawRecord[];
}

/** What a question's reply has to repeat. Throws a DroverError for a name that is none. */
export function askedBy({ name, type }: DnsQuestion): Asked {
  return { opcode: "query", name: checkedName(name), type: TYPE_NUMBERS[type] };
}

/** What an update's reply has to repeat. */
export function askedByUpdate({ zone }: DnsUpdate): Asked {
  return { opcode: "update", name: checkedName(zone), type: TYPE_NUMBERS.SOA };
}

/** A question without recursion (RD=0). */
export function encodeQuery(id: number, question: DnsQuestion): Buffer {
  return message({ id, flags: 0 }, [zoneOrQuestion(question.name, TYPE_NUMBERS[question.type])], [], []);
}

/** RFC 2136 §2: zone, prerequisites, changes. Throws a DroverError for what cannot be said, or not in one message. */
export function encodeUpdate(id: number, update: DnsUpdate): Buffer {
  return message(
    { id, flags: UPDATE },
    [zoneOrQuestion(update.zone, TYPE_NUMBERS.SOA)],
    update.prerequisites.flatMap(prerequisite),
    update.changes.map(change),
  );
}

function message(
  header: { readonly id: number; readonly flags: number },
  questions: readonly Buffer[],
  prerequisites: readonly Buffer[],
  changes: readonly Buffer[],
): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  const words = [header.id, header.flags, questions.length, prerequisites.length, changes.length, 0];
  for (const [at, word] of words.entries()) head.writeUInt16BE(checkedNumber("a count", word, 0xffff), at * 2);
  return Buffer.concat([head, ...questions, ...prerequisites, ...changes]);
}

function zoneOrQuestion(name: string, type: number): Buffer {
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(CLASS_IN, 2);
  return Buffer.concat([encodeName(name), tail]);
}

interface Line {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: Buffer;
}

/** dns-packet cannot write the classes NONE and ANY, nor a record without data; so the outside of a record is written here. */
function line({ name, type, class: of, ttl, data }: Line): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(of, 2);
  head.writeUInt32BE(checkedNumber("a TTL", ttl, TTL_MAX), 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name), head, data]);
}

const nothing: Buffer = Buffer.alloc(0);

/** A name and a type, or any, in a class that says what is meant. */
function bare(name: string, type: number, of: number): Buffer {
  return line({ name, type, class: of, ttl: 0, data: nothing });
}

function withData(record: DnsRecord, of: number, ttl: number): Buffer {
  return line({ name: record.name, type: TYPE_NUMBERS[record.type], class: of, ttl, data: encodeData(record) });
}

/** RFC 2136 §2.4. */
function prerequisite(wanted: DnsPrerequisite): readonly Buffer[] {
  switch (wanted.kind) {
    case "set-equals":
      checkOneSet(wanted.records);
      return wanted.records.map((record) => withData(record, CLASS_IN, 0));
    case "set-exists":
      return [bare(wanted.name, TYPE_NUMBERS[wanted.type], CLASS_ANY)];
    case "set-absent":
      return [bare(wanted.name, TYPE_NUMBERS[wanted.type], CLASS_NONE)];
    case "name-in-use":
      return [bare(wanted.name, TYPE_ANY, CLASS_ANY)];
    case "name-free":
      return [bare(wanted.name, TYPE_ANY, CLASS_NONE)];
  }
}

/** An empty set would ask for nothing at all, and a mixed one for several sets. */
function checkOneSet(records: readonly DnsRecord[]): void {
  const sets = new Set(records.map(({ name, type }) => `${checkedName(name)} ${type}`));
  if (sets.size !== 1) throw unwritable(`a prerequisite for one set names ${sets.size}`);
}

/** RFC 2136 §2.5. */
function change(wanted: DnsChange): Buffer {
  switch (wanted.kind) {
    case "add":
      return withData(wanted.record, CLASS_IN, wanted.record.ttl);
    case "delete-record":
      return withData(wanted.record, CLASS_NONE, 0);
    case "delete-set":
      return bare(wanted.name, TYPE_NUMBERS[wanted.type], CLASS_ANY);
    case "delete-name":
      return bare(wanted.name, TYPE_ANY, CLASS_ANY);
  }
}

/** Takes a message apart, to its last byte. Throws a DroverError (`dns-answer`) for anything that is not whole. */
export function decodeMessage(bytes: Buffer): RawMessage {
  if (bytes.length < HEADER_BYTES) throw garbled(`it has ${bytes.length} bytes`);
  const count = (at: number): number => bytes.readUInt16BE(at);
  const questions: { name: string; type: number; class: number }[] = [];
  let at = HEADER_BYTES;
  for (let left = count(4); left > 0; left -= 1) {
    const { name, next } = decodeName(bytes, at);
    if (next + 4 > bytes.length) throw garbled("it ends within its question");
    questions.push({ name, type: bytes.readUInt16BE(next), class: bytes.readUInt16BE(next + 2) });
    at = next + 4;
  }
  const section = (size: number): readonly RawRecord[] => {
    const records: RawRecord[] = [];
    for (let left = size; left > 0; left -= 1) {
      const record = decodeOutside(bytes, at);
      records.push(record);
      at = record.end;
    }
    return records;
  };
  const [answers, authority, additional] = [section(count(6)), section(count(8)), section(count(10))];
  if (at !== bytes.length) throw garbled(`${bytes.length - at} bytes stand after its end`);
  return { bytes, id: count(0), flags: count(2), questions, answers, authority, additional };
}

function decodeOutside(bytes: Buffer, start: number): RawRecord {
  const { name, next } = decodeName(bytes, start);
  const at = next + 10;
  if (at > bytes.length) throw garbled("it ends within a record");
  const end = at + bytes.readUInt16BE(next + 8);
  if (end > bytes.length) throw garbled("it ends within a record's data");
  const [type, of, ttl] = [bytes.readUInt16BE(next), bytes.readUInt16BE(next + 2), bytes.readUInt32BE(next + 4)];
  return { name, type, class: of, ttl, start, at, end };
}

/** What does not fit between a reply and what was asked; null when it is its reply. A question is repeated, except in some errors. */
export function mismatch(reply: RawMessage, asked: Asked): string | null {
  const opcode = asked.opcode === "update" ? UPDATE : 0;
  if ((reply.flags & QR) === 0) return "it is a question";
  if ((reply.flags & OPCODE) !== opcode) return "it answers another operation";
  if ((reply.flags & TC) !== 0) return "it is cut off";
  const [question, more] = reply.questions;
  // RFC 2136 §3.8 lets an update's reply be without, and a server that could not read a question cannot repeat it.
  if (question === undefined)
    return asked.opcode === "update" || rcodeOf(reply) !== "NOERROR" ? null : "it repeats no question";
  const isSame = question.name === asked.name && question.type === asked.type && question.class === CLASS_IN;
  return isSame && more === undefined ? null : "it answers another question";
}

/** How a reply ended. */
export function rcodeOf(reply: RawMessage): DnsRcode {
  const code = reply.flags & RCODE;
  return RCODES[code] ?? `RCODE${code}`;
}

/** What a reply says. Throws a DroverError (`dns-answer`) when a record makes no sense. */
export function decodeReply(reply: RawMessage): DnsReply {
  const records = (section: readonly RawRecord[]): readonly DnsRecord[] =>
    section.filter((raw) => raw.class === CLASS_IN).flatMap((raw) => decodeRecord(reply.bytes, raw) ?? []);
  return {
    rcode: rcodeOf(reply),
    authoritative: (reply.flags & AA) !== 0,
    recursive: (reply.flags & RA) !== 0,
    answers: records(reply.answers),
    authority: records(reply.authority),
  };
}
