import type { Vip } from "../model/fleet.ts";
import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import type { VipAction, VipModel } from "../model/vip.ts";

/** Drafts side by side, stage after stage. */
export type DraftStages = readonly (readonly Draft[])[];

const SHORT_DEADLINE = 40_000;
/** Check, install, start or reload, verification and, on failure, all of it backwards. */
const INSTALL_DEADLINE = 90_000;
/** Three lost adverts, two failed checks, two good ones, and time for a loaded machine. */
const AWAIT_LIMIT = 20_000;

function none(reason: string): DraftUndo {
  return { kind: "none", reason };
}

const INVERSE = none("it is itself an undo");

function act(phase: Phase, balancer: string, says: string, action: VipAction): Omit<Draft, "undo"> {
  return { phase, kind: "act", host: balancer, says, action, deadline: SHORT_DEADLINE };
}

function stopping(phase: Phase, balancer: string, undo: DraftUndo): Draft {
  return { ...act(phase, balancer, `stop keepalived on ${balancer}`, { kind: "vip.yield", balancer }), undo };
}

function starting(phase: Phase, balancer: string, undo: DraftUndo): Draft {
  return { ...act(phase, balancer, `start keepalived on ${balancer}`, { kind: "vip.resume", balancer }), undo };
}

/** One balancer's new file, and what is there now to go back to. */
export interface VipInput {
  readonly balancer: string;
  readonly model: VipModel;
  readonly config: string;
  /** From the diff. */
  readonly wire: boolean;
  /** From the facts: `stable.config?.sha256 ?? null` and `stable.manifest?.model ?? null`. */
  readonly previous: { readonly sha256: string | null; readonly model: VipModel | null };
}

function restoring(phase: Phase, { balancer, previous }: Pick<VipInput, "balancer" | "previous">): Draft {
  const action: VipAction = { kind: "vip.restore", balancer, ...previous };
  const says = `put the previous keepalived.conf back on ${balancer}`;
  return { ...act(phase, balancer, says, action), deadline: INSTALL_DEADLINE, undo: INVERSE };
}

function installing(phase: Phase, input: VipInput, undo: readonly (readonly Draft[])[]): Draft {
  const { balancer, model, config, wire } = input;
  const action: VipAction = { kind: "vip.install", balancer, model, config, wire };
  const body = act(phase, balancer, `install keepalived.conf on ${balancer}`, action);
  return { ...body, deadline: INSTALL_DEADLINE, undo: { kind: "stages", stages: undo } };
}

function checking(phase: Phase, { balancer, config }: VipInput): Draft {
  const action: VipAction = { kind: "vip.check", balancer, config };
  const body = act(phase, balancer, `check keepalived.conf on ${balancer}`, action);
  return { ...body, kind: "gate", undo: none("it only looks") };
}

/**
 * New files for the balancers of a set, in the order given: the one that holds the VIP last.
 *
 * What is not spoken on the wire changes on one balancer after the other. A change of what is spoken goes around the
 * holder: the others stop listening, the holder changes (nobody misses it), the others come back and hear the new way.
 * So there is never a moment in which two of them hold the VIP, whatever the clocks and the network do; for a second
 * or two nobody would take over.
 */
export function installVip(phase: Phase, inputs: readonly VipInput[]): DraftStages {
  const holder = inputs.at(-1);
  const others = inputs.slice(0, -1);
  if (holder === undefined || others.length === 0 || !inputs.some(({ wire }) => wire)) {
    return inputs.map((input) => [installing(phase, input, [[restoring(phase, input)]])]);
  }
  // Where there is no file yet nothing runs, and nothing could be started on the way back.
  const running = others.filter(({ previous }) => previous.sha256 !== null);
  return [
    inputs.map((input) => checking(phase, input)),
    ...(running.length === 0
      ? []
      : [
          running.map(({ balancer }) =>
            stopping(phase, balancer, { kind: "stages", stages: [[starting(phase, balancer, INVERSE)]] }),
          ),
        ]),
    [installing(phase, holder, [[restoring(phase, holder)]])],
    // The way back stops it first: the holder still speaks the new way. A stopped one stays stopped when its file is
    // put back; the undo of its stop starts it, when the holder speaks the old way again.
    others.map((input) =>
      installing(phase, input, [[stopping(phase, input.balancer, INVERSE)], [restoring(phase, input)]]),
    ),
  ];
}

/** A balancer that leaves its set, or a set without a VIP: keepalived stops, drover's files go. */
export function removeVip(phase: Phase, input: Pick<VipInput, "balancer" | "previous">): DraftStages {
  const { balancer } = input;
  const action: VipAction = { kind: "vip.restore", balancer, sha256: null, model: null };
  const undo: DraftUndo = { kind: "stages", stages: [[restoring(phase, input)]] };
  return [
    [{ ...act(phase, balancer, `remove keepalived.conf from ${balancer}`, action), deadline: INSTALL_DEADLINE, undo }],
  ];
}

/** Waits until exactly one of a set's balancers holds every VIP, and it is not `not`. */
export function awaitHolder(
  phase: Phase,
  balancers: readonly string[],
  vips: readonly Vip[],
  not: string | null,
): DraftStages {
  const says = not === null ? "wait until one balancer holds the VIP" : `wait until another than ${not} holds the VIP`;
  const action: VipAction = { kind: "vip.await", balancers, vips, not, deadline: AWAIT_LIMIT };
  const deadline = AWAIT_LIMIT + SHORT_DEADLINE;
  return [[{ phase, kind: "gate", host: null, says, action, deadline, undo: none("it only looks") }]];
}

/** Planned maintenance of a balancer: it says that it goes, another takes the VIP, and only then does it go on. */
export function handOver(
  phase: Phase,
  balancer: string,
  balancers: readonly string[],
  vips: readonly Vip[],
): DraftStages {
  const undo: DraftUndo = { kind: "stages", stages: [[starting(phase, balancer, INVERSE)]] };
  return [[stopping(phase, balancer, undo)], ...awaitHolder(phase, balancers, vips, balancer)];
}

/** The way back from {@link handOver}: ready to take over again. The VIP stays where it is. */
export function takeBack(
  phase: Phase,
  balancer: string,
  balancers: readonly string[],
  vips: readonly Vip[],
): DraftStages {
  const undo: DraftUndo = { kind: "stages", stages: [[stopping(phase, balancer, INVERSE)]] };
  return [[starting(phase, balancer, undo)], ...awaitHolder(phase, balancers, vips, null)];
}
