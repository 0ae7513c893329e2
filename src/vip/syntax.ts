import { DroverError, failure } from "../model/errors.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { Vip } from "../model/fleet.ts";
import { familyOf } from "./normalize.ts";

/**
 * What may enter keepalived.conf. The files were validated before; this is the last edge before keepalived's own syntax
 * (white space, quotes, braces, `#`, `!`, `$`, `~`, `@` and `=` mean something), so it trusts nothing.
 */

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
// The kernel's IFNAMSIZ is 16 with the final zero; of what it would take, only what interfaces are called.
const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:)[0-9a-f:]{2,39}$/i;

function refuse(code: ErrorCode, what: string, value: string): never {
  throw new DroverError(
    failure(code, `${what} ${JSON.stringify(value)} cannot be written into keepalived.conf`, "run drover validate"),
  );
}

/** The name of a host or of a balancer set: validated, so a bad one is a mistake of ours. */
export function vrrpName(name: string): string {
  return NAME.test(name) ? name : refuse("bug", "the name", name);
}

/** The name of a network interface. */
export function interfaceName(name: string): string {
  return INTERFACE.test(name) ? name : refuse("files-invalid", "the interface", name);
}

/** An address. */
export function plainAddress(address: string): string {
  return IPV4.test(address) || IPV6.test(address) ? address : refuse("files-invalid", "the address", address);
}

/** A VIP with its prefix; IPv6 without duplicate detection, or it could not be used for a second after a move. */
export function vipAddress({ address, prefix }: Vip): string {
  const longest = familyOf(address) === 4 ? 32 : 128;
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > longest)
    refuse("files-invalid", "the prefix", String(prefix));
  return `${plainAddress(address)}/${String(prefix)}`;
}

/** A virtual router's number (RFC 3768 §5.3.3: 1 to 255), or a priority below the address owner's 255. */
export function vrrpNumber(what: string, number: number, most: number): string {
  return Number.isInteger(number) && number >= 1 && number <= most
    ? String(number)
    : refuse("files-invalid", what, String(number));
}
