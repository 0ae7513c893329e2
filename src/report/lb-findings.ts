import { EXIT_CODE } from "./exit-code.ts";
import { printable, several } from "./words.ts";

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
  /** How much was looked at: checks that passed, and all findings. */
  readonly checks: number;
  readonly balancers: number;
  readonly findings: readonly Finding[];
}

/** What must be looked at first comes first: 1 where something stayed unknown, 2 where only differences were found. */
export function verificationCode({ findings }: Verification): number {
  if (findings.some(({ kind }) => kind === "unknown")) return EXIT_CODE.failed;
  return findings.length > 0 ? EXIT_CODE.differences : EXIT_CODE.done;
}

/** A line for each finding, and one that counts. */
export function verificationLines(verification: Verification): readonly string[] {
  const { checks, balancers, findings } = verification;
  const unknown = findings.filter(({ kind }) => kind === "unknown").length;
  const found = [
    several(findings.length - unknown, "difference"),
    ...(unknown === 0 ? [] : [`${String(unknown)} unknown`]),
  ];
  const on = `${several(checks, "check")} on ${several(balancers, "balancer")}`;
  return [...findings.map(findingLine), findings.length === 0 ? `verified: ${on}` : `${found.join(", ")}: ${on}`];
}

function findingLine({ code, set, balancer, message, hint }: Finding): string {
  const next = hint === "" ? "" : ` → ${printable(hint)}`;
  return `${balancer ?? set}: ${printable(message)} [${code}]${next}`;
}
