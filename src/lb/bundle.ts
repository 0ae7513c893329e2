import { canonicalJson, sha256 } from "../model/hash.ts";
import type { LbFile } from "../model/lb.ts";

/** What a file is, without its secrets: the sha256 of a text, the fingerprint of a certificate. */
export function fileId(file: LbFile): string {
  return file.kind === "text" ? sha256(file.text) : file.fingerprint;
}

/**
 * The name under which a balancer's files are kept when others take their place: of the exact bytes of haproxy.cfg and of
 * every other file's {@link fileId} by path. haproxy.cfg alone is kept under its own sha256.
 */
export function bundleHash(config: string, files: Readonly<Record<string, string>>): string {
  const own = sha256(config);
  return Object.keys(files).length === 0 ? own : sha256(canonicalJson({ config: own, files }));
}
