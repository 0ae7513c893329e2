import type { Ending } from "../model/event.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import type { Clock, Lease } from "../model/ports.ts";
import type { RolloutEvent, RolloutState } from "../rollout/state.ts";
import { INITIAL, reduce } from "../rollout/state.ts";

/** A line of a rollout's journal. `opened` comes first and holds the whole plan; events follow, intents before acts. */
export type JournalRecord = { readonly at: number; readonly run: string; readonly epoch: number } & (
  | { readonly kind: "opened"; readonly rollout: string; readonly operator: string; readonly plan: Plan }
  | { readonly kind: "event"; readonly event: RolloutEvent }
  /** The rollout needs nobody any more. */
  | { readonly kind: "closed"; readonly ending: Ending }
  /** The run ended and left the rollout open. */
  | { readonly kind: "left"; readonly ending: Ending }
);

/** What a journal tells about a rollout. */
export interface JournalStory {
  readonly rollout: string;
  readonly operator: string;
  readonly openedAt: number;
  readonly plan: Plan;
  readonly state: RolloutState;
  readonly closed: boolean;
  /** How the last run that touched it ended; null while one is at it, or if it was killed. */
  readonly ending: Ending | null;
}

/** Rebuilds a rollout from its journal. Throws a DroverError when the lines are not a journal. */
export function readJournal(lines: readonly string[]): JournalStory {
  const [first, ...rest] = lines.map(parseRecord);
  if (first?.kind !== "opened")
    throw new DroverError(failure("unknown-state", "the rollout's journal has no beginning"));
  let state = INITIAL;
  let ending: Ending | null = null;
  let closed = false;
  for (const record of rest) {
    if (record.kind === "event") {
      state = reduce(state, record.event);
      ending = null;
    } else if (record.kind !== "opened") {
      ending = record.ending;
      closed = record.kind === "closed";
    }
  }
  return {
    rollout: first.rollout,
    operator: first.operator,
    openedAt: first.at,
    plan: first.plan,
    state,
    closed,
    ending,
  };
}

function parseRecord(line: string): JournalRecord {
  try {
    // The journal is written by drover alone and fenced by the lease; its shape is trusted once it parses.
    return JSON.parse(line) as JournalRecord;
  } catch (error) {
    throw new DroverError(failure("unknown-state", `a line of the rollout's journal is not JSON: ${String(error)}`));
  }
}

/** Appends to one rollout's journal, in order, under the lease. */
export class Journal {
  readonly #rollout: string;
  readonly #lease: Lease;
  readonly #clock: Clock;

  constructor(rollout: string, lease: Lease, clock: Clock) {
    this.#rollout = rollout;
    this.#lease = lease;
    this.#clock = clock;
  }

  /** Resolves when the records are on the store's disk. Throws a DroverError, e.g. when the lease is lost. */
  async write(records: readonly Unstamped[]): Promise<void> {
    const stamp = { at: this.#clock.now(), run: this.#lease.run, epoch: this.#lease.epoch };
    await this.#lease.append(
      this.#rollout,
      records.map((record) => JSON.stringify({ ...stamp, ...record })),
    );
  }

  /** Writes events; once the lease is lost nothing can be written any more, and the run only retreats. */
  async events(events: readonly RolloutEvent[]): Promise<void> {
    if (this.#lease.lost.aborted) return;
    await this.write(events.map((event) => ({ kind: "event", event })));
  }
}

/** A {@link JournalRecord} before it gets its time and run. */
export type Unstamped = JournalRecord extends infer R
  ? R extends JournalRecord
    ? Omit<R, "at" | "run" | "epoch">
    : never
  : never;
