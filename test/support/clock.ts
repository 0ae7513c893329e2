import type { Clock } from "../../src/model/ports.ts";

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that stands still until everything else does, and then jumps to whoever wakes up next. */
export class VirtualClock implements Clock {
  #now: number;
  readonly #sleepers: Set<Sleeper> = new Set();

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const sleeper = { due: this.#now + Math.max(0, ms), wake: done };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Runs some work to its end. Throws when it waits for something that no clock will ever bring. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    for (let idle = 0; idle < 50;) {
      // All of the fakes answer in microtasks, so that after one turn of the event loop nothing moves any more.
      // oxlint-disable-next-line no-await-in-loop -- one turn after the other is the point
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (isOver) return await over;
      idle = this.#jump() ? 0 : idle + 1;
    }
    throw new Error("everything waits, and nothing will ever happen");
  }

  /** True when somebody woke up. */
  #jump(): boolean {
    const next = Math.min(...[...this.#sleepers].map((sleeper) => sleeper.due));
    if (!Number.isFinite(next)) return false;
    this.#now = Math.max(this.#now, next);
    for (const sleeper of this.#sleepers) if (sleeper.due <= this.#now) sleeper.wake();
    return true;
  }
}
