import { fingerprint } from "./hash.ts";

/** The name under which Node's inspector asks an object how it wants to be shown. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * Bytes that must never be printed. Every road to text (template strings, JSON, the inspector) shows `[secret]`;
 * only {@link Secret.reveal} gives the bytes, and only the code that writes a command's stdin calls it.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, for the stdin of a command on a host and nothing else. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** What plans, manifests and journals may hold; `key` is the fleet's own random key. */
  fingerprint(key: string): string {
    return fingerprint(key, this.#bytes);
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  static {
    Object.defineProperty(Secret.prototype, inspect, { value: (): string => "[secret]" });
  }
}
