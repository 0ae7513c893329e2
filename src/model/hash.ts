import { createHash, createHmac } from "node:crypto";

/** A JSON value; plans, manifests and journals are made of nothing else. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and no white space: the same value gives the same bytes whatever order it was built in. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 of UTF-8 text or bytes, 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Keyed fingerprint of a secret's bytes (HMAC-SHA-256, hex): a plain hash of a short secret could be guessed. */
export function fingerprint(key: string, data: string | Uint8Array): string {
  return createHmac("sha256", key).update(data).digest("hex");
}
