import { DroverError, failure } from "../model/errors.ts";
import type { PortRange } from "../model/firewall.ts";
import { type Span, parsePrefix, toPrefixes } from "./prefixes.ts";

/**
 * The edge to iptables: whatever is put into its text passes here first. A value that is not what it should be is a mistake
 * of ours and never becomes syntax. iptables cuts comments and log prefixes that are too long and says nothing.
 */

export type Family = "v4" | "v6";

const LIMITS = { comment: 255, logPrefix: 29, chain: 28, set: 31 } as const;
const SOURCE = /^[a-z][A-Za-z0-9._-]*(?:\/[A-Za-z0-9._-]+)*:(?:0|[1-9][0-9]{0,5})$/;
const LAST_PORT = 65_535;

function bug(sentence: string): DroverError {
  return new DroverError(failure("bug", sentence));
}

function within(what: keyof typeof LIMITS, text: string): string {
  if (text.length > LIMITS[what])
    throw bug(`the ${what} ${text} is longer than the ${String(LIMITS[what])} that iptables takes`);
  return text;
}

/** A prefix as it is written to iptables, and the addresses it stands for. */
export interface SafePrefix {
  readonly family: Family;
  readonly text: string;
  readonly span: Span;
}

/** Throws a DroverError for anything but a prefix in its canonical form. */
export function safePrefix(text: string): SafePrefix {
  const addresses = parsePrefix(text);
  const family: Family = text.includes(":") ? "v6" : "v4";
  const span = addresses?.[family][0];
  if (addresses === null || span === undefined || toPrefixes(addresses).join() !== text) {
    throw bug(`${JSON.stringify(text)} is no canonical prefix`);
  }
  return { family, text, span };
}

/** `5432` or `8000:8010`. Throws a DroverError for what is no range of ports. */
export function safePorts({ from, to }: PortRange): string {
  const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= LAST_PORT;
  if (!isPort(from) || !isPort(to) || from > to) throw bug(`${String(from)} to ${String(to)} is no range of ports`);
  return from === to ? String(from) : `${String(from)}:${String(to)}`;
}

/** Whether a range is every port there is, which iptables reads back as no range at all. */
export function isEveryPort({ from, to }: PortRange): boolean {
  return from === 0 && to === LAST_PORT;
}

/** The comment that names a rule. Throws a DroverError for a source that is not made like one. */
export function ruleComment(hash: string, source: string): string {
  if (!SOURCE.test(source)) throw bug(`${JSON.stringify(source)} is no source of a rule`);
  return within("comment", `drv:${hash} ${source}`);
}

/** `DRV-I-g42` and `DRV-O-g42`. Generations count from 1. */
export function generationChain(direction: "in" | "out", generation: number): string {
  if (!Number.isSafeInteger(generation) || generation < 0) throw bug(`${String(generation)} is no generation`);
  return within("chain", `DRV-${direction === "in" ? "I" : "O"}-g${String(generation)}`);
}

/** A set's name, by what is in it. Throws a DroverError where it would be too long beside a copy of it that is being filled. */
export function setName(family: Family, hash: string): string {
  const name = `dr${family}.${hash}`;
  within("set", `${name}.new`);
  return name;
}

/** How refused packets begin in the kernel's log. */
export function logPrefix(direction: "in" | "out"): string {
  return within("logPrefix", `drover refused ${direction}: `);
}
