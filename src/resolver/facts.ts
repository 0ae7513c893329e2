import { z } from "zod";
import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { hexLines } from "../model/hex.ts";
import type { ResolverModel } from "../model/resolver.ts";
import { asksStub, dropInServers, globalServers } from "./normalize.ts";
import { DROP_IN, MANIFEST, PENDING, PREVIOUS, RESOLV_CONF } from "./paths.ts";

/** A file with what it takes to put it back. */
export interface KeptFile {
  readonly sha256: string;
  /** Octal, e.g. `0644`. */
  readonly mode: string;
  /** `0:0`. */
  readonly owner: string;
}

/** What drover last applied on a host. */
export interface ResolverManifest {
  readonly model: ResolverModel;
  /** What was told: systemd-resolved by a drop-in, or resolv.conf itself. */
  readonly way: "resolved" | "file";
  /** Of the text as installed. */
  readonly sha256: string;
  /** resolv.conf as it was before drover came; null: there was none, or it was left alone. */
  readonly original: KeptFile | null;
}

/** What /etc/resolv.conf is. */
export type ResolvConf =
  | ({ readonly kind: "file"; readonly text: string } & KeptFile)
  /** A symlink to systemd-resolved's stub. */
  | { readonly kind: "stub" }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "missing" };

/** How a host resolves names. All of it is stable: it is diffed, and makes the fingerprint of a saved plan. */
export interface ResolverFacts {
  readonly resolvConf: ResolvConf;
  /** systemd-resolved as far as it concerns a zone of its own; null: it does not run. */
  readonly resolved: {
    /** Servers that are not of one link: they would be bound to the zone with ours. Ours are not among them. */
    readonly others: readonly string[];
  } | null;
  /** systemd-resolved's drop-in of drover's name, whether that program is there or not. */
  readonly dropIn: { readonly sha256: string; readonly text: string } | null;
  readonly manifest: ResolverManifest | null;
  /** The text of the manifest's original; null where it names none, or it is lost. */
  readonly original: string | null;
  /** True when a change was cut off, so that nobody knows whether names resolve. */
  readonly interrupted: boolean;
}

/** Whether programs on the host ask systemd-resolved. */
export function asksResolved({ resolvConf, resolved }: ResolverFacts): boolean {
  if (resolvConf.kind === "stub") return true;
  return resolved !== null && resolvConf.kind === "file" && asksStub(resolvConf.text);
}

// Every value is one word of hex digits, so that nothing in a file can look like a section of ours. resolvectl is not asked:
// where D-Bus has not heard of systemd-resolved it takes 25 s to say so.
const TEXT = `
perl -e '
  use strict; use warnings;
  sub say_hex { my ($key, $value) = @_; print "$key ", unpack("H*", $value), "\\n" if defined $value }
  sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
  if (-l "${RESOLV_CONF}") { chomp(my $target = qx(readlink -m ${RESOLV_CONF})); say_hex("link", $target) }
  elsif (my @file = stat("${RESOLV_CONF}")) {
    say_hex("text", -f _ ? slurp("${RESOLV_CONF}") : undef);
    say_hex("sha256", substr(qx(sha256sum < ${RESOLV_CONF}), 0, 64)) if -f _;
    say_hex("mode", sprintf("%04o", $file[2] & 07777)); say_hex("owner", "$file[4]:$file[5]");
  }
  if (-x "/lib/systemd/systemd-resolved" && qx(systemctl is-active systemd-resolved) =~ /^active/) {
    say_hex("resolved", scalar qx(systemd-analyze --no-pager cat-config systemd/resolved.conf));
    say_hex("uplinks", slurp("/run/systemd/resolve/resolv.conf"));
  }
  if (-f "${DROP_IN}") { say_hex("dropin", slurp("${DROP_IN}")); say_hex("dropinsum", substr(qx(sha256sum < ${DROP_IN}), 0, 64)) }
  my $manifest = slurp("${MANIFEST}");
  say_hex("manifest", $manifest);
  if (defined $manifest && $manifest =~ /"original":\\{[^{}]*"sha256":"([0-9a-f]{64})"/) { say_hex("original", slurp("${PREVIOUS}/$1")) }
  say_hex("pending", "yes") if -e "${PENDING}";
' 2>/dev/null && echo 'end 796573'
`;

const STUB_FILES: readonly string[] = [
  "/run/systemd/resolve/stub-resolv.conf",
  "/usr/lib/systemd/resolv.conf",
  "/lib/systemd/resolv.conf",
];

function resolvConfOf(found: ReadonlyMap<string, string>): ResolvConf {
  const target = found.get("link");
  if (target !== undefined) return STUB_FILES.includes(target) ? { kind: "stub" } : { kind: "symlink", target };
  const [text, mode, owner] = [found.get("text"), found.get("mode"), found.get("owner")];
  if (mode === undefined || owner === undefined) return { kind: "missing" };
  if (text === undefined) {
    throw new DroverError(failure("unknown-state", `${RESOLV_CONF} is neither a file nor a symlink`));
  }
  return { kind: "file", text, sha256: found.get("sha256") ?? "", mode, owner };
}

const KEPT = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), mode: z.string(), owner: z.string() });
const MANIFEST_SCHEMA: z.ZodType<ResolverManifest> = z.object({
  model: z.object({ zone: z.string(), servers: z.array(z.string()), recursive: z.boolean() }),
  way: z.enum(["resolved", "file"]),
  sha256: z.string(),
  original: KEPT.nullable(),
});

function manifestOf(text: string | undefined): ResolverManifest | null {
  if (text === undefined) return null;
  try {
    const read = MANIFEST_SCHEMA.safeParse(JSON.parse(text));
    if (read.success) return read.data;
  } catch {
    // Told in the same words as any other file that is not ours.
  }
  const hint = `on that host: look at ${RESOLV_CONF} and ${DROP_IN}, put there what belongs there, then: rm ${MANIFEST}`;
  throw new DroverError(failure("unknown-state", `${MANIFEST} does not hold what drover writes there`, hint));
}

/** Parses what {@link resolverFact} printed. Throws a DroverError when it makes no sense. */
function parseResolverFacts(stdout: string): ResolverFacts {
  const found = hexLines(stdout);
  if (!found.has("end")) throw new DroverError(failure("unknown-state", "the resolver fact came back cut off"));
  const dropIn = found.get("dropin");
  const manifest = manifestOf(found.get("manifest"));
  const config = found.get("resolved");
  const ours = [...dropInServers(dropIn ?? ""), ...(manifest?.model.servers ?? [])];
  return {
    resolvConf: resolvConfOf(found),
    resolved: config === undefined ? null : { others: globalServers(config, found.get("uplinks") ?? "", ours) },
    dropIn: dropIn === undefined ? null : { sha256: found.get("dropinsum") ?? "", text: dropIn },
    manifest,
    original: found.get("original") ?? null,
    interrupted: found.has("pending"),
  };
}

/** Observes how a host resolves names, whatever it uses for it. */
export const resolverFact: Fact<ResolverFacts> = { name: "resolver", text: TEXT, parse: parseResolverFacts };
