import type { Plan } from "../model/plan.ts";
import { laneProgress } from "../rollout/lanes.ts";
import { effectiveDirection } from "../rollout/next.ts";
import type { RolloutState } from "../rollout/state.ts";
import type { Untimed } from "./deps.ts";

type Ended = Extract<Untimed, { readonly kind: "lane-ended" }>;

/** Tells each instance's end once, as it comes about; one that was updated may still be reverted later. */
export class LaneEnds {
  readonly #plan: Plan;
  readonly #emit: (event: Ended) => void;
  readonly #told: Map<string, Ended["result"]> = new Map();

  /** `from`: what had ended before this run took over is not told again. */
  constructor(plan: Plan, emit: (event: Ended) => void, from: RolloutState) {
    this.#plan = plan;
    this.#emit = emit;
    for (const { lane, result } of this.#ends(from)) this.#told.set(lane, result);
  }

  /** Tells what is new in this state. */
  tell(state: RolloutState): void {
    for (const event of this.#ends(state)) {
      if (this.#told.get(event.lane) === event.result) continue;
      this.#told.set(event.lane, event.result);
      this.#emit(event);
    }
  }

  #ends(state: RolloutState): readonly Ended[] {
    const direction = effectiveDirection(this.#plan, state);
    return this.#plan.batches.flat().flatMap((lane): Ended[] => {
      const { kind } = laneProgress(lane, state, direction);
      const isEnd = kind === "updated" || kind === "reverted" || kind === "kept" || kind === "stranded";
      return isEnd ? [{ kind: "lane-ended", lane: lane.host, result: kind }] : [];
    });
  }
}
