import type { Fact } from "../model/fact.ts";
import { CERTS, CRT_LIST, FILES, MAPS } from "./paths.ts";
import { PERL_ASK } from "./script.ts";

/** What lies on disk, and what the running HAProxy has; null: it has nothing of that name. */
export interface Pair<T> {
  readonly disk: T;
  readonly runtime: T | null;
}

/** The files of a balancer as the running HAProxy has them. Asked for by a verification only: maps may be long. */
export interface LbDeep {
  /** Entries by the map's path, sorted. */
  readonly maps: Readonly<Record<string, Pair<readonly string[]>>>;
  /** Paths of the certificates it names, in its order; null: there is none. */
  readonly list: Pair<readonly string[]> | null;
  /** SHA-1 of the certificate itself, upper-case hex, by path. */
  readonly certificates: Readonly<Record<string, Pair<string>>>;
}

// Every value is one word of hex digits; a key's bytes never leave the host, only its certificate's hash does.
const TEXT = `
perl -e '
${PERL_ASK}
  sub hex_of { return defined $_[0] ? "x" . unpack("H*", $_[0]) : "-" }
  sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
  sub row { print join(" ", map { hex_of($_) } @_), "\\n" }
  sub sha1 {
    my ($body) = ($_[0] // "") =~ /-----BEGIN CERTIFICATE-----\\s+(.*?)-----END CERTIFICATE-----/s or return undef; $body =~ s/[^A-Za-z0-9+\\/=]//g;
    my ($sum) = qx(echo $body | base64 -d | sha1sum) =~ /^([0-9a-f]{40})/; return defined $sum ? uc $sum : undef;
  }
  for my $path (glob("${MAPS}/*.map")) { row("map", $path, slurp($path), scalar ask("admin", "show map $path")) }
  row("list", "${CRT_LIST}", slurp("${CRT_LIST}"), scalar ask("admin", "show ssl crt-list ${CRT_LIST}")) if -e "${CRT_LIST}";
  for my $path (glob("${CERTS}/*.pem")) {
    my ($has) = (ask("admin", "show ssl cert $path") // "") =~ /^SHA1 FingerPrint: ([0-9A-F]+)/m; row("certificate", $path, sha1(slurp($path)), $has);
  }
'
`;

function decode(word: string): string | null {
  if (!word.startsWith("x")) return null;
  return new TextDecoder().decode(
    Uint8Array.from(word.match(/[0-9a-f]{2}/g) ?? [], (byte) => Number.parseInt(byte, 16)),
  );
}

/** Lines that mean something, white space evened out. */
function entries(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function mapEntries(text: string | null): readonly string[] | null {
  // "Unknown map identifier." where it has none of that name.
  if (text === null || /^Unknown map/m.test(text)) return null;
  return entries(text)
    .map((line) => line.replace(/^0x[0-9a-f]+ /, ""))
    .toSorted();
}

function listPaths(text: string | null): readonly string[] | null {
  if (text === null || !text.includes(FILES)) return null;
  return entries(text).map((line) => line.split(" ")[0] ?? "");
}

/** Parses what {@link lbDeepFact} printed. */
function parseDeep(stdout: string): LbDeep {
  const maps: Record<string, Pair<readonly string[]>> = {};
  const certificates: Record<string, Pair<string>> = {};
  let list: LbDeep["list"] = null;
  for (const line of stdout.split("\n")) {
    const [kind, path = null, disk = null, runtime = null] = line.split(" ").map(decode);
    if (path === null) continue;
    if (kind === "map") maps[path] = { disk: mapEntries(disk) ?? [], runtime: mapEntries(runtime) };
    if (kind === "list") list = { disk: listPaths(disk) ?? [], runtime: listPaths(runtime) };
    if (kind === "certificate") certificates[path] = { disk: disk ?? "", runtime };
  }
  return { maps, list, certificates };
}

/** Compares nothing: gathers both sides of what {@link runtimeDiff} compares. */
export const lbDeepFact: Fact<LbDeep> = { name: "lb.deep", text: TEXT, parse: parseDeep };
