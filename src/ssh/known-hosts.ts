import { createHmac } from "node:crypto";

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownKey {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly marker: "none" | "revoked" | "cert-authority";
  /** Comma-separated patterns, or one hashed name. */
  readonly names: string;
  /** e.g. `ssh-ed25519`. */
  readonly type: string;
  /** The key in base64, as sent over the wire. */
  readonly key: string;
}

/** What known_hosts says about a key that a host has shown. */
export type Verdict =
  | { readonly kind: "trusted"; readonly by: KnownKey }
  | { readonly kind: "revoked"; readonly by: KnownKey }
  | { readonly kind: "changed"; readonly known: readonly KnownKey[] }
  | { readonly kind: "unknown"; readonly authorities: readonly KnownKey[] };

/** Parses a known_hosts file. Lines that make no sense are passed over, as ssh does: they can only make a host unknown. */
export function parseKnownHosts(file: string, text: string): readonly KnownKey[] {
  const keys: KnownKey[] = [];
  text.split("\n").forEach((raw, at) => {
    const words = raw.trim().split(/[ \t]+/);
    if (words[0] === undefined || words[0] === "" || words[0].startsWith("#")) return;
    const marker = markerOf(words[0]);
    if (marker === null) return;
    const [names, type, key] = marker === "none" ? words : words.slice(1);
    if (names === undefined || type === undefined || key === undefined) return;
    keys.push({ file, line: at + 1, marker, names, type, key });
  });
  return keys;
}

function markerOf(word: string): KnownKey["marker"] | null {
  if (!word.startsWith("@")) return "none";
  if (word === "@revoked") return "revoked";
  return word === "@cert-authority" ? "cert-authority" : null;
}

/** A host as known_hosts writes it: plain on port 22, `[name]:port` elsewhere; lower case. */
export function knownName(name: string, port: number): string {
  const lower = name.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** The lines about a host, under any of its names. */
export function linesFor(keys: readonly KnownKey[], names: readonly string[]): readonly KnownKey[] {
  return keys.filter((key) => names.some((name) => matches(key.names, name)));
}

/** Judges a key among the {@link linesFor} a host. A revoked key is revoked whatever other lines say. */
export function judge(about: readonly KnownKey[], key: Uint8Array): Verdict {
  const shown = Buffer.from(key).toString("base64");
  const same = about.filter((line) => line.key === shown);
  const revoked = same.find((line) => line.marker === "revoked");
  if (revoked !== undefined) return { kind: "revoked", by: revoked };
  const trusted = same.find((line) => line.marker === "none");
  if (trusted !== undefined) return { kind: "trusted", by: trusted };
  const known = about.filter((line) => line.marker === "none");
  if (known.length > 0) return { kind: "changed", known };
  return { kind: "unknown", authorities: about.filter((line) => line.marker === "cert-authority") };
}

const signatures: Readonly<Record<string, readonly string[]>> = { "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"] };
const supported = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
] as const;

/** A host key algorithm that drover accepts. */
export type HostKeyAlgorithm = (typeof supported)[number];

/**
 * Algorithms to offer: those whose keys we know first, so that a host with several keys shows one of them. SHA-1
 * signatures (`ssh-rsa`) are not offered.
 */
export function algorithmsFor(about: readonly KnownKey[]): HostKeyAlgorithm[] {
  const known = about.filter((line) => line.marker === "none").flatMap((line) => signatures[line.type] ?? [line.type]);
  const preferred = supported.filter((algorithm) => known.includes(algorithm));
  return [...preferred, ...supported.filter((algorithm) => !preferred.includes(algorithm))];
}

function matches(names: string, name: string): boolean {
  if (names.startsWith("|")) return matchesHash(names, name);
  let matched = false;
  for (const pattern of names.toLowerCase().split(",")) {
    if (pattern.startsWith("!")) {
      if (glob(pattern.slice(1), name)) return false;
    } else if (glob(pattern, name)) {
      matched = true;
    }
  }
  return matched;
}

/** `|1|salt|hash`: HMAC-SHA-1 of the name, keyed with the salt, both in base64. */
function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

/** `*` and `?` as in ssh_config's patterns; nothing else is special, brackets neither. */
function glob(pattern: string, name: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(name);
}
