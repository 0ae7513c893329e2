import type { ReleaseAction } from "../../model/action.ts";
import { mutating, reading, type Command } from "../../model/command.ts";
import { failure, type Failure } from "../../model/errors.ts";
import { done, failed, run, type Operation } from "../../model/operation.ts";
import { evidence, judge } from "../judge.ts";
import { PROBE } from "../scripts/probe.ts";
import { MARK } from "../scripts/switch.ts";

type Probe = Extract<ReleaseAction, { kind: "release.probe" }>;

/** What the probing program found; times in milliseconds. */
interface Verdict {
  readonly kind: "healthy" | "crashed" | "unhealthy";
  readonly elapsed: number;
  /** From the start to the pass from which `minHealthyTime` was counted; null: no such pass. */
  readonly first: number | null;
  readonly probes: number;
  /** How often a failed probe made the clock start over. */
  readonly resets: number;
  /** What the last probe saw. */
  readonly last: string;
  readonly journal: readonly string[];
}

/** Reads what scripts/probe.ts prints; null where it makes no sense. */
function parseVerdict(stdout: string): Verdict | null {
  const lines = evidence(stdout);
  const value = (word: string): string | null =>
    lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1) ?? null;
  const kind = value("verdict");
  if (kind !== "healthy" && kind !== "crashed" && kind !== "unhealthy") return null;
  const first = value("first");
  return {
    kind,
    elapsed: Number(value("elapsed")),
    first: first === null || first === "-" ? null : Number(first),
    probes: Number(value("probes")),
    resets: Number(value("resets")),
    last: value("last") ?? "",
    journal: lines.filter((line) => line.startsWith("journal ")).map((line) => line.slice("journal ".length)),
  };
}

/** The command that probes; it ends by itself at `healthyDeadline`. */
function probeCommand(action: Probe): Command {
  const { app, address, port, health, minHealthyTime, healthyDeadline } = action;
  // A worker has nothing to connect to: its process is what can be watched.
  const kind = port === null ? "process" : health.probe.kind;
  const path = health.probe.kind === "http" ? health.probe.path : "/";
  const numbers = [health.interval, health.timeout, minHealthyTime, healthyDeadline, health.successThreshold];
  return reading("release.probe", PROBE, [app, address, String(port ?? 0), kind, path, ...numbers.map(String)]);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function notHealthy(action: Probe, verdict: Verdict): Failure {
  const { app, host, release, healthyDeadline } = action;
  const what =
    verdict.kind === "crashed"
      ? `${app} ${release} on ${host} crashed ${seconds(verdict.elapsed)} into its probing`
      : `${app} ${release} on ${host} was not healthy within ${seconds(healthyDeadline)}`;
  const again = verdict.resets === 0 ? [] : [`it had passed and failed again ${times(verdict.resets)}`];
  const last = `last probe of ${verdict.probes}: ${verdict.last}`;
  return failure("unhealthy", what, `more: journalctl -u drover-${app} on ${host}`, [
    last,
    ...again,
    ...verdict.journal,
  ]);
}

/** Waits on the host until the app has proved healthy, then marks the release as one that was. */
export function* probe(action: Probe): Operation {
  const { app, host, release } = action;
  const ran = yield* run(host, probeCommand(action));
  const verdict = ran.code === 0 ? parseVerdict(ran.stdout) : null;
  if (verdict === null) return failed(judge(`probe ${app} on ${host}`, ran));
  if (verdict.kind !== "healthy") return failed(notHealthy(action, verdict));
  const marked = yield* run(host, mutating("release.mark", MARK, [app, release]));
  if (marked.code !== 0) return failed(judge(`mark ${app} ${release} on ${host} as healthy`, marked));
  const again = verdict.resets === 0 ? "" : `; a failed probe started the clock over ${times(verdict.resets)}`;
  return done(`healthy after ${seconds(verdict.elapsed)}, first answer after ${seconds(verdict.first ?? 0)}${again}`);
}
