import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import { place, readError } from "./failures.ts";
import type { Endpoint } from "./failures.ts";
import { knownName, linesFor, parseKnownHosts } from "./known-hosts.ts";
import type { KnownKey, Verdict } from "./known-hosts.ts";
import { expandHome } from "./options.ts";
import type { Places } from "./options.ts";

/** What the known_hosts files hold. */
export interface KnownHosts {
  readonly keys: readonly KnownKey[];
  /** As written in drover.yaml, for hints. */
  readonly files: readonly string[];
  /** What is wrong with those that could not be read, a sentence each. */
  readonly unread: readonly string[];
}

/**
 * Reads the known_hosts files: those of `ssh.knownHosts`, or ssh's own two when there are none. A file that is not
 * there holds no keys: of several, one often is not.
 */
export async function loadKnownHosts(written: readonly string[], places: Places): Promise<KnownHosts> {
  const files = written.length > 0 ? written : ["~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"];
  const unread: string[] = [];
  const parsed = await Promise.all(
    files.map(async (file) => {
      const path = resolve(places.directory, expandHome(file, places.home));
      try {
        return parseKnownHosts(path, await readFile(path, "utf8"));
      } catch (error) {
        const { code } = readError(error);
        unread.push(code === "ENOENT" ? `there is no file ${path}` : `${path} cannot be read: ${code}`);
        return [];
      }
    }),
  );
  return { keys: parsed.flat(), files, unread: unread.toSorted() };
}

/** The lines about a host, by its name in the inventory or by its address: people write either. */
export function keysOf(endpoint: Endpoint, all: readonly KnownKey[]): readonly KnownKey[] {
  return linesFor(all, [knownName(endpoint.host, endpoint.port), knownName(endpoint.address, endpoint.port)]);
}

/** The failure for a key that is not trusted; null when it is. Nothing is ever accepted unseen. */
export function hostKeyFailure(
  endpoint: Endpoint,
  verdict: Verdict,
  fingerprint: string,
  { files, unread }: KnownHosts,
): Failure | null {
  const where = place(endpoint);
  const name = knownName(endpoint.address, endpoint.port);
  const file = files[0] ?? "known_hosts";
  switch (verdict.kind) {
    case "trusted":
      return null;
    case "revoked":
      return failure(
        "host-key-revoked",
        `the host key of ${where} is revoked at ${verdict.by.file}:${verdict.by.line}`,
        "give the host a new key, and remove the revoked line only when you know why it was there",
        [`it showed ${fingerprint}`],
      );
    case "changed":
      return failure(
        "host-key-changed",
        `the host key of ${where} has changed: it is not the one at ${verdict.known.map((key) => `${key.file}:${key.line}`).join(", ")}`,
        `if the host was really reinstalled, try: ssh-keygen -f ${file} -R '${name}', and add its new key`,
        [`it showed ${fingerprint}`],
      );
    case "unknown":
      return failure(
        "host-key-unknown",
        `the host key of ${where} is not known${unread.length === files.length ? `: ${unread.join(", ")}` : ""}`,
        verdict.authorities.length > 0
          ? "only a @cert-authority line matches, and host certificates are not supported: add the host's own key"
          : `compare this fingerprint with the host's own, then try: ssh-keyscan -p ${endpoint.port} ${endpoint.address} >> ${file}`,
        [`it showed ${fingerprint}`, ...(unread.length === files.length ? [] : unread)],
      );
  }
}
