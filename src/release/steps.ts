import type { LocalArtifact } from "../model/action.ts";
import type { Health } from "../model/fleet.ts";
import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import type { DesiredInstance } from "./desired.ts";

/** Stop (30 s) and start (30 s) as the unit limits them, and room for a slow disk and for waiting our turn. */
const SWITCH_DEADLINE = 120_000;
const REMOVE_DEADLINE = 120_000;
const TIDY_DEADLINE = 60_000;
/** Connection, the journal's last lines and the mark, on top of what the app is given. */
const PROBE_SLACK = 20_000;
/** The slowest way to a host that is still waited for, in bytes per millisecond. */
const SLOWEST = 100;

/** How long an app is probed and what counts; times in milliseconds. */
export interface ProbeSettings {
  readonly health: Health;
  readonly minHealthyTime: number;
  readonly healthyDeadline: number;
}

/** One instance, as far as it takes to name it. */
export interface InstanceRef {
  readonly app: string;
  readonly host: string;
}

/** A release of an instance that can be probed. */
export interface ReleaseRef extends InstanceRef {
  readonly address: string;
  readonly port: number | null;
  readonly release: string;
}

const none = (reason: string): DraftUndo => ({ kind: "none", reason });
const LAST = none("an undo step has no undo of its own");

/** Lays a release on its host. The undo takes it away again unless something refers to it by then. */
export function stageRelease(desired: DesiredInstance, artifact: LocalArtifact): Draft {
  const { app, host, release } = desired;
  const unstage: Draft = {
    phase: "stage",
    kind: "act",
    host,
    says: `remove staged ${app} ${release} on ${host}`,
    action: { kind: "release.unstage", host, app, release },
    deadline: TIDY_DEADLINE,
    undo: LAST,
  };
  return {
    phase: "stage",
    kind: "act",
    host,
    says: `stage ${app} ${release} on ${host}`,
    action: {
      kind: "release.stage",
      host,
      app,
      release,
      artifact,
      unit: desired.unit,
      dropIn: desired.dropIn,
      program: desired.program,
      secrets: desired.secrets,
    },
    deadline: 120_000 + Math.ceil(artifact.size / SLOWEST),
    undo: { kind: "stages", stages: [[unstage]] },
  };
}

function switchTo(to: Omit<ReleaseRef, "address">, says: string, undo: DraftUndo): Draft {
  const { app, host, release, port } = to;
  return {
    phase: "switch",
    kind: "act",
    host,
    says,
    action: { kind: "release.switch", host, app, release, port },
    deadline: SWITCH_DEADLINE,
    undo,
  };
}

/** Starts an instance where there was none; the undo removes it altogether. */
export function startInstance(desired: DesiredInstance): Draft {
  const undo: DraftUndo = { kind: "stages", stages: [[{ ...removeInstance(desired, "switch"), undo: LAST }]] };
  return switchTo(desired, `start ${desired.app} ${desired.release} on ${desired.host}`, undo);
}

/**
 * Makes another release the one that runs. The undo switches back to `previous` and waits until that is healthy,
 * probed with `probe` at the port it had.
 */
export function switchRelease(
  desired: DesiredInstance,
  previous: { readonly release: string; readonly port: number | null },
  probe: ProbeSettings,
): Draft {
  const { app, host, address } = desired;
  const before: ReleaseRef = { app, host, address, release: previous.release, port: previous.port };
  const back = switchTo(before, `switch ${app} on ${host} back to ${previous.release}`, LAST);
  return switchTo(desired, `switch ${app} on ${host} to ${desired.release}`, {
    kind: "stages",
    stages: [[back], [{ ...probeInstance(before, probe), undo: LAST }]],
  });
}

/** Waits until the instance has proved healthy. */
export function probeInstance(ref: ReleaseRef, probe: ProbeSettings): Draft {
  const { app, host, address, port, release } = ref;
  return {
    phase: "probe",
    kind: "gate",
    host,
    says: `probe ${app} on ${host}`,
    action: {
      kind: "release.probe",
      host,
      app,
      address,
      port,
      health: probe.health,
      minHealthyTime: probe.minHealthyTime,
      healthyDeadline: probe.healthyDeadline,
      release,
    },
    deadline: probe.healthyDeadline + PROBE_SLACK,
    undo: none("it only looks"),
  };
}

/** Stops an instance and removes all that drover made for it. No undo: what it ran from is gone. */
export function removeInstance(ref: InstanceRef, phase: Phase = "contract"): Draft {
  const { app, host } = ref;
  return {
    phase,
    kind: "act",
    host,
    says: `remove ${app} from ${host}`,
    action: { kind: "release.remove", host, app },
    deadline: REMOVE_DEADLINE,
    undo: none("the app leaves this host; deploying it again brings it back"),
  };
}

/** Removes old releases: the last `keep` healthy ones and all that are referred to stay. */
export function pruneReleases(ref: InstanceRef, keep: number): Draft {
  const { app, host } = ref;
  return {
    phase: "contract",
    kind: "act",
    host,
    says: `remove old releases of ${app} on ${host}`,
    action: { kind: "release.prune", host, app, keep },
    deadline: TIDY_DEADLINE,
    undo: none("only releases that nothing refers to are removed"),
  };
}
