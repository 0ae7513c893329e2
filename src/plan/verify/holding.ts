import type { Vip } from "../../model/fleet.ts";

/** Whether a balancer holds a VIP, by its own account; null: it could not tell. */
export interface HoldingAccount {
  readonly balancer: string;
  readonly holds: boolean | null;
}

/** Who holds one VIP. Anything but `one` is an outage, is about to be one, or is not known. */
export interface Holding {
  /** `192.168.56.10/24` */
  readonly vip: string;
  /** `unknown`: too few balancers told to be sure that exactly one holds it. */
  readonly kind: "one" | "none" | "several" | "unknown";
  readonly holders: readonly string[];
  /** Balancers that could not tell; they may hold it. */
  readonly silent: readonly string[];
}

/** Joins what the balancers of a set told. Two that say yes are two, whatever the silent ones would say. */
export function holdingOf(vip: Vip, accounts: readonly HoldingAccount[]): Holding {
  const holders = accounts.filter(({ holds }) => holds === true).map(({ balancer }) => balancer);
  const silent = accounts.filter(({ holds }) => holds === null).map(({ balancer }) => balancer);
  return { vip: `${vip.address}/${String(vip.prefix)}`, kind: kindOf(holders.length, silent.length), holders, silent };
}

function kindOf(holders: number, silent: number): Holding["kind"] {
  if (holders > 1) return "several";
  if (silent > 0) return "unknown";
  return holders === 1 ? "one" : "none";
}

/** Who holds a VIP, in a sentence; in capitals what a person must not overlook. */
export function holdingSentence({ vip, kind, holders, silent }: Holding): string {
  const mute = silent.join(", ");
  switch (kind) {
    case "one":
      return `VIP ${vip} is held by ${holders.join()}`;
    case "none":
      return `VIP ${vip} IS HELD BY NO BALANCER: nobody answers on it`;
    case "several":
      return `VIP ${vip} IS HELD BY ${String(holders.length)} BALANCERS: ${holders.join(", ")}; clients reach either`;
    case "unknown":
      return holders.length === 0
        ? `VIP ${vip}: HOLDER UNKNOWN, ${mute} could not tell`
        : `VIP ${vip} is held by ${holders.join()}, BUT NOT EVERY BALANCER TOLD: not ${mute}`;
  }
}

/** What to type next; empty when all is well. */
export function holdingHint({ kind, holders, silent }: Holding): string {
  const first = (kind === "several" ? holders : silent)[0];
  switch (kind) {
    case "one":
      return "";
    case "none":
      return "see why keepalived holds nothing: drover lb verify";
    case "several":
      return "they do not hear each other (protocol 112), or differ: drover lb verify";
    case "unknown":
      return first === undefined ? "" : `reach ${first}, then ask again: drover lb show`;
  }
}
