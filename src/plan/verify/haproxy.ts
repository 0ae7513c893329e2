import type { LbFacts } from "../../lb/facts.ts";
import { CONFIG } from "../../lb/paths.ts";
import type { Failure } from "../../model/errors.ts";
import type { BalancerAccount, Owed } from "./account.ts";
import type { FileStand } from "./files.ts";
import { fileStands } from "./files.ts";
import type { Check, Finding, FindingCode } from "./findings.ts";
import { PASSED } from "./findings.ts";

const PUT_BACK = "drover plan (drover apply puts it right)";

/** Where a finding belongs. */
interface At {
  readonly set: string;
  readonly balancer: string;
}

/**
 * One balancer's HAProxy: it runs what lies on its disk, that is what the fleet's files give, and nobody is out of
 * service but those who may be. What cannot be told is a finding too.
 */
export function haproxyChecks(set: string, account: BalancerAccount, owed: Owed | null): readonly Check[] {
  const at = { set, balancer: account.balancer };
  if (account.lb.kind === "unknown") return [unanswered(at, account.lb.why)];
  const facts = account.lb.value;
  return [
    ...processChecks(at, facts),
    ...fileStands(facts, account.wanted).map((stand) => fileCheck(at, stand)),
    ...serverChecks(at, facts, owed),
    ...runtimeChecks(at, account),
  ];
}

/** A balancer that did not tell something, and why. */
export function unanswered({ set, balancer }: At, why: Failure): Finding {
  const hint = why.hint === "" ? "drover status" : why.hint;
  // A finding begins with its balancer already.
  const message = why.message.startsWith(`${balancer}: `) ? why.message.slice(balancer.length + 2) : why.message;
  return { code: "unanswered", kind: "unknown", set, balancer, message, hint };
}

function difference({ set, balancer }: At, code: FindingCode, message: string, hint: string): Finding {
  return { code, kind: "difference", set, balancer, message, hint };
}

function processChecks(at: At, { stable, live }: LbFacts): readonly Check[] {
  const failed = live.processes?.master.failed ?? 0;
  const see = `see why, on ${at.balancer}: journalctl -u haproxy`;
  return [
    stable.active && stable.admin !== null && live.processes !== null
      ? PASSED
      : difference(at, "haproxy-down", `HAProxy ${whyDown(stable, live)}`, PUT_BACK),
    failed === 0
      ? PASSED
      : difference(
          at,
          "reload-failed",
          `HAProxy still serves with an old file: its last ${failedReloads(failed)}`,
          see,
        ),
    stable.interrupted
      ? difference(at, "change-cut-off", "an earlier change of its files was cut off half-way", PUT_BACK)
      : PASSED,
  ];
}

function failedReloads(count: number): string {
  return count === 1 ? "reload failed" : `${String(count)} reloads failed`;
}

function whyDown(stable: LbFacts["stable"], live: LbFacts["live"]): string {
  if (!stable.installed) return "is not installed";
  if (!stable.active) return "does not run";
  if (stable.admin === null) return "does not answer on its admin socket";
  return live.processes === null ? "does not answer on its master's socket" : "runs";
}

const STANDS: Readonly<Record<Exclude<FileStand["kind"], "same" | "unknown">, string>> = {
  missing: "is missing",
  "by-hand": "was changed by hand",
  older: "is older than the fleet's files",
  foreign: "was not written by drover",
  "left-over": "is left over: nothing names it any more",
};

function fileCheck(at: At, { path, kind }: FileStand): Check {
  switch (kind) {
    case "same":
      return PASSED;
    case "unknown":
      return {
        code: "files-unknown",
        kind: "unknown",
        ...at,
        message: `${path} cannot be compared: the certificate, or the key of the fleet that fingerprints take, is not known here`,
        hint: "drover plan",
      };
    default:
      return difference(at, path === CONFIG ? "config-differs" : "file-differs", `${path} ${STANDS[kind]}`, PUT_BACK);
  }
}

/** Every server HAProxy knows, or that is marked in the file: out of service only where somebody owes that. */
function serverChecks(at: At, { stable }: LbFacts, owed: Owed | null): readonly Check[] {
  if (owed === null) return [];
  const marks = new Set(stable.disabled);
  const names = [...new Set([...Object.keys(stable.admin ?? {}), ...marks])].toSorted();
  return names.map((name) => {
    const [app = "", host = ""] = name.split("/");
    const state = stable.admin?.[name] ?? "ready";
    const isOut = state !== "ready" || marks.has(name);
    // After a reload a drained server comes up in `drain`, after a restart in `maint`: both keep traffic away.
    if (owed.drains.has(host)) return drainCheck(at, name, state !== "ready" && marks.has(name));
    if (!isOut || owed.open.has(app)) return PASSED;
    const how = state === "ready" ? "is marked disabled in haproxy.cfg" : `is in state ${state}`;
    return difference(at, "drained", `${name} ${how}, and neither a rollout nor a drain owes that`, PUT_BACK);
  });
}

function drainCheck(at: At, name: string, isDrained: boolean): Check {
  if (isDrained) return PASSED;
  const host = name.split("/")[1] ?? "";
  const message = `${name} should be drained, on disk and at runtime, and is not`;
  return difference(at, "drain-lost", message, `drover drain ${host} -m REASON`);
}

function runtimeChecks(at: At, { runtime, lb }: BalancerAccount): readonly Check[] {
  // Who does not run has nothing to compare, and that was said above.
  if (lb.kind === "known" && lb.value.stable.admin === null) return [];
  if (runtime.kind === "unknown") return [unanswered(at, runtime.why)];
  if (runtime.value.length === 0) return [PASSED];
  const reload = `drover plan; what it does not see, a reload puts right: systemctl reload haproxy on ${at.balancer}`;
  return runtime.value.map((sentence) => difference(at, "runtime-differs", sentence, reload));
}
