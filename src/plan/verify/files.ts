import { configHash } from "../../lb/diff.ts";
import type { LbFacts } from "../../lb/facts.ts";
import { CONFIG } from "../../lb/paths.ts";

/** A balancer's files as the fleet's files give them, in the terms of {@link LbFacts}. */
export interface WantedFiles {
  /** Of haproxy.cfg without its marks. */
  readonly config: string;
  /** Path by path: the sha256 of a text, the fingerprint of a certificate; null: it could not be read here. */
  readonly files: Readonly<Record<string, string | null>>;
}

/** How one file of a balancer stands to what the fleet's files give. */
export interface FileStand {
  readonly path: string;
  readonly kind: "same" | "missing" | "by-hand" | "older" | "foreign" | "left-over" | "unknown";
}

/** haproxy.cfg first, then every other file that is there or should be, by path. */
export function fileStands({ stable }: LbFacts, wanted: WantedFiles): readonly FileStand[] {
  const { config, manifest, files } = stable;
  const applied = manifest?.files ?? {};
  const paths = [...new Set([...Object.keys(wanted.files), ...Object.keys(files)])].toSorted();
  return [
    standOf(CONFIG, {
      found: config === null ? undefined : configHash(config.text),
      applied: manifest?.sha256,
      wanted: wanted.config,
    }),
    ...paths.map((path) =>
      standOf(path, { found: files[path], applied: appliedHash(applied[path]), wanted: wanted.files[path] }),
    ),
  ];
}

function appliedHash(
  entry: { readonly sha256: string; readonly fingerprint?: string } | undefined,
): string | undefined {
  return entry?.fingerprint ?? entry?.sha256;
}

/** Three hashes of one file; undefined: there is none. */
interface Hashes {
  readonly found: string | undefined;
  readonly applied: string | undefined;
  readonly wanted: string | null | undefined;
}

function standOf(path: string, { found, applied, wanted }: Hashes): FileStand {
  if (found === wanted) return { path, kind: "same" };
  if (found === undefined) return { path, kind: "missing" };
  if (applied === undefined) return { path, kind: "foreign" };
  if (found !== applied) return { path, kind: "by-hand" };
  if (wanted === undefined) return { path, kind: "left-over" };
  return { path, kind: wanted === null ? "unknown" : "older" };
}

/** The state of all of a balancer's files in a few words, the worst of them. */
export function filesInWords({ stable }: LbFacts, stands: readonly FileStand[]): string {
  const has = (kind: FileStand["kind"]): boolean => stands.some((stand) => stand.kind === kind);
  if (stable.config === null) return "missing";
  if (stable.manifest === null) return "not drover's";
  if (stable.interrupted) return "cut off half-way";
  if (has("by-hand") || has("missing") || has("foreign")) return "changed by hand";
  if (has("older") || has("left-over")) return "older than the files";
  return "as drover wrote it";
}
