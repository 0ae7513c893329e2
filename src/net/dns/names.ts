import { garbled, unwritable } from "./refusals.ts";

/** RFC 952 and RFC 1123 §2.1, with the underscore in front that RFC 2782 and RFC 8552 give to names that are no hosts. */
const LABEL = /^_?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
/** Keys of TSIG have names that are nobody's host: `acme_update` is one. */
const KEY_LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/i;
/** RFC 1035 §2.3.4; a text has a dot between two labels, the wire a length before each and the root's zero. */
const LABEL_BYTES = 63;
const NAME_TEXT = 253;
const NAME_BYTES = 255;
/** More pointers than a name can have labels (RFC 1035 §4.1.4) are a loop, or meant to keep us busy. */
const JUMPS = 127;

/**
 * A name in lower case, as PowerDNS compares the data of records letter by letter. Throws a DroverError for anything but
 * plain labels: no escapes, no wildcard, no final dot, no empty label. The root is ".".
 */
export function checkedName(name: string): string {
  return checked(name, LABEL);
}

/** A name as RFC 1035 §3.1 writes it, without compression. Throws as {@link checkedName}. */
export function encodeName(name: string): Buffer {
  return encode(checked(name, LABEL));
}

/** The name of a TSIG key; RFC 8945 §4.3.3 signs it in lower case, and PowerDNS wants it so in the record too. */
export function encodeKeyName(name: string): Buffer {
  return encode(checked(name, KEY_LABEL));
}

function checked(name: string, shape: RegExp): string {
  if (name === ".") return name;
  if (name.length > NAME_TEXT) throw unwritable(`a name of ${name.length} characters is longer than ${NAME_TEXT}`);
  for (const label of name.split(".")) {
    if (label.length > LABEL_BYTES) throw unwritable(`${show(name)} has a label longer than ${LABEL_BYTES} characters`);
    if (!shape.test(label)) throw unwritable(`${show(name)} is not a name: the label ${show(label)} cannot be`);
  }
  return name.toLowerCase();
}

function show(text: string): string {
  return JSON.stringify(text);
}

function encode(name: string): Buffer {
  if (name === ".") return Buffer.of(0);
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

/**
 * Reads a name at an offset, through its pointers, and where the bytes after it begin. Lower case; a byte that is no plain
 * character comes as `\DDD` (RFC 1035 §5.1), which no encoder here takes, so it is never taken for another name.
 */
export function decodeName(message: Buffer, at: number): { readonly name: string; readonly next: number } {
  const labels: string[] = [];
  let next: number | null = null;
  let offset = at;
  let lowest = at;
  let size = 1;
  for (let jumps = 0; ;) {
    const length = byteAt(message, offset);
    if (length === 0) return { name: labels.length === 0 ? "." : labels.join("."), next: next ?? offset + 1 };
    if (length >= 0xc0) {
      const target = (length & 0x3f) * 256 + byteAt(message, offset + 1);
      jumps += 1;
      // Only back, and from each target further back: so it ends.
      if (target >= lowest || jumps > JUMPS) throw garbled("a name points to itself or forward");
      next ??= offset + 2;
      lowest = target;
      offset = target;
      continue;
    }
    if (length > LABEL_BYTES) throw garbled("a label has a length that does not exist");
    size += length + 1;
    if (size > NAME_BYTES) throw garbled("a name is longer than names can be");
    if (offset + 1 + length > message.length) throw garbled("it ends within a name");
    labels.push(readLabel(message.subarray(offset + 1, offset + 1 + length)));
    offset += length + 1;
  }
}

function byteAt(message: Buffer, at: number): number {
  const byte = message[at];
  if (byte === undefined) throw garbled("it ends within a name");
  return byte;
}

/** The same bytes in capitals are the same label (RFC 4343). */
function readLabel(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replaceAll(/[^A-Za-z0-9_-]/g, escapeCharacter)
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function escapeCharacter(character: string): string {
  if (/[!-~]/.test(character)) return /["$().;@\\]/.test(character) ? `\\${character}` : character;
  return `\\${String(character.charCodeAt(0)).padStart(3, "0")}`;
}
