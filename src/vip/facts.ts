import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { hexLines } from "../model/hex.ts";
import { hasModel, readManifest } from "../model/manifest.ts";
import type { VipModel } from "../model/vip.ts";
import { CHECK_PROGRAM } from "./check.ts";
import { addressKey, vipsOf } from "./normalize.ts";
import { CHECK, CONFIG, DROP_IN, MANIFEST, PENDING, YIELDED } from "./paths.ts";

/** What drover last applied on a balancer. */
export interface VipManifest {
  readonly model: VipModel;
  /** Of the text as installed. */
  readonly sha256: string;
}

/** What is diffed, and what makes the fingerprint of a saved plan. */
export interface VipStable {
  readonly installed: boolean;
  /** The Debian package to install where it is not. */
  readonly package: "keepalived";
  /** As `systemctl is-active keepalived` says. */
  readonly active: boolean;
  /** Started at boot. */
  readonly enabled: boolean;
  /** The file as it is, and the hash by which the previous one is kept and put back. */
  readonly config: { readonly sha256: string; readonly text: string } | null;
  /** The check's script and systemd's drop-in as they are; null: not there, or writable by others than root. */
  readonly check: string | null;
  readonly dropIn: string | null;
  readonly manifest: VipManifest | null;
  /** True when a change was cut off, so that the running process may have another file loaded. */
  readonly interrupted: boolean;
  /** True when keepalived was stopped on purpose: the VIP was handed over. */
  readonly yielded: boolean;
  /** Which interface carries which address of the host; its VIPs come and go and are not among them. */
  readonly interfaces: Readonly<Record<string, string>>;
}

/** What only gates look at. */
export interface VipLive {
  /** VIPs that are on this host now: those of its keepalived.conf and of the manifest, sorted. */
  readonly holds: readonly string[];
  /** What the check says: HAProxy here answers. */
  readonly alive: boolean;
}

/** All that is observed of one balancer's keepalived. */
export interface VipFacts {
  readonly stable: VipStable;
  readonly live: VipLive;
}

// Every value is one word of hex digits, so that nothing in a file can look like a section of ours.
const TEXT = `
perl -e '
  use strict; use warnings;
  sub say_hex { my ($key, $value) = @_; print "$key ", unpack("H*", $value), "\\n" if defined $value }
  sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
  chomp(my $active = qx(systemctl is-active keepalived 2>/dev/null)); say_hex("active", $active);
  chomp(my $enabled = qx(systemctl is-enabled keepalived 2>/dev/null)); say_hex("enabled", $enabled);
  say_hex("installed", "yes") if -x "/usr/sbin/keepalived";
  say_hex("config", slurp("${CONFIG}"));
  say_hex("sha256", substr(qx(sha256sum < ${CONFIG}), 0, 64)) if -f "${CONFIG}";
  my @check = stat("${CHECK}");
  say_hex("check", slurp("${CHECK}")) if @check && ($check[2] & 07777) == 0755 && $check[4] == 0;
  say_hex("dropin", slurp("${DROP_IN}"));
  say_hex("manifest", slurp("${MANIFEST}"));
  say_hex("pending", "yes") if -e "${PENDING}";
  say_hex("yielded", "yes") if -e "${YIELDED}";
  say_hex("addresses", scalar qx(ip -o addr show 2>/dev/null));
'
if perl -e '${CHECK_PROGRAM}' >/dev/null 2>&1; then echo 'alive 796573'; fi
echo 'end 796573'
`;

/** Addresses with their interfaces, from `ip -o addr`. */
export function parseAddresses(text: string): readonly { readonly address: string; readonly interface: string }[] {
  return text.split("\n").flatMap((line) => {
    const [, name, address] = /^\d+: (\S+)\s+inet6?\s+([0-9a-f.:]+)/.exec(line) ?? [];
    return name === undefined || address === undefined ? [] : [{ address, interface: name }];
  });
}

function isManifest(value: unknown): value is VipManifest {
  return hasModel(value) && "vips" in value.model && Array.isArray(value.model.vips);
}

/** Parses what {@link vipFact} printed. Throws a DroverError when it makes no sense. */
function parseVipFacts(stdout: string): VipFacts {
  const found = hexLines(stdout);
  if (!found.has("end")) throw new DroverError(failure("unknown-state", "the keepalived fact came back cut off"));
  const text = found.get("config");
  const manifest = readManifest(MANIFEST, found.get("manifest"), isManifest);
  const vips = [...vipsOf(text ?? ""), ...(manifest?.model.vips ?? []).map(({ address }) => address)];
  const known = new Set(vips.map(addressKey));
  const addresses = parseAddresses(found.get("addresses") ?? "");
  const own = addresses.filter(({ address }) => !known.has(addressKey(address)));
  const held = addresses.filter(({ address }) => known.has(addressKey(address)));
  return {
    stable: {
      installed: found.has("installed"),
      package: "keepalived",
      active: found.get("active") === "active",
      enabled: found.get("enabled") === "enabled",
      config: text === undefined ? null : { sha256: found.get("sha256") ?? "", text },
      check: found.get("check") ?? null,
      dropIn: found.get("dropin") ?? null,
      manifest,
      interrupted: found.has("pending"),
      yielded: found.has("yielded"),
      interfaces: Object.fromEntries(own.map((each) => [each.address, each.interface])),
    },
    live: {
      holds: [...new Set(held.map(({ address }) => address))].toSorted(),
      alive: found.has("alive"),
    },
  };
}

/** Observes a balancer's keepalived; works when it is missing or down. */
export const vipFact: Fact<VipFacts> = { name: "vip", text: TEXT, parse: parseVipFacts };
