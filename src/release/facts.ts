import type { Fact } from "../model/fact.ts";
import { DroverError, failure } from "../model/errors.ts";
import { isAppName, isReleaseId } from "./artifact.ts";
import { RELEASE_FACT } from "./scripts/facts.ts";

/** What drover wrote down on the host when it last switched the app (`/var/lib/drover/manifest/<app>.json`). */
export interface AppManifest {
  readonly app: string;
  /** Release id. */
  readonly release: string;
  /** SHA-256 of the unit and the drop-in it installed. */
  readonly unit: string;
  readonly dropIn: string;
  readonly port: number | null;
}

/** A release that lies unpacked on the host. */
export interface StagedRelease {
  readonly release: string;
  /** When it last proved healthy, in seconds since the epoch; null: never. */
  readonly healthy: number | null;
}

/** What systemd says of the unit. */
export interface UnitState {
  readonly active: string;
  readonly sub: string;
  /** The unit file on disk is newer than what systemd has loaded. */
  readonly needsReload: boolean;
  /** Live: never part of a fingerprint. */
  readonly mainPid: number;
  readonly restarts: number;
}

/** One app on one host as it was found. */
export interface InstanceFacts {
  readonly app: string;
  /** Null: drover has no record of the app here (or only staged something). */
  readonly manifest: AppManifest | null;
  /** The release id the installed drop-in names; null where there is none or it names no release of drover's. */
  readonly release: string | null;
  /** SHA-256 of the unit and the drop-in as installed. */
  readonly unit: string | null;
  readonly dropIn: string | null;
  /** Drop-ins that are not drover's. */
  readonly foreignDropIns: readonly string[];
  /** Started at boot. */
  readonly boot: boolean;
  /** A switch to this release was begun and never finished. */
  readonly switching: string | null;
  /** Null: systemd knows no such unit. */
  readonly state: UnitState | null;
  /** Sorted by release. */
  readonly staged: readonly StagedRelease[];
}

/** All of drover's apps on one host. */
export interface ReleaseFacts {
  /** Sorted by app. */
  readonly apps: readonly InstanceFacts[];
  /** Units `drover-*.service` of which drover has no record, sorted. */
  readonly orphans: readonly string[];
}

/** The words a line may start with, as scripts/facts.ts prints them. */
const WORDS: readonly string[] = [
  "manifest",
  "unit",
  "dropin",
  "runs",
  "foreign",
  "boot",
  "switching",
  "staged",
  "state",
];

type Lines = Readonly<Record<string, readonly string[]>>;

function nonsense(line: string): never {
  throw new DroverError(
    failure("unknown-state", `the release fact has a line that makes no sense: ${JSON.stringify(line)}`),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function manifestOf(app: string, json: string): AppManifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = null;
  }
  if (!isRecord(value) || value["app"] !== app || !isReleaseId(text(value["release"]))) {
    throw new DroverError(
      failure(
        "unknown-state",
        `/var/lib/drover/manifest/${app}.json is damaged`,
        `on the host: put it right, or remove drover-${app}.service and that file by hand`,
        [json],
      ),
    );
  }
  const port = value["port"];
  return {
    app,
    release: text(value["release"]),
    unit: text(value["unit"]),
    dropIn: text(value["dropIn"]),
    port: typeof port === "number" ? port : null,
  };
}

function stateOf(line: string): UnitState | null {
  const [load, active, sub, reload, pid, restarts] = line.split(" ");
  if (load === undefined || active === undefined || sub === undefined || restarts === undefined) nonsense(line);
  if (load === "not-found") return null;
  return { active, sub, needsReload: reload === "yes", mainPid: Number(pid), restarts: Number(restarts) };
}

function stagedOf(line: string): StagedRelease {
  const [release = "", healthy = ""] = line.split(" ");
  return { release, healthy: healthy === "-" ? null : Number(healthy) };
}

function instanceOf(app: string, lines: Lines): InstanceFacts {
  const one = (word: string): string | null => lines[word]?.[0] ?? null;
  const manifest = one("manifest");
  const runs = one("runs");
  const state = one("state");
  return {
    app,
    manifest: manifest === null ? null : manifestOf(app, manifest),
    release: runs !== null && isReleaseId(runs) ? runs : null,
    unit: one("unit"),
    dropIn: one("dropin"),
    foreignDropIns: lines["foreign"] ?? [],
    boot: one("boot") !== null,
    switching: one("switching"),
    state: state === null ? null : stateOf(state),
    staged: (lines["staged"] ?? []).map(stagedOf),
  };
}

/** Parses what {@link releaseFact} prints. Throws a DroverError where it makes no sense. */
function parseReleaseFacts(stdout: string): ReleaseFacts {
  const found: { readonly app: string; readonly lines: Record<string, string[]> }[] = [];
  const all = stdout.split("\n").filter((line) => line !== "");
  // A fact that was cut off must not look like a host with fewer apps.
  if (all.pop() !== "end") throw new DroverError(failure("unknown-state", "the release fact ended early"));
  for (const line of all) {
    const [word = "", ...words] = line.split(" ");
    const rest = words.join(" ");
    const last = found.at(-1);
    if (word === "app" && isAppName(rest)) found.push({ app: rest, lines: {} });
    else if (last !== undefined && WORDS.includes(word)) (last.lines[word] ??= []).push(rest);
    else nonsense(line);
  }
  const apps = found.map(({ app, lines }) => instanceOf(app, lines)).toSorted((a, b) => (a.app < b.app ? -1 : 1));
  const orphans = apps.filter((each) => each.manifest === null && each.unit !== null);
  return { apps, orphans: orphans.map((each) => `drover-${each.app}.service`) };
}

/** What drover's apps on a host are doing; one perl process, one `systemctl show` for all of them. */
export const releaseFact: Fact<ReleaseFacts> = { name: "release", text: RELEASE_FACT, parse: parseReleaseFacts };
