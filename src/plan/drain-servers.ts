import type { Health, RolloutSettings } from "../model/fleet.ts";
import type { AdminState } from "../lb/parse.ts";
import { resolveMinAvailable } from "./batches.ts";
import type { RecordsOnHost } from "./drain-records.ts";
import { appsToldOf, isToldByOthers, recordsOn } from "./drain-records.ts";
import type { PlanInput } from "./input.ts";
import { situationOf } from "./situation.ts";

/** A host's server of one app on one balancer, as it was found. */
interface ServerPlace {
  readonly balancer: string;
  readonly admin: AdminState;
  /** `disabled` in haproxy.cfg: a reload or a restart does not let it in. */
  readonly marked: boolean;
}

/** An app with a server on the host, or with records of it. */
export interface AppOnHost {
  readonly name: string;
  /** The balancers that carry the server, in inventory order. */
  readonly places: readonly ServerPlace[];
  /** False where the files do not want the app on this host any more. */
  readonly isWanted: boolean;
  readonly wasReady: boolean;
  /** The app's other hosts that are ready, in inventory order. */
  readonly readyElsewhere: readonly string[];
  readonly minAvailable: number;
  readonly rollout: Pick<RolloutSettings, "drainTimeout" | "drainAction">;
  readonly progressDeadline: number;
  readonly health: Health;
  /** Null: the app is not in DNS. */
  readonly records: RecordsOnHost | null;
  /** Whether records that are another's name the host for the app. */
  readonly toldByOthers: boolean;
}

/**
 * Out of service, and all that a drain does was done. One that is merely drained may still carry sessions: a killed drain
 * left it there, or a reload, after which the worker before may have kept them.
 */
export function isOut({ admin, marked }: ServerPlace): boolean {
  return admin === "maint" && marked;
}

/** In service, now and after a reload. */
export function isIn({ admin, marked }: ServerPlace): boolean {
  return admin === "ready" && !marked;
}

/** How an app is treated that no file names any more; nobody says what it needs. */
const NAMELESS: Pick<AppOnHost, "minAvailable" | "rollout" | "progressDeadline" | "health"> = {
  minAvailable: 0,
  rollout: { drainTimeout: 30_000, drainAction: "force" },
  progressDeadline: 600_000,
  health: { probe: { kind: "tcp" }, interval: 1000, timeout: 2000, successThreshold: 3, failureThreshold: 3 },
};

/** Every app of which a balancer that answered has a server on this host, by name. */
export function appsOn(host: string, input: PlanInput): readonly AppOnHost[] {
  const names = new Set([
    ...[...input.views.values()].flatMap(({ lb }) =>
      lb?.kind === "known"
        ? Object.values(lb.value.stable.manifest?.model.apps ?? {})
            .filter(({ servers }) => servers.some(({ name }) => name === host))
            .map(({ app }) => app)
        : [],
    ),
    ...appsToldOf(host, input),
  ]);
  return [...names].toSorted().map((name) => appOn(name, host, input));
}

function appOn(name: string, host: string, input: PlanInput): AppOnHost {
  const situation = situationOf(name, input);
  const { app, ready } = situation;
  const own =
    app === null
      ? NAMELESS
      : {
          minAvailable: resolveMinAvailable(app),
          rollout: app.rollout,
          progressDeadline: app.rollout.progressDeadline,
          health: app.health,
        };
  return {
    name,
    places: placesOf(name, host, input),
    isWanted: app?.instances.some((each) => each.host === host) === true,
    wasReady: ready.has(host),
    readyElsewhere: [...ready].filter((each) => each !== host),
    records: recordsOn(situation, host, input),
    toldByOthers: isToldByOthers(name, host, input),
    ...own,
  };
}

function placesOf(app: string, host: string, input: PlanInput): readonly ServerPlace[] {
  const server = `${app}/${host}`;
  return input.topology.hosts.flatMap(({ name: balancer }) => {
    const lb = input.views.get(balancer)?.lb;
    if (lb?.kind !== "known") return [];
    const { manifest, admin, disabled } = lb.value.stable;
    const carries = manifest?.model.apps[app]?.servers.some(({ name }) => name === host) === true;
    if (!carries) return [];
    return [{ balancer, admin: admin?.[server] ?? "ready", marked: disabled.includes(server) }];
  });
}
