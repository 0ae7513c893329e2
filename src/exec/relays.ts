import type { Command } from "../model/command.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Channel, Limits, Transport } from "../model/ports.ts";

type Opened = Awaited<ReturnType<Transport["open"]>>;

/** What a relay answers to a few lines: one reply per line, or why there is none. */
export type Replies =
  | { readonly kind: "replies"; readonly replies: readonly string[] }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Lines for one of HAProxy's sockets; `epoch` 0 marks lines that only read. */
export interface Asked {
  readonly host: string;
  readonly socket: "admin" | "master";
  readonly lines: readonly string[];
  readonly epoch: number;
}

/** How the relay marks errors of its own, which HAProxy's answers never begin with. */
const RELAY_ERROR = "!drover ";

/** One relay per balancer and run, opened when it is first needed and reopened once it has ended. */
export class Relays {
  readonly #transport: Transport;
  readonly #command: Command;
  readonly #channels = new Map<string, Promise<Opened>>();

  constructor(transport: Transport, command: Command) {
    this.#transport = transport;
    this.#command = command;
  }

  /** Sends lines to one of HAProxy's sockets, pipelined. */
  async ask({ host, socket, lines, epoch }: Asked, limits: Limits): Promise<Replies> {
    const opened = await this.#open(host, limits);
    if (opened.kind === "failed") return opened;
    const answers = await Promise.all(
      lines.map((line) => opened.channel.ask(`${socket} ${String(epoch)}\n${line}`, limits)),
    );
    const replies: string[] = [];
    for (const answer of answers) {
      if (answer.kind === "failed") return answer;
      if (answer.text.startsWith(RELAY_ERROR))
        return { kind: "failed", failure: relayFailure(host, answer.text.slice(RELAY_ERROR.length)) };
      replies.push(answer.text);
    }
    return { kind: "replies", replies };
  }

  #open(host: string, limits: Limits): Promise<Opened> {
    const existing = this.#channels.get(host);
    if (existing !== undefined) return existing;
    const request = { command: this.#command, warrant: null, frames: [] };
    const opening = this.#transport.open(host, request, limits);
    this.#channels.set(host, opening);
    const forget = (): void => {
      if (this.#channels.get(host) === opening) this.#channels.delete(host);
    };
    void opening.then((opened) => (opened.kind === "open" ? opened.channel.closed.then(forget) : forget()), forget);
    return opening;
  }

  /** Ends every relay of the run. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#channels.values());
    const channels = opened.flatMap((result): Channel[] =>
      result.status === "fulfilled" && result.value.kind === "open" ? [result.value.channel] : [],
    );
    await Promise.all(channels.map((channel) => channel.close()));
  }
}

function relayFailure(host: string, text: string): Failure {
  if (text.startsWith("stale")) {
    return failure("stale-epoch", `${host} refused: a newer run has changed this fleet`, "see who: drover status");
  }
  return failure(
    "balancer-answer",
    `HAProxy on ${host} cannot be asked: ${text.trim()}`,
    "bring it back: drover apply",
  );
}
