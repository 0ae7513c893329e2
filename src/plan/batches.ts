import type { TopologyApp } from "../model/topology.ts";

/** An instance that has to change, and whether it was ready when the plan was made. */
export interface Candidate {
  readonly host: string;
  readonly wasReady: boolean;
}

/**
 * Cuts candidates into batches of `serial`, in the given order. Those that were not ready come first, in batches of
 * their own: taking them out costs no availability, and they may come back.
 */
export function cutBatches(candidates: readonly Candidate[], serial: number): readonly (readonly Candidate[])[] {
  const broken = candidates.filter((candidate) => !candidate.wasReady);
  const ready = candidates.filter((candidate) => candidate.wasReady);
  return [...chunk(broken, serial), ...chunk(ready, serial)];
}

function chunk<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/**
 * How many instances must stay ready: what the file says, or max(1, N - largest batch) (DESIGN §2). A worker's only
 * instance may be away while it is updated: nobody sends it anything.
 */
export function resolveMinAvailable({ instances, port, rollout }: TopologyApp): number {
  const least = port === null ? 0 : 1;
  return rollout.minAvailable ?? Math.max(least, instances.length - rollout.serial);
}
