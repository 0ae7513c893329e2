/** What `dns verify` can find; docs/service-discovery.md says what each means and what to do. */
export type DnsFindingCode =
  // nothing can be said
  | "unanswered"
  // the servers
  | "not-set-up"
  | "lag"
  | "negative-ttl"
  | "name-servers"
  // whose records they are
  | "foreign"
  | "left-over"
  // the records
  | "missing"
  | "extra"
  | "differs"
  | "address"
  | "target"
  | "ttl"
  | "set-size";

/** One thing that is not as it should be, cannot be told, or is worth knowing. */
export interface DnsFinding {
  readonly code: DnsFindingCode;
  /** `difference`: seen to be wrong; `unknown`: nobody could say; `note`: nothing is wrong with it. */
  readonly kind: "difference" | "unknown" | "note";
  /** A server, an app, a host or the zone. */
  readonly subject: string;
  readonly message: string;
  /** What to type next; empty where there is nothing to do. */
  readonly hint: string;
}

/** How a verification of a zone went. */
export interface DnsVerification {
  readonly zone: string;
  /** How much was looked at, findings included. */
  readonly checks: number;
  readonly servers: number;
  readonly findings: readonly DnsFinding[];
}

/** One thing that was looked at: all right, or what was found. */
export type DnsCheck = { readonly kind: "passed" } | DnsFinding;

/** A check that passed. */
export const DNS_PASSED: DnsCheck = { kind: "passed" };
