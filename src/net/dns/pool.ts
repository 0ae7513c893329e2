import type { DnsServer } from "../../model/dns.ts";
import { unlessAborted } from "./deadline.ts";
import { dial } from "./dial.ts";
import type { Dialled } from "./dial.ts";

/** The connections of one run: at most one open to each server. */
export class Connections {
  readonly #now: () => number;
  readonly #closing: AbortController = new AbortController();
  readonly #byServer: Map<string, Promise<Dialled>> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The connection to a server, or a new one where it is gone or silent for more than `idle` ms. Null when the signal aborts. */
  async to(
    server: DnsServer,
    wanted: { readonly idle: number; readonly signal: AbortSignal },
  ): Promise<Dialled | null> {
    const key = `${server.address}#${server.port}`;
    const kept = this.#byServer.get(key);
    if (kept !== undefined) {
      const dialled = await unlessAborted(kept, wanted.signal);
      if (dialled === null) return null;
      if (dialled.kind === "open" && dialled.connection.isOpen && dialled.connection.idle <= wanted.idle)
        return dialled;
      // Another caller may have replaced it while this one waited: then that one is taken.
      if (this.#byServer.get(key) !== kept) return await this.to(server, wanted);
      if (dialled.kind === "open") dialled.connection.retire();
    }
    const dialling = dial(server, this.#now, this.#closing.signal);
    this.#byServer.set(key, dialling);
    return await unlessAborted(dialling, wanted.signal);
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const dialled of await Promise.all(this.#byServer.values())) {
      if (dialled.kind === "open") dialled.connection.close();
    }
    this.#byServer.clear();
  }
}
