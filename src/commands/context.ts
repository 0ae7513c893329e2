import type { Fleet } from "../model/fleet.ts";
import type { RolloutEvent } from "../rollout/state.ts";
import type { Clock, DnsClient, Files, Store, Transport } from "../model/ports.ts";
import type { Printer } from "../report/run-text.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly output: "text" | "json";
  /** Answers every question with yes. */
  readonly yes: boolean;
  /** Steps and connections at once. */
  readonly forks: number;
  /** Milliseconds for one observation of the fleet. */
  readonly timeout: number;
}

/** The texts drover renders from, read once. */
export interface TemplateTexts {
  readonly haproxy: string;
  readonly keepalived: string;
  readonly named: string;
  readonly zone: string;
  readonly unit: string;
  readonly dropIn: string;
}

/** The signals of a person: asked to stop, or to drop everything at once. */
export interface Interrupts {
  /** Aborts at the first Ctrl-C. */
  readonly stop: AbortSignal;
  /** Aborts at the second. */
  readonly drop: AbortSignal;
}

/** The real world as commands see it: every adapter, wired in cli.ts. */
export interface Context {
  readonly options: CommonOptions;
  /** The fleet's folder, absolute, to be named in messages. */
  readonly folder: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly print: Printer;
  readonly templates: TemplateTexts;
  /** `user@machine`, for the lease and the journal. */
  readonly operator: string;
  /** A new id: sortable by time, `[0-9a-z-]+`. */
  readonly newRunId: () => string;
  /** Asks a person; null where nobody can be asked. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  readonly connect: (fleet: Fleet) => {
    readonly transport: Transport;
    readonly store: Store;
    readonly dns: DnsClient;
  };
  readonly interrupts: Interrupts;
}

/** Subscribes a run to a person's Ctrl-C. */
export function onStop(interrupts: Interrupts, listener: (event: RolloutEvent) => void): void {
  const tell = (): void => {
    listener({ kind: "turned", direction: "stop", why: "interrupted" });
  };
  if (interrupts.stop.aborted) tell();
  else interrupts.stop.addEventListener("abort", tell, { once: true });
}
