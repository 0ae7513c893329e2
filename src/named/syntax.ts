import { DroverError, failure } from "../model/errors.ts";

/**
 * What may enter named.conf and a zone file. The files were validated before; this is the last edge before BIND's own
 * syntax (white space, quotes, braces, `;`, `#`, `//`, `!`, `@`, `$`, `\` and parentheses mean something), so it trusts
 * nothing.
 */

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?";
// Shorter than a DNS name may be: it is a file's name too, and every host's name stands before it.
const NAME = new RegExp(`^(?=.{1,200}$)${LABEL}(?:\\.${LABEL})*$`);
const FLEET = /^[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:)(?!.*:::)[0-9a-f:]{2,39}$/;
const ALGORITHM = /^hmac-sha(?:256|384|512)$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;

function refuse(what: string, value: string): never {
  const says = `${what} ${JSON.stringify(value)} cannot be written into BIND's files`;
  throw new DroverError(failure("files-invalid", says, "run drover validate"));
}

function fits(pattern: RegExp, what: string, value: string): string {
  return pattern.test(value) ? value : refuse(what, value);
}

/** The name of a zone or of a key. */
export function dnsName(what: string, name: string): string {
  return fits(NAME, what, name);
}

/** A host's name in the zone, with the final dot. */
export function nameIn(zone: string, host: string): string {
  const name = `${dnsName("the host", host)}.${dnsName("the zone", zone)}`;
  return name.length <= 253 ? `${name}.` : refuse("the name", name);
}

/** The fleet's name. */
export function fleetName(name: string): string {
  return fits(FLEET, "the fleet's name", name);
}

/** An address. */
export function plainAddress(address: string): string {
  return IPV4.test(address) ? address : fits(IPV6, "the address", address);
}

/** An address with a prefix. */
export function network(text: string): string {
  const [address = "", prefix = "", ...more] = text.split("/");
  const longest = address.includes(":") ? 128 : 32;
  const isPrefix = /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= longest && more.length === 0;
  return isPrefix ? `${plainAddress(address)}/${prefix}` : refuse("the network", text);
}

/** An algorithm of the key (RFC 8945 §6). */
export function algorithm(name: string): string {
  return fits(ALGORITHM, "the algorithm", name);
}

/** What stands for the key in files that everybody may read: half of its fingerprint. */
export function shortFingerprint(fingerprint: string): string {
  return fits(FINGERPRINT, "the fingerprint", fingerprint).slice(0, 32);
}

/** Seconds of a TTL (RFC 2181 §8: 31 bits). */
export function seconds(what: string, number: number): string {
  const isTtl = Number.isInteger(number) && number >= 0 && number <= 0x7f_ff_ff_ff;
  return isTtl ? String(number) : refuse(what, String(number));
}
