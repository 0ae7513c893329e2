import { addressOf, bitsOf, canonicalSpelling, familyOf, numberOf } from "./addresses.ts";

/** A network as written: canonical; or with bits set behind its prefix, and so either a network or a host misspelt. */
export type Cidr =
  | { readonly kind: "ok"; readonly cidr: string }
  | { readonly kind: "host-bits"; readonly network: string; readonly host: string };

/** The networks of IPv4 addresses written as IPv6 (RFC 4291 §2.5.5.2): no packet comes from one. */
const MAPPED = "::ffff:0:0/96";

/**
 * Reads `address/prefix`; a bare address is a network of one. Null for anything else, also for mapped IPv4 and for the
 * one address that nobody has. The prefix is canonical (RFC 5952): two spellings of one network are the same text.
 */
export function readCidr(text: string): Cidr | null {
  const [, written = "", digits] = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const address = canonicalSpelling(written);
  if (address === null) return null;
  const bits = bitsOf(address);
  const prefix = digits === undefined ? bits : Number(digits);
  if (prefix > bits || (prefix === bits && numberOf(address) === 0n)) return null;
  const cidr = `${address}/${String(prefix)}`;
  if (prefix >= 96 && isWithin(cidr, MAPPED)) return null;
  const left = BigInt(bits - prefix);
  const network = addressOf((numberOf(address) >> left) << left, familyOf(address));
  if (network === address) return { kind: "ok", cidr };
  return { kind: "host-bits", network: `${network}/${String(prefix)}`, host: `${address}/${String(bits)}` };
}

/** Whether all of a canonical network lies in another one; a network lies in itself. */
export function isWithin(inner: string, outer: string): boolean {
  const [address, prefix] = parts(inner);
  const [of, length] = parts(outer);
  if (familyOf(address) !== familyOf(of) || prefix < length) return false;
  const shift = BigInt(bitsOf(of) - length);
  return numberOf(address) >> shift === numberOf(of) >> shift;
}

function parts(cidr: string): readonly [string, number] {
  const slash = cidr.indexOf("/");
  return [cidr.slice(0, slash), Number(cidr.slice(slash + 1))];
}
