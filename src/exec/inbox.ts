/** A queue with one reader: whoever has something to tell puts it in, the run's loop takes it out in order. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | null = null;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Resolves with everything that has arrived, at least one item. */
  async take(): Promise<readonly T[]> {
    while (this.#items.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    return this.#items.splice(0);
  }

  /** What has arrived so far, without waiting. */
  drain(): readonly T[] {
    return this.#items.splice(0);
  }
}
