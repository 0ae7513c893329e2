import type { LbModel, ServerAddress } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { hexLines } from "../model/hex.ts";
import { hasModel, readManifest } from "../model/manifest.ts";
import { normalizeHaproxy, refName } from "./normalize.ts";
import { parseAbout, parseProc, parseServersState, parseStat } from "./parse.ts";
import type { About, AdminState, Processes, ServerRow, ServerStat } from "./parse.ts";
import { CERTS, CONFIG, FILES, MANIFEST, PENDING } from "./paths.ts";
import { PERL_ASK } from "./script.ts";

/** What drover last applied on a balancer. */
export interface LbManifest {
  readonly model: LbModel;
  /** Of the applied text without its `disabled` marks: marks come and go with rollouts. */
  readonly sha256: string;
  /** By path. A certificate has a fingerprint besides: the sha256 says whether the file is still that one. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly fingerprint?: string }>>;
}

/** What is diffed, and what makes the fingerprint of a saved plan. */
export interface LbStable {
  readonly installed: boolean;
  /** The Debian package to install where it is not. */
  readonly package: "haproxy";
  /** As `systemctl is-active haproxy` says. */
  readonly active: boolean;
  /** The file as it is; `sha256` of its exact bytes, by which the previous one is kept and put back. */
  readonly config: { readonly sha256: string; readonly text: string } | null;
  /**
   * All other files by path: the sha256 of a text, the fingerprint of a certificate; `changed` for one that is not the one
   * drover laid there.
   */
  readonly files: Readonly<Record<string, string>>;
  /** "backend/server" of every server marked in the file, sorted. */
  readonly disabled: readonly string[];
  /**
   * Administrative state of every server that a file names, by "backend/server"; null when HAProxy does not answer. Servers
   * that DNS names come and go by themselves: they are no part of what is planned.
   */
  readonly admin: Readonly<Record<string, AdminState>> | null;
  readonly manifest: LbManifest | null;
  /** True when a change of the file was cut off, so that the running process may have another one loaded. */
  readonly interrupted: boolean;
}

/** A place for a server of a followed service, as HAProxy fills it. */
export interface FollowedServer {
  readonly srv: string;
  /** The host and the port that DNS names; null: the place is empty. */
  readonly at: { readonly target: string; readonly port: number } | null;
  /** What somebody told HAProxy by hand; else `ready`. */
  readonly admin: AdminState;
}

/** What only gates look at. */
export interface LbLive {
  /** By "backend/server". */
  readonly servers: Readonly<Record<string, ServerStat>>;
  /** Where HAProxy itself thinks each server is, by "backend/server". */
  readonly addresses: Readonly<Record<string, ServerAddress>>;
  /** The servers that HAProxy finds by DNS, by "backend/server". */
  readonly followed: Readonly<Record<string, FollowedServer>>;
  /** Null when HAProxy does not answer. */
  readonly about: About | null;
  /** Null when the master's socket does not answer. */
  readonly processes: Processes | null;
}

/** All that is observed of one balancer. */
export interface LbFacts {
  readonly stable: LbStable;
  readonly live: LbLive;
}

// One perl process and a few small programs; every value is one word of hex digits, so that nothing in a file can look like a
// section of ours.
const TEXT = `
printf 'active %s\\n' "$(systemctl is-active haproxy 2>/dev/null | tr -d '\\n' | od -An -v -tx1 | tr -d ' \\n')"
if [ -f ${CONFIG} ]; then printf 'sha256 %s\\n' "$(sha256sum < ${CONFIG} | cut -c1-64 | tr -d '\\n' | od -An -v -tx1 | tr -d ' \\n')"; fi
printf 'files %s\\n' "$(find ${FILES} -type f ! -name '*.drover-*' -exec sha256sum {} + 2>/dev/null | od -An -v -tx1 | tr -d ' \\n')"
perl -e '
${PERL_ASK}
  sub say_hex { my ($key, $value) = @_; print "$key ", unpack("H*", $value), "\\n" if defined $value }
  sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
  say_hex("installed", "yes") if -x "/usr/sbin/haproxy";
  say_hex("config", slurp("${CONFIG}"));
  say_hex("manifest", slurp("${MANIFEST}"));
  say_hex("pending", "yes") if -e "${PENDING}";
  say_hex("servers", ask("admin", "show servers state"));
  say_hex("stat", ask("admin", "show stat -1 4 -1"));
  say_hex("info", ask("admin", "show info"));
  say_hex("proc", ask("master", "show proc"));
'
`;

function isManifest(value: unknown): value is Omit<LbManifest, "files"> & Partial<Pick<LbManifest, "files">> {
  return hasModel(value) && "apps" in value.model;
}

/** `sha256  path` lines as the host prints them. */
function filesOf(listing: string, manifest: LbManifest | null): Readonly<Record<string, string>> {
  const entries = listing.split("\n").flatMap((line) => {
    const [, sum, path] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    return sum === undefined || path === undefined ? [] : [[path, idOf(sum, path, manifest)] as const];
  });
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function idOf(sum: string, path: string, manifest: LbManifest | null): string {
  if (!path.startsWith(`${CERTS}/`)) return sum;
  const known = manifest?.files[path];
  return known?.sha256 === sum ? (known.fingerprint ?? "changed") : "changed";
}

function stableOf(found: ReadonlyMap<string, string>): LbStable {
  const text = found.get("config");
  const rows = found.get("servers");
  const written = readManifest(MANIFEST, found.get("manifest"), isManifest);
  const manifest = written === null ? null : { ...written, files: written.files ?? {} };
  return {
    installed: found.has("installed"),
    package: "haproxy",
    // While it reloads it serves as before.
    active: ["active", "reloading"].includes(found.get("active") ?? ""),
    config: text === undefined ? null : { sha256: found.get("sha256") ?? "", text },
    files: filesOf(found.get("files") ?? "", manifest),
    disabled: text === undefined ? [] : [...normalizeHaproxy(text).disabled].toSorted(),
    admin:
      rows === undefined
        ? null
        : Object.fromEntries(
            parseServersState(rows).flatMap((row) => (row.srv === null ? [[refName(row), row.admin]] : [])),
          ),
    manifest,
    interrupted: found.has("pending"),
  };
}

function followedOf(rows: readonly ServerRow[]): LbLive["followed"] {
  const found = rows.flatMap((row): readonly (readonly [string, FollowedServer])[] => {
    const { srv, target, port, admin } = row;
    if (srv === null) return [];
    // An empty place keeps its last port.
    const isEmpty = target === null || row.address === "-";
    return [[refName(row), { srv, at: isEmpty ? null : { target, port }, admin }]];
  });
  return Object.fromEntries(found);
}

/** Parses what {@link lbFact} printed. Throws a DroverError when it makes no sense. */
function parseLbFacts(stdout: string): LbFacts {
  const found = hexLines(stdout);
  if (!found.has("active")) throw new DroverError(failure("unknown-state", "the balancer fact came back cut off"));
  const stat = found.get("stat");
  const proc = found.get("proc");
  const info = found.get("info");
  const rows = found.get("servers");
  return {
    stable: stableOf(found),
    live: {
      servers: Object.fromEntries(
        (stat === undefined ? [] : parseStat(stat)).map((server) => [refName(server), server]),
      ),
      addresses: Object.fromEntries(
        (rows === undefined ? [] : parseServersState(rows)).map((row) => [
          refName(row),
          { address: row.address, port: row.port },
        ]),
      ),
      followed: rows === undefined ? {} : followedOf(parseServersState(rows)),
      about: info === undefined ? null : parseAbout(info),
      processes: proc === undefined ? null : parseProc(proc),
    },
  };
}

/** Observes a balancer; works when HAProxy is missing or down. */
export const lbFact: Fact<LbFacts> = { name: "lb", text: TEXT, parse: parseLbFacts };
