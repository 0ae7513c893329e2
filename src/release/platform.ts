import type { Fact } from "../model/fact.ts";
import { DroverError, failure } from "../model/errors.ts";

/** What a host has of what drover needs to run apps on it. */
export interface PlatformFacts {
  /** systemd's major version; 0 where there is none or it is not what runs the host. */
  readonly systemd: number;
  /** As `uname -m` says it. */
  readonly architecture: string;
  /** Bytes free where releases are laid. */
  readonly freeBytes: number;
  /** Programs that are missing, with the Debian package that brings each. */
  readonly missing: readonly { readonly program: string; readonly package: string }[];
}

/** Debian packages by the program that is looked for. */
const PACKAGES: Readonly<Record<string, string>> = {
  perl: "perl-base",
  tar: "tar",
  gzip: "gzip",
  sha256sum: "coreutils",
  flock: "util-linux",
  userdel: "passwd",
  systemctl: "systemd",
  journalctl: "systemd",
  "systemd-sysusers": "systemd",
};

/** The oldest systemd whose units drover writes: `:` in ExecStart= and LoadCredential= (systemd 247). */
export const OLDEST_SYSTEMD = 247;

const TEXT = String.raw`
for p in perl tar gzip sha256sum flock userdel systemctl journalctl systemd-sysusers; do
  command -v "$p" >/dev/null 2>&1 || echo "missing $p"
done
echo "architecture $(uname -m)"
d=/opt/drover; [ -d "$d" ] || d=/opt; [ -d "$d" ] || d=/
echo "free $(df -Pk "$d" | tail -n 1)"
[ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 && echo "systemd $(systemctl --version | head -n 1)"
echo end
`;

/** Parses what {@link platformFact} prints. Throws a DroverError where it makes no sense. */
function parsePlatform(stdout: string): PlatformFacts {
  const lines = stdout.split("\n").filter((line) => line !== "");
  const all = (word: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const free = Number(all("free")[0]?.trim().split(/\s+/)[3]);
  const architecture = all("architecture")[0];
  if (architecture === undefined || !Number.isFinite(free) || lines.at(-1) !== "end") {
    throw new DroverError(failure("unknown-state", "the platform fact makes no sense", "", lines));
  }
  return {
    systemd: Number(/^systemd (\d+)/.exec(all("systemd")[0] ?? "")?.[1] ?? 0),
    architecture,
    freeBytes: free * 1024,
    missing: all("missing").map((program) => ({ program, package: PACKAGES[program] ?? program })),
  };
}

/** What a host brings, for preflight. */
export const platformFact: Fact<PlatformFacts> = { name: "platform", text: TEXT, parse: parsePlatform };
