import { DroverError, failure } from "../../model/errors.ts";

/** Over TCP each message stands behind its length in two bytes (RFC 1035 §4.2.2). */

/** The largest message there is. */
const MESSAGE_MAX = 65_535;

/** A message with its length, to be written in one piece (RFC 7766 §8). Throws a DroverError for one that is too long. */
export function frame(message: Buffer): Buffer {
  if (message.length > MESSAGE_MAX) {
    const why = `a DNS message of ${message.length} bytes is longer than ${MESSAGE_MAX}`;
    throw new DroverError(failure("dns-too-large", why, "fewer records at once will do"));
  }
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Cuts a stream that comes in any pieces into messages. Holds at most one message and one piece. */
export class Unframer {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are whole now. */
  push(piece: Buffer): readonly Buffer[] {
    let rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const whole: Buffer[] = [];
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0);
      if (rest.length < end) break;
      whole.push(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    return whole;
  }

  /** True when a message has begun and not ended. */
  get isWithin(): boolean {
    return this.#rest.length > 0;
  }
}
