import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { hexLines } from "../model/hex.ts";
import { hasModel, readManifest } from "../model/manifest.ts";
import type { NamedModel } from "../model/named.ts";
import { CACHE, CONFIG, KEY, KEY_SUM, MANIFEST, PENDING, ZONES } from "./paths.ts";

/** What drover last applied on a DNS server. */
export interface NamedManifest {
  readonly model: NamedModel;
  /** Of named.conf as installed. */
  readonly sha256: string;
}

/** A host's BIND. All of it is stable: it is diffed, and makes the fingerprint of a saved plan. */
export interface NamedFacts {
  readonly installed: boolean;
  /** The Debian package to install where it is not. */
  readonly package: "bind9";
  /** As BIND says it, e.g. `9.18.49-1~deb12u3-Debian`; null where it is not installed. */
  readonly version: string | null;
  readonly active: boolean;
  /** Started at boot. */
  readonly enabled: boolean;
  /** Of named.conf as it is, and the hash by which it is kept and put back; null: there is none. */
  readonly sha256: string | null;
  readonly manifest: NamedManifest | null;
  /** `changed`: not the file that was installed, or others may read it. The host compares; nothing of the key is told. */
  readonly key: "right" | "changed" | "missing";
  /** Zones of drover's whose file is here: this host is or was their primary. Sorted. */
  readonly zones: readonly string[];
  /** Zones of drover's that this host has a secondary's copy of: as a primary it would begin with that. Sorted. */
  readonly copies: readonly string[];
  /** True when a change was cut off, so that the running process may have other files loaded. */
  readonly interrupted: boolean;
}

// Every value is one word of hex digits, so that nothing in a file can look like a line of ours. Where there is neither BIND
// nor a trace of drover's, which is nearly everywhere, no process but perl is started.
const TEXT = `
perl -e '
  use strict; use warnings;
  sub say_hex { my ($key, $value) = @_; print "$key ", unpack("H*", $value), "\\n" if defined $value }
  sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
  sub sum { return substr(qx(sha256sum < $_[0]), 0, 64) }
  say_hex("manifest", slurp("${MANIFEST}"));
  say_hex("pending", "yes") if -e "${PENDING}";
  if (-x "/usr/sbin/named") {
    say_hex("installed", "yes");
    say_hex("version", (qx(/usr/sbin/named -v 2>/dev/null) =~ /^BIND (\\S+)/)[0]);
    chomp(my ($active, $enabled) = (scalar qx(systemctl is-active named 2>/dev/null), scalar qx(systemctl is-enabled named 2>/dev/null)));
    say_hex("active", $active); say_hex("enabled", $enabled);
  }
  say_hex("sha256", sum("${CONFIG}")) if -f "${CONFIG}";
  if (my @key = stat("${KEY}")) {
    my $safe = ($key[2] & 07777) == 0640 && $key[4] == 0 && $key[5] == (getgrnam("bind") // -1);
    my $noted = slurp("${KEY_SUM}") // ""; chomp $noted;
    say_hex("key", $safe && $noted eq sum("${KEY}") ? "right" : "changed");
  }
  sub names { my ($folder, $like) = @_; opendir(my $d, $folder) or return ""; return join(" ", sort map { $_ =~ $like && -s "$folder/$_" ? $1 : () } readdir $d) }
  say_hex("zones", names("${ZONES}", qr/^([^\\/]+)\\.zone\\z/)); say_hex("copies", names("${CACHE}", qr/^drover-([^\\/]+)\\.zone\\z/));
  say_hex("end", "yes");
'
`;

const ROLES: readonly unknown[] = ["primary", "secondary"];

function isManifest(value: unknown): value is NamedManifest {
  return (
    hasModel(value) &&
    "zone" in value.model &&
    typeof value.model.zone === "string" &&
    "role" in value.model &&
    ROLES.includes(value.model.role)
  );
}

function keyOf(word: string | undefined): NamedFacts["key"] {
  if (word === undefined) return "missing";
  return word === "right" ? "right" : "changed";
}

function namesOf(words: string | undefined): readonly string[] {
  return (words ?? "").split(" ").filter((name) => name !== "");
}

/** Parses what {@link namedFact} printed. Throws a DroverError when it makes no sense. */
function parseNamedFacts(stdout: string): NamedFacts {
  const found = hexLines(stdout);
  if (!found.has("end")) throw new DroverError(failure("unknown-state", "the BIND fact came back cut off"));
  return {
    installed: found.has("installed"),
    package: "bind9",
    version: found.get("version") ?? null,
    active: found.get("active") === "active",
    enabled: found.get("enabled") === "enabled",
    sha256: found.get("sha256") ?? null,
    manifest: readManifest(MANIFEST, found.get("manifest"), isManifest),
    key: keyOf(found.get("key")),
    zones: namesOf(found.get("zones")),
    copies: namesOf(found.get("copies")),
    interrupted: found.has("pending"),
  };
}

/** Observes a host's BIND; works where it is missing or down, and is asked of every host. */
export const namedFact: Fact<NamedFacts> = { name: "named", text: TEXT, parse: parseNamedFacts };
