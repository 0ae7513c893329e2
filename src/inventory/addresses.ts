import { z } from "zod";

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();

/**
 * An IP address in its one canonical spelling (RFC 5952 for IPv6), so that two spellings of one address are seen to be
 * the same; null for anything else: prefixes (`/24`), zones (`%eth0`), host names, and addresses nobody can have.
 */
export function canonicalAddress(text: string): string | null {
  if (ipv4.safeParse(text).success) return text === "0.0.0.0" ? null : text;
  if (!ipv6.safeParse(text).success) return null;
  // The URL standard serialises IPv6 hosts canonically.
  const canonical = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1) ?? null;
  return canonical === "::" ? null : canonical;
}
