import type { Limits } from "../../model/ports.ts";

/** The end of one call: its time is up, or its caller aborts. */
export class Deadline {
  readonly #controller: AbortController = new AbortController();
  readonly #limits: Limits;
  readonly #timer: NodeJS.Timeout;
  #isLate = false;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, limits.deadline);
    if (limits.signal.aborted) this.#abort();
    else limits.signal.addEventListener("abort", this.#abort, { once: true });
  }

  readonly #abort = (): void => this.#controller.abort();

  /** Aborts at the end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True when it was time that ended it. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Milliseconds that the call was given. */
  get ms(): number {
    return this.#limits.deadline;
  }

  /** Forgets timer and listener; must be called when the call has ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#limits.signal.removeEventListener("abort", this.#abort);
  }
}

/** What a promise gives, or null when the signal aborts first. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(null);
    signal.addEventListener("abort", end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}
