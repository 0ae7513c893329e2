import type { DnsKey, DnsProbed, DnsRcode, DnsServer, DnsUpdated } from "../../model/dns.ts";
import type { Failure } from "../../model/errors.ts";
import { badClock, badKey, forged, refused, untimely } from "./failures.ts";
import type { RawMessage } from "./message.ts";
import { rcodeOf } from "./message.ts";
import type { Verdict } from "./tsig.ts";

/** RFC 2136 §2.2: what a prerequisite that does not hold is told by. */
const UNMET: readonly DnsRcode[] = ["NXDOMAIN", "YXDOMAIN", "NXRRSET", "YXRRSET"];

/** A reply to a signed message, with what its signature is worth. */
export interface Judged {
  readonly server: DnsServer;
  readonly key: DnsKey;
  readonly reply: RawMessage;
  readonly verdict: Verdict;
}

type Believed =
  | { readonly kind: "believed"; readonly skew: number }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "unknown"; readonly failure: Failure };

/** How an update ended. Only what the key has signed counts as done; a refusal counts also unsigned, and says so. */
export function updatedBy(judged: Judged): DnsUpdated {
  const rcode = rcodeOf(judged.reply);
  const believed = believe(judged);
  if (believed.kind !== "believed") return believed;
  if (rcode === "NOERROR") return { kind: "done" };
  if (UNMET.includes(rcode)) return { kind: "unmet", rcode };
  return { kind: "failed", failure: refused(judged.server, judged.key, rcode, true) };
}

/** What a probe found. Every answer that is signed in time is one. */
export function probedBy(judged: Judged): DnsProbed {
  const believed = believe(judged);
  if (believed.kind === "believed") return { kind: "answered", rcode: rcodeOf(judged.reply), skew: believed.skew };
  return { kind: "failed", failure: believed.failure };
}

function believe({ server, key, reply, verdict }: Judged): Believed {
  const rcode = rcodeOf(reply);
  switch (verdict.kind) {
    case "valid":
      return { kind: "believed", skew: verdict.skew };
    case "untimely":
      return { kind: "unknown", failure: untimely(server, verdict.skew) };
    case "forged":
      return { kind: "unknown", failure: forged(server, key, verdict.why) };
    case "unsigned":
      if (rcode === "NOERROR") return { kind: "unknown", failure: forged(server, key, "it is not signed") };
      return { kind: "failed", failure: refused(server, key, rcode, false) };
    case "rejected": {
      if (rcode === "NOERROR") return { kind: "unknown", failure: forged(server, key, "it contradicts itself") };
      const { error, skew } = verdict;
      return { kind: "failed", failure: error === "BADTIME" ? badClock(server, skew) : badKey(server, key, error) };
    }
  }
}
