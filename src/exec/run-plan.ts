import PQueue from "p-queue";
import { DroverError } from "../model/errors.ts";
import type { Plan, Step } from "../model/plan.ts";
import type { Lease } from "../model/ports.ts";
import { laneProgress } from "../rollout/lanes.ts";
import type { Decision, End } from "../rollout/next.ts";
import { next } from "../rollout/next.ts";
import type { RolloutEvent, RolloutState } from "../rollout/state.ts";
import { isUndo, laneOf, reduce } from "../rollout/state.ts";
import { carry } from "./carry.ts";
import type { ExecDeps } from "./deps.ts";
import { Inbox } from "./inbox.ts";
import { LaneEnds } from "./lane-ends.ts";
import type { Journal } from "./journal.ts";
import type { Relays } from "./relays.ts";

/** What steers a run from outside. */
export interface Steering {
  /** Events from outside, e.g. Ctrl-C: `subscribe` gives each to the run. */
  readonly subscribe: (listener: (event: RolloutEvent) => void) => void;
  /** Aborts everything at once, leaving the rollout as it stands; nothing is taken back. */
  readonly drop: AbortSignal;
  /** Asked before a batch with `batchWait: ask`; false stops the run there. */
  readonly ask: (batch: number) => Promise<boolean>;
}

/** One plan's run: what it works on, and what it may use. */
export interface PlanRun {
  readonly plan: Plan;
  readonly state: RolloutState;
  readonly journal: Journal;
  readonly lease: Lease;
  readonly relays: Relays;
  readonly deps: ExecDeps;
  readonly steering: Steering;
}

/** How a plan's run ended, and the state it left. */
export interface PlanEnd {
  readonly end: End;
  readonly state: RolloutState;
  /** True when it was cut off and nothing was taken back. */
  readonly dropped: boolean;
}

/**
 * Runs a plan: asks the reducer what is next, journals the intent, carries it out, journals what came of it.
 * A crash between any two lines leaves a journal from which `rollout abort` reaches a safe end.
 */
export async function runPlan(run: PlanRun): Promise<PlanEnd> {
  const inbox = new Inbox<RolloutEvent>();
  const watch = new Watch(run, inbox);
  const queue = new PQueue({ concurrency: run.deps.forks });
  const lanes = new LaneEnds(run.plan, run.deps.emit, run.state);
  let state = run.state;
  try {
    for (;;) {
      state = heedLease(run, await absorb(run, state, inbox.drain()));
      lanes.tell(state);
      if (run.steering.drop.aborted && !isBusy(state)) return { end: leftAsIs(run.plan, state), state, dropped: true };
      const decision = run.steering.drop.aborted ? busy : next(run.plan, state);
      switch (decision.kind) {
        case "run":
          state = await start(run, state, decision.steps, { queue, inbox });
          watch.allow(decision.steps);
          break;
        case "busy":
          state = await absorb(run, state, await inbox.take());
          watch.restart();
          break;
        case "wait":
          // A wait that somebody asked for is not a lack of progress.
          watch.stop();
          await beforeBatch(run, decision, inbox);
          watch.restart();
          break;
        case "ended":
          return { end: decision.end, state, dropped: false };
      }
    }
  } finally {
    watch.stop();
  }
}

const busy: Decision = { kind: "busy" };

function isBusy(state: RolloutState): boolean {
  return Object.values(state.steps).some((status) => status.kind === "running");
}

/** Whatever is not at one of its two ends is left drained, at least maybe. */
function leftAsIs(plan: Plan, state: RolloutState): End {
  const lanes = plan.batches.flat().map((lane) => ({ host: lane.host, at: laneProgress(lane, state, "stop").kind }));
  const stranded = lanes.filter(({ at }) => at !== "untouched" && at !== "updated" && at !== "reverted");
  return { kind: "open", unreachable: false, stranded: stranded.map(({ host }) => host) };
}

/** The lease may be lost between any two lines, long before the event that says so is taken out of the inbox. */
function heedLease(run: PlanRun, state: RolloutState): RolloutState {
  return run.lease.lost.aborted ? reduce(state, LOST) : state;
}

const LOST: RolloutEvent = { kind: "turned", direction: "retreat", why: "the lease was lost" };

/**
 * Journals the intents, then starts the steps. A step forward whose intent cannot be written is not begun. Steps back
 * are begun all the same: the journal holds what they take back, they can be done twice, and somebody's instance is out.
 */
async function start(
  run: PlanRun,
  state: RolloutState,
  steps: readonly Step[],
  work: { readonly queue: PQueue; readonly inbox: Inbox<RolloutEvent> },
): Promise<RolloutState> {
  const intents = steps.map((step): RolloutEvent => ({ kind: "started", step: step.id }));
  try {
    await run.journal.events(intents);
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    const turned = reduce(state, { kind: "turned", direction: "retreat", why: error.failure.message });
    if (!steps.every((step) => isUndo(step.id))) return turned;
    run.deps.emit({ kind: "warning", host: null, failure: error.failure });
  }
  for (const step of steps) {
    void work.queue.add(async () => {
      work.inbox.put(await perform(run, step));
    });
  }
  return intents.reduce(reduce, state);
}

async function perform(run: PlanRun, step: Step): Promise<RolloutEvent> {
  const { clock, emit } = run.deps;
  const about = { step: step.id, host: step.host, lane: laneOf(run.plan, step.id)?.host ?? null, says: step.says };
  emit({ kind: "step-started", ...about });
  const begin = clock.now();
  const ticking = new AbortController();
  void tick(run, step, ticking.signal);
  const outcome = await carry(step, run.deps, run.relays, run.steering.drop);
  ticking.abort();
  const ms = clock.now() - begin;
  if (outcome.kind === "done") {
    emit({ kind: "step-done", ...about, note: outcome.note, ms });
    return { kind: "succeeded", step: step.id };
  }
  emit({ kind: "step-failed", ...about, failure: outcome.failure, ms });
  return { kind: "failed", step: step.id, failure: outcome.failure };
}

/** Milliseconds between two signs of life of a step that takes long. */
const SIGN_OF_LIFE = 10_000;

/** A step that waits says so from time to time: nobody should have to guess whether drover still runs. */
async function tick(run: PlanRun, step: Step, signal: AbortSignal): Promise<void> {
  const host = laneOf(run.plan, step.id)?.host ?? step.host;
  for (let waited = SIGN_OF_LIFE; ; waited += SIGN_OF_LIFE) {
    await run.deps.clock.sleep(SIGN_OF_LIFE, signal);
    if (signal.aborted) return;
    const limit = String(Math.round(step.deadline / 1000));
    run.deps.emit({
      kind: "note",
      host,
      text: `still at it: ${step.says} (${String(waited / 1000)} s of at most ${limit} s)`,
    });
  }
}

/** Journals what happened, then takes it into the state. A lost lease turns the run; what happened still counts. */
async function absorb(run: PlanRun, state: RolloutState, events: readonly RolloutEvent[]): Promise<RolloutState> {
  if (events.length === 0) return state;
  const after = events.reduce(reduce, state);
  try {
    await run.journal.events(events);
    return after;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    return reduce(after, { kind: "turned", direction: "retreat", why: error.failure.message });
  }
}

async function beforeBatch(
  run: PlanRun,
  decision: { readonly batch: number; readonly wait: number | "ask" },
  inbox: Inbox<RolloutEvent>,
): Promise<void> {
  if (decision.wait === "ask") {
    const go = await run.steering.ask(decision.batch);
    inbox.put(
      go
        ? { kind: "batch-released", batch: decision.batch }
        : { kind: "turned", direction: "stop", why: "stopped at the question before a batch" },
    );
    return;
  }
  const woken = new AbortController();
  run.steering.subscribe(() => {
    woken.abort();
  });
  await run.deps.clock.sleep(decision.wait, AbortSignal.any([woken.signal, run.steering.drop, run.lease.lost]));
  inbox.put({ kind: "batch-released", batch: decision.batch });
}

/**
 * Turns a run around when its lease is lost, when nothing moves for `progressDeadline`, or when the user says so. A pause that
 * the plan asks for, as for DNS records to be forgotten, is no lack of progress.
 */
class Watch {
  readonly #run: PlanRun;
  readonly #inbox: Inbox<RolloutEvent>;
  #timer = new AbortController();
  /** When the last of the pauses that have begun is over, by the run's clock. */
  #paused = 0;

  constructor(run: PlanRun, inbox: Inbox<RolloutEvent>) {
    this.#run = run;
    this.#inbox = inbox;
    run.steering.subscribe((event) => {
      inbox.put(event);
    });
    const lost = (): void => {
      inbox.put(LOST);
    };
    if (run.lease.lost.aborted) lost();
    else run.lease.lost.addEventListener("abort", lost, { once: true });
    this.restart();
  }

  /** Steps have begun. */
  allow(steps: readonly Step[]): void {
    const now = this.#run.deps.clock.now();
    for (const { action } of steps) {
      if (action.kind === "pause") this.#paused = Math.max(this.#paused, now + action.ms);
    }
    this.restart();
  }

  restart(): void {
    this.stop();
    this.#timer = new AbortController();
    const { signal } = this.#timer;
    const { clock } = this.#run.deps;
    const limit = this.#run.plan.budget.progressDeadline;
    void clock.sleep(limit + Math.max(0, this.#paused - clock.now()), signal).then(() => {
      if (signal.aborted) return;
      const why = `nothing moved for ${String(Math.round(limit / 1000))} s (progressDeadline)`;
      this.#run.deps.emit({ kind: "note", host: null, text: `turning back: ${why}` });
      this.#inbox.put({ kind: "turned", direction: "retreat", why });
    });
  }

  stop(): void {
    this.#timer.abort();
  }
}
