/**
 * Every error drover shows has a code (stable, for machines), a sentence (what happened) and a hint (what to do).
 * Codes are a closed union so that a typo is a type error and docs can list them all.
 */
export type ErrorCode =
  // the way to a host
  | "host-unresolved"
  | "host-refused"
  | "host-timeout"
  | "host-lost"
  | "host-key-unknown"
  | "host-key-changed"
  | "host-key-revoked"
  | "key-refused"
  | "sudo-refused"
  // a command on a host
  | "command-failed"
  | "command-killed"
  | "command-timeout"
  | "disk-full"
  | "stale-epoch"
  | "other-fleet"
  | "interrupted"
  // the fleet
  | "files-invalid"
  | "usage"
  | "package-missing"
  | "artifact"
  | "secret"
  | "certificate"
  | "lease-held"
  | "lease-lost"
  | "rollout-open"
  | "unknown-state"
  | "unsafe-plan"
  // firewalls
  | "firewall-refused"
  | "firewall-reverted"
  | "firewall-rival"
  | "shut-out"
  | "address-quarantined"
  // DNS
  | "dns-unreachable"
  | "dns-lost"
  | "dns-refused"
  | "dns-key"
  | "dns-clock"
  | "dns-forged"
  | "dns-answer"
  | "dns-lag"
  | "dns-conflict"
  | "dns-foreign"
  | "dns-empty"
  | "dns-too-large"
  | "resolver"
  | "dns-server"
  // a rollout
  | "balancer-config"
  | "balancer-answer"
  | "drain-timeout"
  | "min-available"
  | "release"
  | "unhealthy"
  | "traffic-errors"
  // a mistake of ours
  | "bug";

/** The parts of an error as plain data: what the journal, JSON output and the reports carry. */
export interface Failure {
  readonly code: ErrorCode;
  /** What happened, one sentence without a full stop, lower case unless it starts with a name. */
  readonly message: string;
  /** What to do next, ideally an exact command; empty when there is nothing to add. */
  readonly hint: string;
  /** Lines of evidence: the last log lines, a check's answer, a program's own words. */
  readonly detail: readonly string[];
}

/** Builds a {@link Failure}; hint and detail default to none. */
export function failure(code: ErrorCode, message: string, hint = "", detail: readonly string[] = []): Failure {
  return { code, message, hint, detail };
}

/** The one exception class of drover: a {@link Failure} that had to be thrown. Anything else thrown is a bug. */
export class DroverError extends Error {
  readonly failure: Failure;

  constructor(cause: Failure) {
    super(cause.message);
    this.name = "DroverError";
    this.failure = cause;
  }
}

const unreachableCodes: readonly ErrorCode[] = [
  "host-unresolved",
  "host-refused",
  "host-timeout",
  "host-lost",
  "host-key-unknown",
  "host-key-changed",
  "host-key-revoked",
  "key-refused",
  "dns-unreachable",
];

/** True when the failure says that a host could not be reached (DESIGN §3: exit code 4, not 3). */
export function isUnreachable(cause: Failure): boolean {
  return unreachableCodes.includes(cause.code);
}
