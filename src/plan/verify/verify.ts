import type { Failure } from "../../model/errors.ts";
import type { Known } from "../../model/known.ts";
import type { StateFacts } from "../../model/ports.ts";
import type { TopologyBalancer } from "../../model/topology.ts";
import type { BalancerAccount, Owed } from "./account.ts";
import type { Check, Verification } from "./findings.ts";
import { PASSED, verificationOf } from "./findings.ts";
import { haproxyChecks } from "./haproxy.ts";
import { setChecks } from "./set.ts";
import { holdingChecks, keepalivedChecks } from "./vip.ts";

/** One balancer set with what its balancers told. */
export interface SetAccount {
  readonly set: TopologyBalancer;
  readonly balancers: readonly BalancerAccount[];
  /** Whether the balancers hear each other: what was found of that. */
  readonly hearing: readonly Check[];
}

/**
 * Everything that should be so of balancers: exactly one holder of each VIP, the same files on all of a set and as the
 * fleet's files give them, run as they lie on disk, and nobody out of service without a reason. `problems` are what the fleet's files could not give.
 */
export function verify(
  sets: readonly SetAccount[],
  state: Known<Pick<StateFacts, "drains" | "open">>,
  problems: readonly Failure[],
): Verification {
  const owed = owedOf(state);
  const checks = sets.flatMap(({ set, balancers, hearing }, index) => [
    ...stateChecks(set.name, state),
    ...(index === 0 ? problems : []).map((why) => unread(set.name, why)),
    ...holdingChecks(set, balancers),
    ...hearing,
    ...setChecks(set.name, balancers),
    ...balancers.flatMap((account) => [
      ...haproxyChecks(set.name, account, owed),
      ...keepalivedChecks(set.name, account, owed),
    ]),
  ]);
  return verificationOf(checks, new Set(sets.flatMap(({ set }) => set.hosts)).size);
}

function owedOf(state: Known<Pick<StateFacts, "drains" | "open">>): Owed | null {
  if (state.kind === "unknown") return null;
  return { drains: new Set(Object.keys(state.value.drains)), open: new Set(Object.keys(state.value.open)) };
}

/** Without the state host nobody can say which servers may be out of service. */
function stateChecks(set: string, state: Known<Pick<StateFacts, "drains" | "open">>): readonly Check[] {
  if (state.kind === "known") return [PASSED];
  const message = `which servers may be drained is unknown: ${state.why.message}`;
  return [{ code: "unanswered", kind: "unknown", set, balancer: null, message, hint: state.why.hint }];
}

/** A certificate that cannot be read here cannot be compared either. */
function unread(set: string, { message, hint }: Failure): Check {
  return { code: "files-unknown", kind: "unknown", set, balancer: null, message, hint };
}
