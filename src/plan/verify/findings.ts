/** What `lb verify` can find; docs/lb-commands.md says what each means and what to do. */
export type FindingCode =
  // nothing can be said
  | "unanswered"
  | "files-unknown"
  // the VIP
  | "vip-nobody"
  | "vip-several"
  | "vip-unknown"
  | "vrrp-deaf"
  | "keepalived-down"
  | "keepalived-config"
  | "check-off"
  // HAProxy and its files
  | "haproxy-down"
  | "reload-failed"
  | "change-cut-off"
  | "config-differs"
  | "file-differs"
  | "set-differs"
  | "runtime-differs"
  // its servers
  | "drained"
  | "drain-lost";

/** One thing that is not as it should be, or cannot be told. */
export interface Finding {
  readonly code: FindingCode;
  /** `difference`: seen to be wrong; `unknown`: nobody could say. */
  readonly kind: "difference" | "unknown";
  readonly set: string;
  /** Null: about the set as a whole. */
  readonly balancer: string | null;
  readonly message: string;
  /** What to type next, and why, in a few words. */
  readonly hint: string;
}

/** How a verification went. */
export interface Verification {
  /** How much was looked at, findings included. */
  readonly checks: number;
  readonly balancers: number;
  readonly findings: readonly Finding[];
}

/** One thing that was looked at: all right, or what was found. */
export type Check = { readonly kind: "passed" } | Finding;

/** A check that passed. */
export const PASSED: Check = { kind: "passed" };

/** What checks come to. Two of them may stumble over the same thing, e.g. a host that is silent: it is told once. */
export function verificationOf(checks: readonly Check[], balancers: number): Verification {
  const findings = checks.flatMap((check) => (check.kind === "passed" ? [] : [check]));
  const keyOf = ({ code, set, balancer, message }: Finding): string => [code, set, balancer ?? "", message].join("\n");
  const first = new Map(findings.toReversed().map((finding) => [keyOf(finding), finding]));
  return {
    checks: checks.length,
    balancers,
    findings: findings.filter((finding) => first.get(keyOf(finding)) === finding),
  };
}
