import { randomInt } from "node:crypto";
import type { Socket } from "node:net";
import { DroverError } from "../../model/errors.ts";
import { frame, Unframer } from "./framing.ts";
import type { Asked, RawMessage } from "./message.ts";
import { decodeMessage, mismatch } from "./message.ts";

/** Ids of two bytes; some have to stay free for the dice to find them. */
const OPEN_MAX = 30_000;

/** One message to be sent: written when its id is known, with what its reply has to repeat. */
export interface Ask {
  readonly asked: Asked;
  compose(id: number): Buffer;
}

/** What became of messages that were sent together. */
export type Heard =
  /** Every reply, in the order of the asks. */
  | { readonly kind: "heard"; readonly replies: readonly RawMessage[] }
  /** The caller's signal came first. */
  | { readonly kind: "ended" }
  /** The connection had ended before: nothing was sent. */
  | { readonly kind: "unsent"; readonly why: string }
  /** It ended after they were sent. `answered`: so many replies had come. */
  | { readonly kind: "broken"; readonly why: string; readonly answered: number }
  /** The server said something that makes no sense; nothing more is believed on this connection. */
  | { readonly kind: "garbled"; readonly why: string };

interface Batch {
  readonly replies: (RawMessage | undefined)[];
  left: number;
  end(heard: Heard): void;
}

interface Pending {
  readonly asked: Asked;
  readonly batch: Batch;
  readonly at: number;
}

/** One TCP connection to one server (RFC 7766): many questions at once, answers in any order. */
export class Connection {
  readonly #socket: Socket;
  readonly #now: () => number;
  readonly #unframer: Unframer = new Unframer();
  readonly #pending: Map<number, Pending> = new Map();
  /** Ids whose answers nobody waits for any more, and that may still come. */
  readonly #abandoned: Set<number> = new Set();
  #lastHeard: number;
  #heard = 0;
  #ended: string | null = null;
  #isRetired = false;

  /** Takes over a connected socket. */
  constructor(socket: Socket, now: () => number) {
    this.#socket = socket;
    this.#now = now;
    this.#lastHeard = now();
    socket.setNoDelay(true);
    socket.on("data", (piece: Buffer) => this.#onData(piece));
    socket.on("error", (error) => this.#end(error.message));
    socket.on("end", () => this.#end("the server closed it"));
    socket.on("close", () => this.#end("it was closed"));
  }

  /** Whether it may be asked anything more. */
  get isOpen(): boolean {
    return this.#ended === null && !this.#isRetired && this.#pending.size + this.#abandoned.size < OPEN_MAX;
  }

  /** Whether it has ever brought an answer. */
  get hasServed(): boolean {
    return this.#heard > 0;
  }

  /** Milliseconds since it was last heard of. */
  get idle(): number {
    return this.#now() - this.#lastHeard;
  }

  /** Sends all of them in one go. Rejects with a DroverError, with nothing sent, when one cannot be written. */
  async ask(asks: readonly Ask[], signal: AbortSignal): Promise<Heard> {
    if (this.#ended !== null) return { kind: "unsent", why: this.#ended };
    if (signal.aborted) return { kind: "ended" };
    const ids: Set<number> = new Set();
    const frames = asks.map((ask) => frame(ask.compose(this.#freeId(ids))));
    return await new Promise((resolve) => {
      const before = this.#heard;
      const giveUp = (): void => {
        for (const id of ids) if (this.#pending.delete(id)) this.#abandoned.add(id);
        // It said nothing at all for the whole time: the next call had better have a connection of its own.
        if (this.#heard === before || this.#isRetired) this.retire();
        resolve({ kind: "ended" });
      };
      signal.addEventListener("abort", giveUp, { once: true });
      const end = (heard: Heard): void => {
        signal.removeEventListener("abort", giveUp);
        resolve(heard);
      };
      const batch: Batch = { replies: Array.from(asks, () => undefined), left: asks.length, end };
      for (const [at, id] of [...ids].entries()) {
        const ask = asks[at];
        if (ask !== undefined) this.#pending.set(id, { asked: ask.asked, batch, at });
      }
      this.#socket.write(Buffer.concat(frames));
    });
  }

  /** Takes no more questions, and closes when the open ones have their answers. */
  retire(): void {
    this.#isRetired = true;
    if (this.#pending.size === 0) this.#socket.destroy();
  }

  /** Drops everything. */
  close(): void {
    this.#end("drover closed it");
  }

  #freeId(taken: Set<number>): number {
    for (;;) {
      const id = randomInt(0x1_0000);
      if (this.#pending.has(id) || this.#abandoned.has(id) || taken.has(id)) continue;
      taken.add(id);
      return id;
    }
  }

  #onData(piece: Buffer): void {
    this.#lastHeard = this.#now();
    try {
      for (const bytes of this.#unframer.push(piece)) this.#onMessage(bytes);
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      this.#break({ kind: "garbled", why: error.failure.message });
    }
  }

  #onMessage(bytes: Buffer): void {
    if (this.#ended !== null) return;
    const reply = decodeMessage(bytes);
    this.#heard += 1;
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) {
      if (!this.#abandoned.delete(reply.id)) this.#break({ kind: "garbled", why: "nobody asked" });
      return;
    }
    const why = mismatch(reply, pending.asked);
    if (why !== null) {
      this.#break({ kind: "garbled", why });
      return;
    }
    this.#pending.delete(reply.id);
    const { batch, at } = pending;
    batch.replies[at] = reply;
    batch.left -= 1;
    if (batch.left === 0) batch.end({ kind: "heard", replies: batch.replies.filter((each) => each !== undefined) });
    if (this.#isRetired && this.#pending.size === 0) this.#socket.destroy();
  }

  #end(why: string): void {
    const torn = this.#unframer.isWithin ? ", in the middle of an answer" : "";
    this.#break({ kind: "broken", why: `${why}${torn}`, answered: 0 });
  }

  #break(heard: { readonly kind: "broken" | "garbled"; readonly why: string; readonly answered?: number }): void {
    if (this.#ended !== null) return;
    this.#ended = heard.why;
    this.#socket.destroy();
    const batches = new Set([...this.#pending.values()].map(({ batch }) => batch));
    this.#pending.clear();
    for (const batch of batches) {
      const answered = batch.replies.length - batch.left;
      batch.end(
        heard.kind === "garbled" ? { kind: "garbled", why: heard.why } : { kind: "broken", why: heard.why, answered },
      );
    }
  }
}
