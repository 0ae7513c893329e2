import { isIPv4, isIPv6 } from "node:net";
import { record as codec } from "dns-packet";
import type { DnsData, DnsRecord, DnsType } from "../../model/dns.ts";
import { checkedName, decodeName } from "./names.ts";
import { checkedNumber, garbled, unwritable } from "./refusals.ts";

declare module "dns-packet" {
  /** The codec of one type; its bytes begin with their length. Exported since 5.0, absent from the types. */
  export function record(type: string): {
    encode(data: unknown): Buffer;
    decode(message: Buffer, at: number): unknown;
  };
}

/** Their numbers on the wire: RFC 1035 §3.2.2, RFC 3596, RFC 2782. */
export const TYPE_NUMBERS: Readonly<Record<DnsType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};

/** RFC 1035 §3.2.4, RFC 2136 §1.3. */
export const CLASS_IN = 1;
export const CLASS_NONE = 254;
export const CLASS_ANY = 255;
/** RFC 1035 §3.2.3: any type; deletes and prerequisites for whole names say it. */
export const TYPE_ANY = 255;

const U16 = 0xffff;
const U32 = 0xffff_ffff;
/** RFC 2181 §8. */
export const TTL_MAX = 0x7fff_ffff;
/** RFC 1035 §3.3. */
const TEXT_BYTES = 255;

const NAMES: ReadonlyMap<number, DnsType> = new Map([
  [TYPE_NUMBERS.A, "A"],
  [TYPE_NUMBERS.NS, "NS"],
  [TYPE_NUMBERS.CNAME, "CNAME"],
  [TYPE_NUMBERS.SOA, "SOA"],
  [TYPE_NUMBERS.TXT, "TXT"],
  [TYPE_NUMBERS.AAAA, "AAAA"],
  [TYPE_NUMBERS.SRV, "SRV"],
]);

/**
 * The data of a record, without its length. dns-packet writes whatever it is given, so everything is checked here first: a
 * DroverError for what cannot be said.
 */
export function encodeData(data: DnsData): Buffer {
  const bytes = codec(data.type).encode(toCodec(data)).subarray(2);
  if (bytes.length > U16) throw unwritable(`a ${data.type} record of ${bytes.length} bytes is too long`);
  return bytes;
}

function toCodec(data: DnsData): unknown {
  switch (data.type) {
    case "A":
      if (isIPv4(data.address)) return data.address;
      throw unwritable(`${JSON.stringify(data.address)} is not an IPv4 address`);
    case "AAAA":
      // A zone (`%eth0`) passes as IPv6 with Node, and means nothing to anybody else.
      if (isIPv6(data.address) && !data.address.includes("%")) return canonicalIpv6(data.address);
      throw unwritable(`${JSON.stringify(data.address)} is not an IPv6 address`);
    case "CNAME":
    case "NS":
      return checkedName(data.target);
    case "SOA":
      return {
        mname: checkedName(data.primary),
        rname: checkedName(data.mailbox),
        serial: checkedNumber("serial", data.serial, U32),
        refresh: checkedNumber("refresh", data.refresh, U32),
        retry: checkedNumber("retry", data.retry, U32),
        expire: checkedNumber("expire", data.expire, U32),
        minimum: checkedNumber("minimum", data.minimum, U32),
      };
    case "SRV":
      return {
        priority: checkedNumber("priority", data.priority, U16),
        weight: checkedNumber("weight", data.weight, U16),
        port: checkedNumber("port", data.port, U16),
        target: checkedName(data.target),
      };
    case "TXT":
      if (data.texts.length === 0) throw unwritable("a TXT record without a text");
      return data.texts.map(encodeText);
  }
}

/** A text's characters are its bytes, so that what others have written survives being read and written again. */
function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.toString("latin1") !== text) throw unwritable(`${JSON.stringify(text)} has a character that is no byte`);
  if (bytes.length > TEXT_BYTES) throw unwritable(`a text of ${bytes.length} bytes is longer than ${TEXT_BYTES}`);
  return bytes;
}

/** Where a record lies in a message. */
export interface RawRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset of its data. */
  readonly at: number;
  /** Offset of the first byte after it. */
  readonly end: number;
}

/** The record at a place; null for a type that drover does not ask for. Throws a DroverError when its data make no sense. */
export function decodeRecord(message: Buffer, raw: RawRecord): DnsRecord | null {
  const type = NAMES.get(raw.type);
  if (type === undefined) return null;
  // RFC 2181 §8: a TTL with the top bit set is to be taken for zero.
  const ttl = raw.ttl > TTL_MAX ? 0 : raw.ttl;
  return { name: raw.name, ttl, ...decodeData(message, raw, type) };
}

/** Names are read here and not by dns-packet, whose way is not exact to the byte; numbers too, for they stand beside one. */
function decodeData(message: Buffer, raw: RawRecord, type: DnsType): DnsData {
  switch (type) {
    case "A":
      expectSize(raw, 4, type);
      return { type, address: String(codec("A").decode(message, raw.at - 2)) };
    case "AAAA":
      expectSize(raw, 16, type);
      return { type, address: canonicalIpv6(String(codec("AAAA").decode(message, raw.at - 2))) };
    case "CNAME":
    case "NS":
      return { type, target: nameTo(message, raw.at, raw.end) };
    case "SOA":
      return decodeSoa(message, raw);
    case "SRV":
      if (raw.end - raw.at < 7) throw garbled("an SRV record is too short");
      return {
        type,
        priority: message.readUInt16BE(raw.at),
        weight: message.readUInt16BE(raw.at + 2),
        port: message.readUInt16BE(raw.at + 4),
        target: nameTo(message, raw.at + 6, raw.end),
      };
    case "TXT":
      return { type, texts: decodeTexts(message, raw) };
  }
}

function decodeSoa(message: Buffer, raw: RawRecord): DnsData {
  const primary = decodeName(message, raw.at);
  const mailbox = decodeName(message, primary.next);
  if (mailbox.next + 20 !== raw.end) throw garbled("an SOA record has the wrong length");
  return {
    type: "SOA",
    primary: primary.name,
    mailbox: mailbox.name,
    serial: message.readUInt32BE(mailbox.next),
    refresh: message.readUInt32BE(mailbox.next + 4),
    retry: message.readUInt32BE(mailbox.next + 8),
    expire: message.readUInt32BE(mailbox.next + 12),
    minimum: message.readUInt32BE(mailbox.next + 16),
  };
}

function decodeTexts(message: Buffer, raw: RawRecord): readonly string[] {
  if (raw.end === raw.at) throw garbled("a TXT record is empty");
  const texts: string[] = [];
  for (let at = raw.at; at < raw.end;) {
    const end = at + 1 + message.readUInt8(at);
    if (end > raw.end) throw garbled("a TXT record ends within a text");
    texts.push(message.toString("latin1", at + 1, end));
    at = end;
  }
  return texts;
}

function expectSize(raw: RawRecord, size: number, type: DnsType): void {
  if (raw.end - raw.at !== size) throw garbled(`an ${type} record has ${raw.end - raw.at} bytes of data`);
}

function nameTo(message: Buffer, at: number, end: number): string {
  const { name, next } = decodeName(message, at);
  if (next !== end) throw garbled("a record's data do not end with its name");
  return name;
}

/** The one spelling of RFC 5952; the URL standard has it. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
