import { MARKER } from "./script.ts";

/** Separates what a login shell prints by itself from what our command prints. */
export interface MarkerFilter {
  /** Gives what belongs to the command; empty until the marker has come. */
  push(chunk: Buffer): Buffer;
  /** The process id printed with the marker; null until then. */
  pid(): number | null;
}

const NOISE_LIMIT = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const pattern = new RegExp(`${MARKER} ([0-9]+)\\r?\\n`);

/** Makes a {@link MarkerFilter}. Profiles may print before the marker; of more than 64 KiB only the end is looked at. */
export function createMarkerFilter(): MarkerFilter {
  let pid: number | null = null;
  let held: Buffer = NOTHING;
  return {
    push(chunk) {
      if (pid !== null) return chunk;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      // latin1: one character per byte, so that positions in text and bytes agree.
      const found = pattern.exec(held.toString("latin1"));
      if (found === null) {
        if (held.length > NOISE_LIMIT) held = held.subarray(held.length - NOISE_LIMIT);
        return NOTHING;
      }
      pid = Number(found[1]);
      const rest = held.subarray(found.index + found[0].length);
      held = NOTHING;
      return rest;
    },
    pid: () => pid,
  };
}
