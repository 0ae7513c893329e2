/** Lets at most `limit` holders in at a time, first come, first served. */
export interface Limiter {
  /** Resolves with a function that gives the place back, or with null when the signal aborts first. */
  enter(signal: AbortSignal): Promise<(() => void) | null>;
}

/** Makes a {@link Limiter}. */
export function createLimiter(limit: number): Limiter {
  let inside = 0;
  const waiting: (() => void)[] = [];

  const leaver = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    };
  };

  return {
    enter(signal) {
      if (signal.aborted) return Promise.resolve(null);
      if (inside < limit) {
        inside += 1;
        return Promise.resolve(leaver());
      }
      return new Promise((resolve) => {
        const admit = (): void => {
          signal.removeEventListener("abort", giveUp);
          resolve(leaver());
        };
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(admit), 1);
          resolve(null);
        };
        waiting.push(admit);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
