import { sha256 } from "../../src/model/hash.ts";
import { FakeExit, type FakeHost } from "./host.ts";
import type { FakeCall, FakeFleet, FakeOutput, Interpreter } from "./transport.ts";

/** What a release does once it runs; times in milliseconds since its start. */
export type Behaviour =
  | { readonly kind: "healthy" }
  | { readonly kind: "never" }
  | { readonly kind: "crashes"; readonly after: number }
  | { readonly kind: "slow"; readonly after: number }
  /** The program cannot be executed. */
  | { readonly kind: "refuses" };

/** As the lab's shop: what a release does stands in its name. */
function behaviourOf(release: string): Behaviour {
  if (release.includes("-broken")) return { kind: "never" };
  if (release.includes("-crash")) return { kind: "crashes", after: 5000 };
  if (release.includes("-slow")) return { kind: "slow", after: 5000 };
  if (release.includes("-refuses")) return { kind: "refuses" };
  return { kind: "healthy" };
}

interface Staged {
  readonly unit: string;
  readonly dropIn: string;
  readonly secrets: readonly string[];
  /** Milliseconds; null: never. */
  healthy: number | null;
}

/** An app on a fake host. */
export interface FakeApp {
  readonly staged: Map<string, Staged>;
  /** What the manifest says; null: only staged. */
  current: { readonly release: string; readonly port: string } | null;
  /** As installed; a test may edit them to make drift. */
  unit: string | null;
  dropIn: string | null;
  /** Since when it runs; null: stopped. */
  started: number | null;
  pid: number;
}

/** The apps of a fake host, by name. */
export function fakeApps(host: FakeHost): Map<string, FakeApp> {
  const known = host.extra.get("release");
  if (known instanceof Map) return known;
  const apps = new Map<string, FakeApp>();
  host.extra.set("release", apps);
  return apps;
}

function appOn(host: FakeHost, name: string): FakeApp {
  const apps = fakeApps(host);
  const app = apps.get(name) ?? {
    staged: new Map(),
    current: null,
    unit: null,
    dropIn: null,
    started: null,
    pid: 100,
  };
  apps.set(name, app);
  return app;
}

/** True where a check of the app's health would pass now: what HAProxy sees. */
export function answers(host: FakeHost, name: string, now: number): boolean {
  const app = fakeApps(host).get(name);
  if (app === undefined || app.current === null || app.started === null) return false;
  const behaviour = behaviourOf(app.current.release);
  switch (behaviour.kind) {
    case "healthy":
    case "crashes":
      return true;
    case "slow":
      return now - app.started >= behaviour.after;
    case "never":
    case "refuses":
      return false;
  }
}

function staged({ host, args }: FakeCall): FakeOutput {
  const [app = "", release = "", unit, dropIn, ...secrets] = args;
  const there = fakeApps(host).get(app)?.staged.get(release);
  const whole =
    there !== undefined &&
    sha256(there.unit) === unit &&
    sha256(there.dropIn) === dropIn &&
    secrets.every((name) => there.secrets.includes(name));
  return { stdout: whole ? "staged\n" : "absent\n" };
}

function stage({ host, args, frames }: FakeCall): FakeOutput {
  const [app = "", release = "", want, , , , ...secrets] = args;
  const [unit, dropIn, ...rest] = frames.map((bytes) => Buffer.from(bytes));
  const artifact = rest.at(-1);
  if (unit === undefined || dropIn === undefined || artifact === undefined) throw new FakeExit(74, "input ended early");
  if (sha256(artifact) !== want) throw new FakeExit(65, "the artifact arrived with another sha256");
  host.put(`/opt/drover/${app}/releases/${release}`, artifact, "755", "root:root");
  appOn(host, app).staged.set(release, {
    unit: unit.toString(),
    dropIn: dropIn.toString(),
    secrets,
    healthy: null,
  });
  return {};
}

function discard(host: FakeHost, name: string, release: string): void {
  host.files.delete(`/opt/drover/${name}/releases/${release}`);
  const app = fakeApps(host).get(name);
  app?.staged.delete(release);
  if (app?.current === null && app.staged.size === 0) fakeApps(host).delete(name);
}

function unstage({ host, args }: FakeCall): FakeOutput {
  const [name = "", release = ""] = args;
  if (fakeApps(host).get(name)?.current?.release === release) return { stdout: "kept\n" };
  discard(host, name, release);
  return { stdout: "gone\n" };
}

function switchTo({ host, args, clock }: FakeCall): FakeOutput {
  const [name = "", release = "", port = "null"] = args;
  const app = appOn(host, name);
  const to = app.staged.get(release);
  if (to === undefined) throw new FakeExit(66, `${release} is not staged`);
  const runs = app.current?.release === release && app.started !== null;
  if (runs && app.unit === to.unit && app.dropIn === to.dropIn) return { stdout: "same\n" };
  app.current = { release, port };
  app.unit = to.unit;
  app.dropIn = to.dropIn;
  app.pid += 1;
  if (behaviourOf(release).kind === "refuses") {
    app.started = null;
    throw new FakeExit(69, `${release} did not start\nfailed at step EXEC`);
  }
  app.started = clock.now();
  return { stdout: "switched\n" };
}

async function probe({ host, args, clock, signal }: FakeCall): Promise<FakeOutput> {
  const [name = "", , , , , interval, , min, deadline, threshold] = args;
  const app = fakeApps(host).get(name);
  const start = clock.now();
  const end = start + Number(deadline);
  if (app === undefined || app.current === null || app.started === null)
    return verdict("crashed", { last: "the unit is inactive (dead)" });
  const behaviour = behaviourOf(app.current.release);
  const first = Math.max(start, behaviour.kind === "slow" ? app.started + behaviour.after : start);
  const healthyAt =
    behaviour.kind === "never" ? Infinity : first + Math.max(Number(min), (Number(threshold) - 1) * Number(interval));
  const crashAt = behaviour.kind === "crashes" ? app.started + behaviour.after : Infinity;
  const at = Math.min(healthyAt, crashAt, end);
  await clock.sleep(at - start, signal);
  const elapsed = at - start;
  if (at === crashAt) return verdict("crashed", { elapsed, last: "the main process ended (status 1, restarts 1)" });
  if (at === healthyAt) return verdict("healthy", { elapsed, first: first - start, last: "HTTP/1.1 200 OK" });
  return verdict("unhealthy", { elapsed, last: "HTTP/1.1 503 Service Unavailable" });
}

function verdict(kind: string, seen: { elapsed?: number; first?: number; last: string }): FakeOutput {
  const journal = kind === "healthy" ? "" : "journal the app's last words\n";
  const { elapsed = 0, first = "-", last } = seen;
  return {
    stdout: `verdict ${kind}\nelapsed ${elapsed}\nfirst ${first}\nprobes 3\nresets 0\nlast ${last}\n${journal}`,
  };
}

function mark({ host, args, clock }: FakeCall): FakeOutput {
  const there = fakeApps(host)
    .get(args[0] ?? "")
    ?.staged.get(args[1] ?? "");
  if (there !== undefined) there.healthy = clock.now();
  return {};
}

function remove({ host, args }: FakeCall): FakeOutput {
  const name = args[0] ?? "";
  for (const path of host.files.keys()) if (path.startsWith(`/opt/drover/${name}/`)) host.files.delete(path);
  fakeApps(host).delete(name);
  return {};
}

function prune({ host, args }: FakeCall): FakeOutput {
  const [name = "", keep] = args;
  const app = fakeApps(host).get(name);
  if (app === undefined) return {};
  const healthy = [...app.staged]
    .filter(([, { healthy: at }]) => at !== null)
    .toSorted(([, left], [, right]) => (right.healthy ?? 0) - (left.healthy ?? 0))
    .slice(0, Number(keep))
    .map(([release]) => release);
  const gone = [...app.staged.keys()].filter(
    (release) => !healthy.includes(release) && release !== app.current?.release,
  );
  for (const release of gone) discard(host, name, release);
  return { stdout: gone.map((release) => `${release}\n`).join("") };
}

/** What the fact `release` prints on this host. */
export function printReleaseFact(host: FakeHost): string {
  const lines = [...fakeApps(host)].toSorted(([left], [right]) => (left < right ? -1 : 1)).flatMap(printApp);
  return [...lines, "end", ""].join("\n");
}

function printApp([name, app]: [string, FakeApp]): readonly string[] {
  const lines = [`app ${name}`];
  if (app.current !== null) {
    const { release, port } = app.current;
    const of = app.staged.get(release);
    const sums = `"unit":"${sha256(of?.unit ?? "")}","dropIn":"${sha256(of?.dropIn ?? "")}"`;
    lines.push(`manifest {"app":"${name}","release":"${release}",${sums},"port":${port}}`, "boot");
  }
  if (app.unit !== null) lines.push(`unit ${sha256(app.unit)}`);
  if (app.dropIn !== null) {
    lines.push(`dropin ${sha256(app.dropIn)}`);
    const runs = /^WorkingDirectory=\/opt\/drover\/[^/]+\/releases\/(.+)$/m.exec(app.dropIn)?.[1];
    if (runs !== undefined) lines.push(`runs ${runs}`);
  }
  return [...lines, ...[...app.staged].map(printStaged), printState(app)];
}

function printStaged([release, { healthy }]: [string, Staged]): string {
  return `staged ${release} ${healthy === null ? "-" : Math.floor(healthy / 1000)}`;
}

function printState(app: FakeApp): string {
  if (app.unit === null) return "state not-found inactive dead no 0 0";
  return app.started === null ? "state loaded inactive dead no 0 0" : `state loaded active running no ${app.pid} 0`;
}

/** What the fact `platform` prints on a host that has everything. */
export const PLATFORM: string =
  "architecture x86_64\nfree / 1000000 1 999999 1% /\nsystemd systemd 252 (252.39)\nend\n";

const interpreters: Readonly<Record<string, Interpreter>> = {
  "release.staged": staged,
  "release.stage": stage,
  "release.unstage": unstage,
  "release.switch": switchTo,
  "release.probe": probe,
  "release.mark": mark,
  "release.remove": remove,
  "release.prune": prune,
};

/** Teaches a fake fleet the commands of the release domain. */
export function addReleaseCommands(fleet: FakeFleet): void {
  for (const [name, interpret] of Object.entries(interpreters)) fleet.interpreters.set(name, interpret);
}
