import type { Known } from "../../model/known.ts";
import type { VipModel } from "../../model/vip.ts";
import { addressKey } from "../../vip/normalize.ts";
import type { Check } from "./findings.ts";
import { PASSED } from "./findings.ts";
import { unanswered } from "./haproxy.ts";

/** What one balancer heard of its peers while all of them spoke. */
export interface Heard {
  readonly balancer: string;
  readonly model: Pick<VipModel, "address" | "peers">;
  /** Addresses. */
  readonly from: Known<readonly string[]>;
}

/** Each balancer hears each other one: one way closed shows nothing until the failover that then goes wrong. */
export function hearingChecks(set: string, all: readonly Heard[]): readonly Check[] {
  return all.flatMap(({ balancer, model, from }): readonly Check[] => {
    if (from.kind === "unknown") return [unanswered({ set, balancer }, from.why)];
    const heard = from.value.map(addressKey);
    return model.peers.map((peer): Check => {
      if (heard.includes(addressKey(peer))) return PASSED;
      const speaker = all.find((each) => addressKey(each.model.address) === addressKey(peer));
      // Who could not try to speak was not heard, and that is told in its own finding.
      if (speaker === undefined || speaker.from.kind === "unknown") {
        const message = `whether ${balancer} hears ${speaker?.balancer ?? peer} is unknown: that one did not speak`;
        return { code: "vrrp-deaf", kind: "unknown", set, balancer, message, hint: `reach ${peer}, then try again` };
      }
      return {
        code: "vrrp-deaf",
        kind: "difference",
        set,
        balancer,
        message: `${balancer} does not hear ${speaker.balancer}: IP protocol 112 from ${peer} to ${model.address} is lost`,
        hint: `let it through, firewalls on both and between: iptables -A INPUT -p 112 -s ${peer} -j ACCEPT`,
      };
    });
  });
}
