import { EXIT } from "../../src/model/command.ts";
import type { Failure } from "../../src/model/errors.ts";

/** A file on a fake host. */
export interface FakeFile {
  readonly bytes: Uint8Array;
  /** Octal, e.g. `644`. */
  readonly mode: string;
  /** `user` or `user:group`. */
  readonly owner: string;
}

/** How the way to a fake host is: open, answering with a failure at once, or swallowing everything. */
export type Way =
  | { readonly kind: "open" }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "silent" };

/** Ends a command with an exit code, as `exit` does in a script. */
export class FakeExit extends Error {
  readonly code: number;

  constructor(code: number, stderr: string) {
    super(stderr);
    this.code = code;
  }
}

/** A stateful host in memory: files, epoch, disk. Domains keep what else they need in `extra`, by their own key. */
export class FakeHost {
  readonly name: string;
  readonly files: Map<string, FakeFile> = new Map();
  /** Whatever a domain's interpreters model beyond files: running units, HAProxy's servers. */
  readonly extra: Map<string, unknown> = new Map();
  way: Way = { kind: "open" };
  /** How new connections fare on an open way: a firewall that shuts drover out lets the one go on that is there. */
  newcomers: () => Way = () => ({ kind: "open" });
  /** Connections to it: ever made, and open right now. */
  readonly connections: { made: number; live: number } = { made: 0, live: 0 };
  /** The newest epoch this host has seen. */
  epoch = 0;
  /** Bytes that fit on its disk. */
  diskSize: number = Infinity;
  /** Names of all commands it ran, oldest first. */
  readonly ran: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** As the prelude's `put`: whole or not at all; throws a {@link FakeExit} when the disk is full. */
  put(path: string, bytes: Uint8Array, mode: string, owner: string): void {
    const others = [...this.files].reduce((sum, [other, file]) => (other === path ? sum : sum + file.bytes.length), 0);
    if (others + bytes.length > this.diskSize)
      throw new FakeExit(EXIT.diskFull, `cannot write ${path}: No space left on device`);
    this.files.set(path, { bytes, mode, owner });
  }

  /** A file's text; null when it is not there. */
  text(path: string): string | null {
    const file = this.files.get(path);
    return file === undefined ? null : Buffer.from(file.bytes).toString();
  }

  /** As the prelude's `epoch_guard`. */
  guard(epoch: number): void {
    if (this.epoch > epoch)
      throw new FakeExit(EXIT.stale, `this host has seen epoch ${this.epoch}, newer than ${epoch}`);
    this.epoch = epoch;
  }
}
