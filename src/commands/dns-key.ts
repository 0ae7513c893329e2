import { createHmac } from "node:crypto";
import type { DnsAlgorithm, DnsKey } from "../model/dns.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { DnsZone } from "../model/zone.ts";
import { Secret } from "../model/secret.ts";
import type { Topology } from "../model/topology.ts";
import type { Context } from "./context.ts";
import { secretBytes } from "./secret-bytes.ts";

/** What updates are signed with, and how servers that drover sets up are told. */
export interface ZoneKey {
  readonly key: DnsKey;
  /** The same secret as BIND writes it. */
  readonly base64: Secret;
}

/** RFC 8945 §6: a key should be at least as long as its algorithm's output. */
const LENGTHS: Readonly<Record<DnsAlgorithm, number>> = { "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64 };
/** Anything shorter is a slip rather than a key. */
const SHORTEST = 16;

/**
 * The zone's key: as the files give it, or made from the fleet's own key. Null where no zone is written to, and where the
 * fleet has no key yet. Throws a DroverError when the files' secret cannot be read or is no key.
 */
export async function zoneKey(context: Context, { dns }: Topology, fleetKey: string | null): Promise<ZoneKey | null> {
  const zone = dns?.zone ?? null;
  if (zone === null) return null;
  const { name, algorithm, secret } = zone.key;
  if (secret === null && (fleetKey === null || fleetKey === "")) return null;
  const bytes = secret === null ? derived(zone, fleetKey ?? "") : await given(context, secret);
  const base64 = new Secret(new TextEncoder().encode(Buffer.from(bytes).toString("base64")));
  return { key: { name, algorithm, secret: new Secret(bytes) }, base64 };
}

/**
 * Another hash than that of secrets' fingerprints, which anybody may see: whatever somebody takes for a secret, its
 * fingerprint is never this key. Another name makes another key.
 */
function derived({ name, key }: DnsZone, fleetKey: string): Uint8Array {
  const label = ["drover dns key", name, key.name, key.algorithm].join("\n");
  return createHmac("sha512", Buffer.from(fleetKey, "hex")).update(label).digest().subarray(0, LENGTHS[key.algorithm]);
}

async function given(context: Context, source: NonNullable<DnsZone["key"]["secret"]>): Promise<Uint8Array> {
  const what = "drover.yaml: dns.key.secret";
  const text = new TextDecoder().decode(await secretBytes(context, what, source)).trim();
  const bytes = Buffer.from(text, "base64");
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0;
  if (isBase64 && bytes.length >= SHORTEST) return bytes;
  const wanted = `base64 of at least ${String(SHORTEST)} bytes, as BIND writes it`;
  throw new DroverError(failure("secret", `${what}: expected ${wanted}`, "make one: tsig-keygen drover"));
}
