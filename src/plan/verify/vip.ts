import { sha256 } from "../../model/hash.ts";
import type { TopologyBalancer } from "../../model/topology.ts";
import { CHECK_SCRIPT } from "../../vip/check.ts";
import { DROP_IN_TEXT } from "../../vip/drop-in.ts";
import type { VipFacts } from "../../vip/facts.ts";
import { addressKey } from "../../vip/normalize.ts";
import { CHECK, CONFIG, DROP_IN } from "../../vip/paths.ts";
import type { BalancerAccount, Owed } from "./account.ts";
import type { Check, Finding, FindingCode } from "./findings.ts";
import { PASSED } from "./findings.ts";
import { unanswered } from "./haproxy.ts";
import type { Holding } from "./holding.ts";
import { holdingOf, holdingSentence } from "./holding.ts";

const PUT_BACK = "drover plan (drover apply puts it right)";

/** Where a finding belongs. */
interface At {
  readonly set: string;
  readonly balancer: string;
}

/** Who holds each VIP of a set, by what its balancers told; without VIPs there is nothing to hold. */
export function holdingsOf(
  { vips }: Pick<TopologyBalancer, "vips">,
  accounts: readonly Pick<BalancerAccount, "balancer" | "vip">[],
): readonly Holding[] {
  return vips.map((vip) =>
    holdingOf(
      vip,
      accounts.map(({ balancer, vip: told }) => ({
        balancer,
        holds: told?.kind === "known" ? told.value.live.holds.map(addressKey).includes(addressKey(vip.address)) : null,
      })),
    ),
  );
}

const HOLDING: Readonly<Record<Exclude<Holding["kind"], "one">, Pick<Finding, "code" | "kind" | "hint">>> = {
  none: { code: "vip-nobody", kind: "difference", hint: "what is found about keepalived says why" },
  several: {
    code: "vip-several",
    kind: "difference",
    hint: "they do not hear each other, or their files differ: vrrp-deaf or keepalived-config says which",
  },
  unknown: { code: "vip-unknown", kind: "unknown", hint: "reach all balancers, then try again" },
};

/** Exactly one balancer holds each VIP. */
export function holdingChecks(set: TopologyBalancer, accounts: readonly BalancerAccount[]): readonly Check[] {
  return holdingsOf(set, accounts).map((holding) => {
    if (holding.kind === "one") return PASSED;
    const message = holdingSentence(holding);
    return { ...HOLDING[holding.kind], set: set.name, balancer: null, message };
  });
}

/** One balancer's keepalived: it runs, with the file that the fleet's files give, and its check is in force. */
export function keepalivedChecks(set: string, account: BalancerAccount, owed: Owed | null): readonly Check[] {
  if (account.vip === null) return [];
  const at = { set, balancer: account.balancer };
  if (account.vip.kind === "unknown") return [unanswered(at, account.vip.why)];
  const { stable, live } = account.vip.value;
  return [
    // A balancer that `drover drain` took out has handed its VIP over.
    stable.yielded && owed?.drains.has(account.balancer) !== false ? PASSED : runs(at, stable),
    stable.interrupted
      ? difference(at, "change-cut-off", "an earlier change of keepalived.conf was cut off half-way", PUT_BACK)
      : PASSED,
    configCheck(at, stable, account.keepalived),
    checkInForce(at, stable, live),
    // A script that is not drover's, or not root's alone, fails this test too: that is told above.
    stable.check === CHECK_SCRIPT ? selfTestCheck(at, account.selfTest) : PASSED,
  ];
}

function difference({ set, balancer }: At, code: FindingCode, message: string, hint: string): Finding {
  return { code, kind: "difference", set, balancer, message, hint };
}

function runs(at: At, stable: VipFacts["stable"]): Check {
  const why = whyStill(stable);
  return why === null ? PASSED : difference(at, "keepalived-down", `keepalived ${why}`, PUT_BACK);
}

function whyStill({ installed, yielded, active, enabled }: VipFacts["stable"]): string | null {
  if (!installed) return "is not installed: this balancer cannot take the VIP over";
  if (yielded) return "was stopped for maintenance and not started again";
  if (!active) return "does not run: this balancer cannot take the VIP over";
  return enabled ? null : "runs, but is not started at boot";
}

function configCheck(at: At, stable: VipFacts["stable"], wanted: BalancerAccount["keepalived"]): Check {
  if (wanted.kind === "unknown") return unanswered(at, wanted.why);
  if (stable.config === null) return difference(at, "keepalived-config", `${CONFIG} is missing`, PUT_BACK);
  if (stable.config.sha256 !== sha256(wanted.value)) {
    return difference(at, "keepalived-config", `${CONFIG} ${standOf(stable)}`, PUT_BACK);
  }
  return stable.dropIn === DROP_IN_TEXT
    ? PASSED
    : difference(at, "keepalived-config", `${DROP_IN} is not drover's`, PUT_BACK);
}

function standOf({ manifest, config }: VipFacts["stable"]): string {
  if (manifest === null) return "was not written by drover";
  return manifest.sha256 === config?.sha256 ? "is older than the fleet's files" : "was changed by hand";
}

/** keepalived goes on without a check whose script it does not trust, and says so in its log only. */
function checkInForce(at: At, stable: VipFacts["stable"], live: VipFacts["live"]): Check {
  if (stable.check !== CHECK_SCRIPT) {
    const message = `${CHECK} is not drover's, or not root's alone: a dead HAProxy may keep the VIP`;
    return difference(at, "check-off", message, PUT_BACK);
  }
  if (live.alive) return PASSED;
  const message = "its HAProxy does not answer keepalived's check: this balancer cannot hold the VIP";
  return difference(at, "check-off", message, PUT_BACK);
}

/** keepalived takes its file as a whole: what it does not trust or understand it would leave out without a word. */
function selfTestCheck(at: At, test: BalancerAccount["selfTest"]): Check {
  if (test.kind === "unknown") return unanswered(at, test.why);
  if (test.value === null || test.value.passes) return PASSED;
  const words = test.value.words.at(-1) ?? "";
  const all = `see all of it on ${at.balancer}: keepalived -t; ${CHECK} must be root's alone, mode 755`;
  return difference(at, "check-off", `keepalived leaves out a part of its file, maybe its check: ${words}`, all);
}
