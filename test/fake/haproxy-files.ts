import { bundleHash } from "../../src/lb/bundle.ts";
import { CERTS, CONFIG, FILES, MANIFEST, PREVIOUS } from "../../src/lb/paths.ts";
import { sha256 } from "../../src/model/hash.ts";
import { FakeExit, type FakeHost } from "./host.ts";

/** A file of a bundle as a fake host has it. */
export interface FakeBundleFile {
  readonly kind: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** haproxy.cfg with all that it names. */
export interface FakeBundle {
  readonly config: string;
  readonly files: ReadonlyMap<string, FakeBundleFile>;
}

interface ManifestEntry {
  readonly sha256: string;
  readonly fingerprint?: string;
}

function manifestFiles(host: FakeHost): Readonly<Record<string, ManifestEntry>> {
  const text = host.text(MANIFEST);
  const value: { files?: Record<string, ManifestEntry> } = text === null ? {} : JSON.parse(text);
  return value.files ?? {};
}

/** What lies on the host now; null without a haproxy.cfg. */
export function liveBundle(host: FakeHost): FakeBundle | null {
  const config = host.text(CONFIG);
  const known = manifestFiles(host);
  const files = new Map<string, FakeBundleFile>();
  for (const [path, { bytes }] of host.files) {
    if (!path.startsWith(`${FILES}/`)) continue;
    const kind = path.startsWith(`${CERTS}/`) ? "certificate" : "text";
    const sum = sha256(bytes);
    const print = known[path]?.sha256 === sum ? known[path].fingerprint : undefined;
    files.set(path, { kind, id: kind === "text" ? sum : (print ?? "changed"), bytes });
  }
  return config === null ? null : { config, files };
}

/** A bundle as it came: an index and the files that were sent. */
export function readBundle(host: FakeHost, config: string, index: string, sent: readonly Uint8Array[]): FakeBundle {
  const live = liveBundle(host)?.files ?? new Map<string, FakeBundleFile>();
  const files = new Map<string, FakeBundleFile>();
  for (const line of index.split("\n").filter((each) => each !== "")) {
    const [place = "", kind = "", id = "", path = ""] = line.split(" ");
    const there = live.get(path);
    const bytes = place === "-" ? (there?.id === id ? there.bytes : undefined) : sent[Number(place)];
    if (bytes === undefined) throw new FakeExit(65, `${path} is not the certificate that was there when this began`);
    files.set(path, { kind, id, bytes });
  }
  return { config, files };
}

function hashOf({ config, files }: FakeBundle): string {
  return bundleHash(config, Object.fromEntries([...files].map(([path, { id }]) => [path, id])));
}

/** Keeps a bundle under its hash. */
export function keepBundle(host: FakeHost, bundle: FakeBundle): void {
  const folder = `${PREVIOUS}/${hashOf(bundle)}`;
  const entries = [...bundle.files].map(([path, { kind, id, bytes }], place) => {
    host.put(`${folder}/files/${String(place)}`, bytes, "600", "root");
    return `${String(place)} ${kind} ${id} ${path}\n`;
  });
  host.put(`${folder}/index`, Buffer.from(entries.join("")), "600", "root");
  host.put(`${folder}/haproxy.cfg`, Buffer.from(bundle.config), "600", "root");
}

/** What was kept under a hash; null where nothing was. */
export function keptBundle(host: FakeHost, hash: string): FakeBundle | null {
  const folder = `${PREVIOUS}/${hash}`;
  const config = host.text(`${folder}/haproxy.cfg`);
  if (config === null) return null;
  const index = host.text(`${folder}/index`) ?? "";
  const count = index.split("\n").length - 1;
  const sent = Array.from({ length: count }, (_, place) => host.files.get(`${folder}/files/${String(place)}`)?.bytes);
  return readBundle(
    host,
    config,
    index,
    sent.map((bytes) => bytes ?? new Uint8Array()),
  );
}

/** Lays a bundle on the host, and removes what is not of it. */
export function placeBundle(host: FakeHost, bundle: FakeBundle): void {
  for (const [path, { kind, bytes }] of bundle.files) {
    host.put(path, bytes, kind === "certificate" ? "600" : "644", "root");
  }
  host.put(CONFIG, Buffer.from(bundle.config), "644", "root");
  for (const path of host.files.keys()) {
    if (path.startsWith(`${FILES}/`) && !bundle.files.has(path)) host.files.delete(path);
  }
}

/** The manifest's `files`. */
export function manifestOf(bundle: FakeBundle): Readonly<Record<string, ManifestEntry>> {
  return Object.fromEntries(
    [...bundle.files].map(([path, { kind, id, bytes }]) => [
      path,
      kind === "certificate" && id !== "changed"
        ? { fingerprint: id, sha256: sha256(bytes) }
        : { sha256: sha256(bytes) },
    ]),
  );
}

/** True where both are the same bytes. */
export function isSameBundle(left: FakeBundle | null, right: FakeBundle): boolean {
  if (left === null || left.config !== right.config || left.files.size !== right.files.size) return false;
  return [...left.files].every(([path, { bytes }]) => {
    const other = right.files.get(path)?.bytes;
    return other !== undefined && Buffer.from(bytes).equals(other);
  });
}

/** The lines of a file that mean something to HAProxy. */
function meaningful(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString()
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Entries of maps that lead to no backend. */
function wrongEntry({ config, files }: FakeBundle): string | null {
  const backends = new Set([...config.matchAll(/^backend (\S+)/gm)].map((match) => match[1] ?? ""));
  for (const [path, { bytes }] of files) {
    if (!/\/maps\/(http|https|sni)\.map$/.test(path)) continue;
    const lines = meaningful(bytes).map((line) => line.split(/\s+/));
    const [key, value] = lines.find(([, each = ""]) => !backends.has(each)) ?? [];
    const name = path.slice(FILES.length + 1);
    if (key !== undefined) return `${name}: ${key} leads to ${value ?? ""}, and no backend is called that`;
  }
  return null;
}

/** What the checks before an install refuse; null where they pass. */
export function wrongWith(bundle: FakeBundle): string | null {
  const { config } = bundle;
  if (/^nonsense/m.test(config) || !config.endsWith("\n")) {
    return "HAProxy refuses the new haproxy.cfg\nunknown keyword 'nonsense'";
  }
  const entry = wrongEntry(bundle);
  if (entry !== null) return entry;
  const [, address = "", port = ""] = /^ +bind (198\.51\.100\.\d+):(\d+)/m.exec(config) ?? [];
  if (address !== "") return `${address} is no address of this host, so port ${port} cannot be opened there`;
  const [, maxconn = "0"] = /^ +maxconn (\d+)/m.exec(config) ?? [];
  return Number(maxconn) > 200_000 ? `maxconn ${maxconn} needs more file descriptors than systemd gives HAProxy` : null;
}
