import { z } from "zod";
import type { Vip } from "../model/fleet.ts";

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();

/**
 * An IP address in its one canonical spelling (RFC 5952 for IPv6), so that two spellings of one address are seen to be
 * the same; null for anything else: prefixes (`/24`), zones (`%eth0`), host names, and addresses nobody can have. An IPv4
 * address written as IPv6 (RFC 4291 §2.5.5.2) is none either: its packets are IPv4's, and rules for it would never match.
 */
export function canonicalAddress(text: string): string | null {
  const canonical = canonicalSpelling(text);
  if (canonical === "0.0.0.0" || canonical === "::") return null;
  return canonical !== null && /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(canonical) ? null : canonical;
}

/** As {@link canonicalAddress}, but also for the addresses that no host has and networks begin with. */
export function canonicalSpelling(text: string): string | null {
  if (ipv4.safeParse(text).success) return text;
  return ipv6.safeParse(text).success ? canonicalIpv6(text) : null;
}

/** The URL standard serialises IPv6 hosts canonically. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** Where a server listens, canonical: `address`, `address:port` or `[address]:port`; null for anything else. */
export function canonicalServer(
  text: string,
  usualPort: number,
): { readonly address: string; readonly port: number } | null {
  const bare = canonicalAddress(text);
  if (bare !== null) return { address: bare, port: usualPort };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::([1-9][0-9]{0,4}))?$/.exec(text) ?? [];
  const address = canonicalAddress(bracketed ?? plain ?? "");
  const port = digits === undefined ? usualPort : Number(digits);
  if (address === null || port > 65_535 || address.includes(":") !== (bracketed !== undefined)) return null;
  return { address, port };
}

/** 4 or 6. The address has to be canonical. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** `address/prefix` of a host in its network; null for anything else, also for the network itself and its broadcast. */
export function canonicalVip(text: string): Vip | null {
  const [, written = "", digits = ""] = /^([^/]+)\/([1-9][0-9]{0,2})$/.exec(text) ?? [];
  const address = canonicalAddress(written);
  const prefix = Number(digits);
  if (address === null || prefix < 1 || prefix > bitsOf(address)) return null;
  return isTaken(address, prefix) ? null : { address, prefix };
}

/** Whether an address of a network is no host's: its first, its last. A network of one or two has none (RFC 3021). */
function isTaken(address: string, prefix: number): boolean {
  const left = BigInt(bitsOf(address) - prefix);
  if (left < 2n) return false;
  const last = (1n << left) - 1n;
  const host = numberOf(address) & last;
  // RFC 4291 §2.6.1: a network's first address is the anycast address of its routers; there is no broadcast.
  return host === 0n || (familyOf(address) === 4 && host === last);
}

/** Whether an address is in the network of a VIP. */
export function isInNetwork(address: string, { address: of, prefix }: Vip): boolean {
  if (familyOf(address) !== familyOf(of)) return false;
  const shift = BigInt(bitsOf(of) - prefix);
  return numberOf(address) >> shift === numberOf(of) >> shift;
}

/** How long an address is. */
export function bitsOf(address: string): number {
  return familyOf(address) === 4 ? 32 : 128;
}

/** A canonical address as a number. */
export function numberOf(address: string): bigint {
  if (familyOf(address) === 4) return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = [], tail = []] = address.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The canonical address that a number is in a family. */
export function addressOf(number: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (number >> BigInt(112 - 16 * index)) & 0xffffn);
  return canonicalIpv6(groups.map((group) => group.toString(16)).join(":"));
}
