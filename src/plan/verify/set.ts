import { configHash } from "../../lb/diff.ts";
import type { LbFacts } from "../../lb/facts.ts";
import { CONFIG } from "../../lb/paths.ts";
import type { BalancerAccount } from "./account.ts";
import type { Check } from "./findings.ts";
import { PASSED } from "./findings.ts";

/** All balancers of a set that told hold the same files: a check per file, with who stands apart. */
export function setChecks(set: string, accounts: readonly BalancerAccount[]): readonly Check[] {
  const told = accounts.flatMap(({ balancer, lb }) =>
    lb.kind === "known" ? [{ balancer, files: filesOf(lb.value) }] : [],
  );
  if (told.length < 2) return [];
  const paths = [...new Set(told.flatMap(({ files }) => [...files.keys()]))].toSorted();
  return paths.map((path) => {
    const groups = Map.groupBy(told, ({ files }) => files.get(path) ?? "missing");
    if (groups.size === 1) return PASSED;
    const sides = [...groups.values()].map((side) => side.map(({ balancer }) => balancer).join(" and "));
    return {
      code: "set-differs",
      kind: "difference",
      set,
      balancer: null,
      message: `${path} is not the same on ${sides.join(", ")}: the VIP's holder decides what clients get`,
      hint: "drover plan (drover apply puts it right)",
    };
  });
}

function filesOf({ stable }: LbFacts): ReadonlyMap<string, string> {
  const config = stable.config === null ? [] : [[CONFIG, configHash(stable.config.text)] as const];
  return new Map([...config, ...Object.entries(stable.files)]);
}
