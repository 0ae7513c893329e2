import { createHmac } from "node:crypto";
import type { DnsChange, DnsKey, DnsPrerequisite, DnsRecord, DnsType, DnsUpdate } from "../../src/model/dns.ts";
import { Secret } from "../../src/model/secret.ts";
import { decodeMessage } from "../../src/net/dns/message.ts";
import type { RawMessage } from "../../src/net/dns/message.ts";
import { encodeKeyName, encodeName } from "../../src/net/dns/names.ts";
import {
  CLASS_ANY,
  CLASS_IN,
  CLASS_NONE,
  decodeRecord,
  encodeData,
  TYPE_ANY,
  TYPE_NUMBERS,
} from "../../src/net/dns/records.ts";
import type { RawRecord } from "../../src/net/dns/records.ts";

// The server's side of the wire, as far as tests need one: reads updates, writes replies, signs them.

const TSIG = 250;

export function keyOf(
  name: string,
  algorithm: DnsKey["algorithm"] = "hmac-sha256",
  secret = "drover drover drover drover 1234",
): DnsKey {
  return { name, algorithm, secret: new Secret(Buffer.from(secret)) };
}

/** The update a message holds; sets that have to be equal come as one prerequisite each. Its signature is left out. */
export function readUpdate(bytes: Buffer): DnsUpdate {
  const message = decodeMessage(bytes);
  const [zone] = message.questions;
  return {
    zone: zone?.name ?? "",
    prerequisites: readPrerequisites(message),
    changes: message.authority.map((raw) => readChange(message, raw)),
  };
}

function readPrerequisites(message: RawMessage): readonly DnsPrerequisite[] {
  const sets = new Map<string, DnsRecord[]>();
  return message.answers.flatMap((raw): readonly DnsPrerequisite[] => {
    if (raw.class !== CLASS_IN) return [readBare(raw)];
    const set = sets.get(`${raw.name} ${raw.type}`);
    const record = recordAt(message, raw);
    if (set !== undefined) {
      set.push(record);
      return [];
    }
    const records = [record];
    sets.set(`${raw.name} ${raw.type}`, records);
    return [{ kind: "set-equals", records }];
  });
}

function readBare(raw: RawRecord): DnsPrerequisite {
  if (raw.ttl !== 0 || raw.end !== raw.at) throw new Error("a prerequisite with a TTL or data");
  const { name } = raw;
  if (raw.type === TYPE_ANY) return { kind: raw.class === CLASS_ANY ? "name-in-use" : "name-free", name };
  return { kind: raw.class === CLASS_ANY ? "set-exists" : "set-absent", name, type: typeOf(raw) };
}

function readChange(message: RawMessage, raw: RawRecord): DnsChange {
  if (raw.class === CLASS_IN) return { kind: "add", record: recordAt(message, raw) };
  if (raw.ttl !== 0) throw new Error("a deletion with a TTL");
  if (raw.class === CLASS_NONE) return { kind: "delete-record", record: recordAt(message, raw) };
  if (raw.class !== CLASS_ANY || raw.end !== raw.at) throw new Error("no change of RFC 2136");
  const { name } = raw;
  return raw.type === TYPE_ANY ? { kind: "delete-name", name } : { kind: "delete-set", name, type: typeOf(raw) };
}

function recordAt(message: RawMessage, raw: RawRecord): DnsRecord {
  const record = decodeRecord(message.bytes, raw);
  if (record === null) throw new Error(`a record of type ${raw.type}`);
  return record;
}

const TYPES: readonly DnsType[] = ["A", "AAAA", "CNAME", "NS", "SOA", "SRV", "TXT"];

function typeOf(raw: RawRecord): DnsType {
  const type = TYPES.find((each) => TYPE_NUMBERS[each] === raw.type);
  if (type === undefined) throw new Error(`type ${raw.type}`);
  return type;
}

/** A message without its signature, which has to be its last record. */
export function withoutSignature(bytes: Buffer): Buffer {
  const start = signatureIn(bytes).start;
  const plain = Buffer.from(bytes.subarray(0, start));
  plain.writeUInt16BE(plain.readUInt16BE(10) - 1, 10);
  return plain;
}

function signatureIn(bytes: Buffer): RawRecord {
  const record = decodeMessage(bytes).additional.at(-1);
  if (record?.type !== TSIG) throw new Error("not signed");
  return record;
}

/** When a message was signed, in seconds, and its MAC. */
export function signatureOf(bytes: Buffer): { readonly seconds: number; readonly mac: Buffer } {
  const { at } = signatureIn(bytes);
  const clock = bytes.indexOf(0, at) + 1;
  const size = bytes.readUInt16BE(clock + 8);
  return { seconds: bytes.readUIntBE(clock, 6), mac: bytes.subarray(clock + 10, clock + 10 + size) };
}

/** The same message with every owner name in full. Only for data that hold no compressed name. */
export function expanded(bytes: Buffer): Buffer {
  const { questions, answers, authority, additional } = decodeMessage(bytes);
  const parts: Buffer[] = questions.map((question) =>
    Buffer.concat([encodeName(question.name), words(question.type, question.class)]),
  );
  for (const raw of [...answers, ...authority, ...additional]) {
    parts.push(encodeName(raw.name), bytes.subarray(raw.at - 10, raw.end));
  }
  return Buffer.concat([bytes.subarray(0, 12), ...parts]);
}

/** What a server says to a request: its question back, a code, and records; authoritative. */
export function replyTo(request: Buffer, rcode = 0, answers: readonly DnsRecord[] = []): Buffer {
  const { questions } = decodeMessage(request);
  const head = Buffer.from(request.subarray(0, 12));
  head.writeUInt16BE(head.readUInt16BE(2) | 0x8400 | rcode, 2);
  for (const [at, count] of [questions.length, answers.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + at * 2);
  const asked = questions.map((question) =>
    Buffer.concat([encodeName(question.name), words(question.type, question.class)]),
  );
  const records = answers.map((record) => {
    const data = encodeData(record);
    const ttl = words(record.ttl >>> 16, record.ttl & 0xffff);
    return Buffer.concat([
      encodeName(record.name),
      words(TYPE_NUMBERS[record.type], CLASS_IN),
      ttl,
      words(data.length),
      data,
    ]);
  });
  return Buffer.concat([head, ...asked, ...records]);
}

/** Signs a reply as RFC 8945 §5.3 has it, at a time in seconds. Written apart from what it is to test. */
export function signReply(reply: Buffer, request: Buffer, key: DnsKey, seconds: number): Buffer {
  const { mac: before } = signatureOf(request);
  const clock = Buffer.concat([words(0, Math.floor(seconds / 0x1_0000), seconds & 0xffff, 300)]);
  const [name, algorithm] = [encodeKeyName(key.name), encodeName(key.algorithm)];
  const hmac = createHmac(key.algorithm.replace("hmac-", ""), key.secret.reveal());
  hmac.update(Buffer.concat([words(before.length), before, reply]));
  hmac.update(Buffer.concat([name, words(CLASS_ANY, 0, 0), algorithm, clock, words(0, 0)]));
  const mac = hmac.digest();
  const data = Buffer.concat([algorithm, clock, words(mac.length), mac, reply.subarray(0, 2), words(0, 0)]);
  const signed = Buffer.concat([reply, name, words(TSIG, CLASS_ANY, 0, 0, data.length), data]);
  signed.writeUInt16BE(1, 10);
  return signed;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2);
  return bytes;
}
