import type { LbFacts } from "../../lb/facts.ts";
import type { Known } from "../../model/known.ts";
import type { VipFacts } from "../../vip/facts.ts";
import type { SelfTest } from "../../vip/self-test.ts";
import type { WantedFiles } from "./files.ts";

/** Everything a verification knows of one balancer. */
export interface BalancerAccount {
  readonly balancer: string;
  readonly lb: Known<LbFacts>;
  /** Null: its set has no VIP. */
  readonly vip: Known<VipFacts> | null;
  readonly wanted: WantedFiles;
  /** What keepalived.conf should be; unknown where its model needs what the host did not tell. */
  readonly keepalived: Known<string>;
  /** What keepalived itself says of the file that lies there; null: there is none. */
  readonly selfTest: Known<SelfTest | null>;
  /** How what HAProxy runs differs from its files, a sentence each. */
  readonly runtime: Known<readonly string[]>;
}

/** Servers that may be out of service, and why. */
export interface Owed {
  /** Hosts that `drover drain` took out. */
  readonly drains: ReadonlySet<string>;
  /** Apps with an open rollout. */
  readonly open: ReadonlySet<string>;
}
