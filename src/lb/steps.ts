import type { LbAction } from "../model/action.ts";
import type { LbChange, LbFile, LbModel, ServerAddress, ServerRef } from "../model/lb.ts";
import type { Health, RolloutSettings } from "../model/fleet.ts";
import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import { asksOf } from "./asks.ts";
import { bundleHash } from "./bundle.ts";
import { addressText, refName } from "./normalize.ts";

/** Drafts side by side, stage after stage. */
export type DraftStages = readonly (readonly Draft[])[];

/** One server and every balancer that knows it. Drains count only when all of them agree (notes: state is per process). */
export interface ServerOnBalancers {
  readonly balancers: readonly string[];
  readonly server: ServerRef;
  /** Fewest servers of the backend that stay ready and up without this one. */
  readonly floor: number;
  readonly rollout: Pick<RolloutSettings, "drainTimeout" | "drainAction">;
  readonly health: Health;
}

/** Beyond `hard-stop-after 5m` of the template no old worker is left to wait for. */
const STEP_ZERO_DEADLINE = 330_000;
const SHORT_DEADLINE = 30_000;
/** Staging, check, reload, verification and, on failure, all of it backwards. */
const INSTALL_DEADLINE = 120_000;

function none(reason: string): DraftUndo {
  return { kind: "none", reason };
}

function stages(...all: (readonly Draft[])[]): DraftUndo {
  return { kind: "stages", stages: all };
}

const INVERSE = none("it is itself an undo");

/** Long enough for a healthy app's fresh passes; a host that is lost is not waited for longer. */
function rejoinDeadline({ interval, timeout, successThreshold }: Health): number {
  return 5000 + (successThreshold + 1) * (interval + timeout);
}

/** A fresh pass takes `successThreshold` checks; a loaded machine may need many times that. */
function proveDeadline({ interval, timeout, successThreshold }: Health): number {
  return 30_000 + 5 * successThreshold * (interval + timeout);
}

function mark(balancer: string, server: ServerRef, disabled: boolean, undo: DraftUndo): Draft {
  const action: LbAction = { kind: "lb.mark", balancer, server, disabled };
  const says = `${disabled ? "mark" : "unmark"} ${refName(server)} in haproxy.cfg on ${balancer}`;
  const phase = disabled ? "withdraw" : "enable";
  return { phase, kind: "act", host: balancer, says, action, deadline: SHORT_DEADLINE + 30_000, undo };
}

function drain(balancer: string, what: ServerOnBalancers, undo: DraftUndo): Draft {
  const { server, floor } = what;
  const action: LbAction = { kind: "lb.drain", balancer, server, floor };
  const says = `drain ${refName(server)} on ${balancer}`;
  return { phase: "drain", kind: "act", host: balancer, says, action, deadline: STEP_ZERO_DEADLINE, undo };
}

function quiesce(balancer: string, what: ServerOnBalancers): Draft {
  const { server, rollout } = what;
  const { drainTimeout, drainAction } = rollout;
  const action: LbAction = { kind: "lb.quiesce", balancer, server, drainTimeout, drainAction };
  const says = `wait for the sessions of ${refName(server)} on ${balancer}`;
  const undo = none("sessions that ended do not come back");
  return { phase: "drain", kind: "wait", host: balancer, says, action, deadline: drainTimeout + SHORT_DEADLINE, undo };
}

function maint(balancer: string, server: ServerRef): Draft {
  const action: LbAction = { kind: "lb.maint", balancer, server };
  const says = `put ${refName(server)} into maintenance on ${balancer}`;
  const undo = none("the drain before it is undone from any state");
  return { phase: "drain", kind: "act", host: balancer, says, action, deadline: SHORT_DEADLINE, undo };
}

function prove(balancer: string, what: ServerOnBalancers): Draft {
  const { server, health } = what;
  const deadline = proveDeadline(health);
  const action: LbAction = { kind: "lb.prove", balancer, server, deadline };
  const says = `wait until ${balancer} finds ${refName(server)} healthy`;
  const undo = none("a proven server is still drained");
  return { phase: "enable", kind: "gate", host: balancer, says, action, deadline: deadline + SHORT_DEADLINE, undo };
}

function ready(balancer: string, server: ServerRef, undo: DraftUndo): Draft {
  const action: LbAction = { kind: "lb.ready", balancer, server };
  const says = `let ${balancer} send traffic to ${refName(server)}`;
  return { phase: "enable", kind: "act", host: balancer, says, action, deadline: SHORT_DEADLINE, undo };
}

function rejoin(balancer: string, { server, health }: ServerOnBalancers): Draft {
  const deadline = rejoinDeadline(health);
  const action: LbAction = { kind: "lb.rejoin", balancer, server, deadline };
  const says = `let ${refName(server)} back in on ${balancer} when its check passes`;
  return {
    phase: "enable",
    kind: "act",
    host: balancer,
    says,
    action,
    deadline: deadline + SHORT_DEADLINE,
    undo: INVERSE,
  };
}

/**
 * Takes a server out of every balancer: drained, marked in the files, quiet, in maintenance. The drain comes first
 * because it may be refused, and then nothing has changed; until the mark no instance has been touched either.
 */
export function withdrawServer(what: ServerOnBalancers): DraftStages {
  const { balancers, server } = what;
  const back = (balancer: string): DraftUndo =>
    stages([rejoin(balancer, what)], [mark(balancer, server, false, INVERSE)]);
  const marked = none("the drain's way back takes the mark out");
  return [
    balancers.map((balancer) => drain(balancer, what, back(balancer))),
    balancers.map((balancer) => mark(balancer, server, true, marked)),
    balancers.map((balancer) => quiesce(balancer, what)),
    balancers.map((balancer) => maint(balancer, server)),
  ];
}

/** Brings a server back into every balancer, only after a fresh pass of HAProxy's own check on each. */
export function returnServer(what: ServerOnBalancers): DraftStages {
  const { balancers, server } = what;
  const out = (balancer: string): DraftUndo =>
    stages(
      [drain(balancer, what, INVERSE)],
      [mark(balancer, server, true, INVERSE)],
      [quiesce(balancer, what)],
      [maint(balancer, server)],
    );
  const unmarked = none("taking the server out again marks it");
  return [
    balancers.map((balancer) => prove(balancer, what)),
    balancers.map((balancer) => ready(balancer, server, out(balancer))),
    balancers.map((balancer) => mark(balancer, server, false, unmarked)),
  ];
}

/** Watches a server's counters on every balancer for up to `window` ms: traffic arrives, errors do not. */
export function holdTraffic(balancers: readonly string[], server: ServerRef, window: number): DraftStages {
  const one = (balancer: string): Draft => ({
    phase: "hold",
    kind: "gate",
    host: balancer,
    says: `watch the traffic of ${refName(server)} on ${balancer}`,
    action: { kind: "lb.hold", balancer, server, window },
    deadline: window + SHORT_DEADLINE,
    undo: none("it only looks"),
  });
  return [balancers.map(one)];
}

/** One balancer's new files, and what is there now to go back to. */
export interface InstallInput {
  readonly balancer: string;
  /** The balancer's own address. */
  readonly address: string;
  readonly model: LbModel;
  readonly config: string;
  readonly files: readonly LbFile[];
  readonly change: LbChange;
  /** From the facts or from a step before: haproxy.cfg's exact text, the other files as `hashesOf` tells them, the model. */
  readonly previous: {
    readonly config: string | null;
    readonly files: Readonly<Record<string, string>>;
    readonly model: LbModel | null;
  };
}

function putBack(phase: Phase, { balancer, previous }: InstallInput): Draft {
  const { config, files, model } = previous;
  const sha256 = config === null ? null : bundleHash(config, files);
  return {
    phase,
    kind: "act",
    host: balancer,
    says: `put the previous haproxy.cfg back on ${balancer}`,
    action: { kind: "lb.restore", balancer, sha256, model },
    deadline: INSTALL_DEADLINE,
    undo: INVERSE,
  };
}

/** New files for balancers, one after the other, each proven by its apps' answers: a bad one never reaches the second. */
export function installConfig(phase: Phase, inputs: readonly InstallInput[]): DraftStages {
  return inputs.flatMap((input) => [installing(phase, input), ...trying(phase, input)]);
}

function trying(phase: Phase, { balancer, address, model, config }: InstallInput): DraftStages {
  // A template of the fleet's own may listen elsewhere.
  const asks = asksOf(model).filter(({ port }) =>
    new RegExp(`^\\s+bind \\S*:${String(port)}(?:\\s|$)`, "m").test(config),
  );
  if (asks.length === 0) return [];
  const says = `ask ${asks.length === 1 ? (asks[0]?.app ?? "") : `${String(asks.length)} apps`} through ${balancer}`;
  const action: LbAction = { kind: "lb.try", balancer, address, asks };
  const undo = none("it only asks");
  return [[{ phase, kind: "gate", host: balancer, says, action, deadline: INSTALL_DEADLINE, undo }]];
}

function installing(phase: Phase, input: InstallInput): readonly Draft[] {
  const { balancer, model, config, files, change } = input;
  return [
    {
      phase,
      kind: "act",
      host: balancer,
      says: `install haproxy.cfg on ${balancer}`,
      action: { kind: "lb.install", balancer, model, config, files, change },
      deadline: INSTALL_DEADLINE,
      undo: stages([putBack(phase, input)]),
    },
  ];
}

/** Another address for a server that takes no traffic, on every balancer; the way back gives it its old one. */
export function moveServer(
  phase: Phase,
  what: {
    readonly balancers: readonly string[];
    readonly server: ServerRef;
    readonly from: ServerAddress;
    readonly to: ServerAddress;
  },
): DraftStages {
  const { balancers, server } = what;
  const one = (balancer: string, from: ServerAddress, to: ServerAddress, undo: DraftUndo): Draft => ({
    phase,
    kind: "act",
    host: balancer,
    says: `let ${balancer} reach ${refName(server)} at ${addressText(to)}`,
    action: { kind: "lb.move", balancer, server, from, to },
    deadline: SHORT_DEADLINE + 30_000,
    undo,
  });
  const back = (balancer: string): DraftUndo => stages([one(balancer, what.to, what.from, INVERSE)]);
  return [balancers.map((balancer) => one(balancer, what.from, what.to, back(balancer)))];
}

/** Waits until workers from before the last reload serve nothing but tunnels. */
export function settle(phase: Phase, balancers: readonly string[], deadline: number): DraftStages {
  const one = (balancer: string): Draft => ({
    phase,
    kind: "wait",
    host: balancer,
    says: `wait for HAProxy's old workers on ${balancer}`,
    action: { kind: "lb.settle", balancer, deadline },
    deadline: deadline + SHORT_DEADLINE,
    undo: none("it only waits"),
  });
  return [balancers.map(one)];
}
