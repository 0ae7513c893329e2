import { EXIT } from "./command.ts";
import { failure } from "./errors.ts";
import type { Failure } from "./errors.ts";

/** How a command ended that should have ended with 0. */
export interface BadExit {
  readonly host: string;
  /** What it was doing, e.g. "staging shop" or the command's name. */
  readonly doing: string;
  readonly code: number;
  readonly stderr: string;
}

/** The failure for an exit code other than 0, by the meanings that drover's scripts give them ({@link EXIT}). */
export function exitFailure(exit: BadExit): Failure {
  const { host, doing, code } = exit;
  const evidence = exit.stderr
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-10);
  switch (code) {
    case EXIT.diskFull:
      return failure(
        "disk-full",
        `${doing}: the disk of ${host} is full`,
        `make room on ${host}; what is full shows: df -h /opt /var`,
        evidence,
      );
    case EXIT.stale:
      return failure(
        "stale-epoch",
        `${doing}: ${host} has been changed by a newer run and refuses this one`,
        "somebody else holds the fleet now; look at it with: drover status",
        evidence,
      );
    case EXIT.busy:
      return failure(
        "command-failed",
        `${doing}: a lock on ${host} stayed taken`,
        "another command of drover still runs there; try again",
        evidence,
      );
    default:
      return failure("command-failed", `${doing} on ${host} failed with exit code ${code}`, "", evidence);
  }
}
