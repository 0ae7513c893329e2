import { z } from "zod";
import type { Vip } from "../../model/fleet.ts";
import { canonicalAddress, canonicalVip } from "../addresses.ts";
import { understood } from "./values.ts";

const expectedAddress = "an IPv4 or IPv6 address";
const expectedVip = 'a host\'s address with the prefix of its network, such as "192.168.56.10/24" or "fd00::10/64"';
const expectedTarget = '"/dev/log", or address and port such as "192.168.56.31:514" or "[fd00::31]:514"';

/** A text of which a function makes a value; null: it is none. */
function readable<Value>(expected: string, read: (text: string) => Value | null): z.ZodType<Value, string> {
  return understood(expected, (written) => {
    const value = read(written);
    return value === null ? { expected } : { value };
  });
}

/** One value or a list of them, at least one; gives the list. */
export function oneOrMore<Value>(expected: string, value: z.ZodType<Value>): z.ZodType<readonly Value[]> {
  return z.union([value.transform((one) => [one]), z.array(value, { error: expected }).min(1, { error: expected })], {
    error: expected,
  });
}

/** One address, canonical. */
export const address: z.ZodType<string, string> = readable(expectedAddress, canonicalAddress);

/** A host's addresses, canonical. */
export const addresses: z.ZodType<readonly string[]> = oneOrMore(`${expectedAddress}, or a list of them`, address);

/** An address to listen on; `0.0.0.0` and `::` are all there are. */
export const listenAddress: z.ZodType<string, string> = readable(
  `${expectedAddress} of the balancers ("0.0.0.0" and "::" are all they have)`,
  (text) => (text === "0.0.0.0" || text === "::" ? text : canonicalAddress(text)),
);

/** Addresses with prefix that move between balancers. */
export const vips: z.ZodType<readonly Vip[]> = oneOrMore(
  `${expectedVip}; or a list of them`,
  readable(expectedVip, canonicalVip),
);

/** Where a log goes. */
export const logTarget: z.ZodType<string, string> = readable(expectedTarget, (text) => {
  if (text === "/dev/log") return text;
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([0-9.]+)):([1-9][0-9]{0,4})$/.exec(text) ?? [];
  const canonical = canonicalAddress(bracketed ?? plain ?? "");
  if (canonical === null || Number(digits) > 65_535) return null;
  if (canonical.includes(":") !== (bracketed !== undefined)) return null;
  return bracketed === undefined ? `${canonical}:${digits}` : `[${canonical}]:${digits}`;
});
