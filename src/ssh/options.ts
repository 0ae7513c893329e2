import { join } from "node:path";
import type { Host, SshSettings } from "../model/fleet.ts";

/** What the adapter takes from its surroundings. */
export interface Places {
  /** The fleet's folder, absolute. */
  readonly directory: string;
  /** The operator's home, absolute. */
  readonly home: string;
  /** The agent's socket (`SSH_AUTH_SOCK`), if there is one. */
  readonly agent: string | null;
}

/** What the transport is made for: one fleet's hosts, as one operator, for one run. */
export interface SshOptions {
  readonly ssh: SshSettings;
  readonly hosts: readonly Host[];
  readonly places: Places;
}

/** `~/x` in the operator's home; everything else unchanged. */
export function expandHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path;
}
