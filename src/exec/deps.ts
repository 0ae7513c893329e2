import type { Action } from "../model/action.ts";
import type { Command } from "../model/command.ts";
import type { DnsKey } from "../model/dns.ts";
import type { RunEvent } from "../model/event.ts";
import type { Operation } from "../model/operation.ts";
import type { Clock, DnsClient, Files, Transport, Warrant } from "../model/ports.ts";
import type { Secret } from "../model/secret.ts";

/** A {@link RunEvent} before it gets its time. */
export type Untimed = RunEvent extends infer E ? (E extends { readonly at: number } ? Omit<E, "at"> : never) : never;

/** All that carrying out steps needs; built once per run by the command that runs it. */
export interface ExecDeps {
  readonly transport: Transport;
  readonly files: Files;
  readonly clock: Clock;
  readonly dns: DnsClient;
  /** What updates are signed with; null: nothing is published. */
  readonly dnsKey: DnsKey | null;
  readonly warrant: Warrant;
  /** How an action is carried out. */
  readonly operate: (action: Action) => Operation;
  /** The program that carries HAProxy's sockets on a balancer. */
  readonly relay: Command;
  /** The bytes of secrets by `app/NAME`. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Replaces one scalar in one of the fleet's files. Throws a DroverError. */
  readonly edit: (edit: { file: string; key: string; from: string; to: string }) => Promise<void>;
  readonly emit: (event: Untimed) => void;
  /** Steps that may run at once. */
  readonly forks: number;
}
