import fc from "fast-check";
import { expect, test } from "vitest";
import { cutsOf } from "../../../src/firewall/cuts.ts";
import type { FirewallCut, FirewallModel } from "../../../src/model/firewall.ts";
import { anyModel, PROBES, STRANGERS } from "../../support/firewall-arbitraries.ts";
import { lets, type Probe } from "../../support/firewall-walk.ts";

const ADDRESSES = ["10.0.0.1", "10.0.0.3", "10.0.0.5", "fd00::2", "fd00::5", ...STRANGERS];

/** A cut read as if it were a rule. */
function isCut(cuts: readonly FirewallCut[], direction: "in" | "out", address: string, probe: Probe): boolean {
  const rules = cuts.map((cut) => ({ ...cut, source: "cut", apps: [], sever: true }));
  return lets({ rules, egress: true, log: false }, direction, address, probe);
}

test("cut is what passed, passes no more, and was said to be severed or is released; nothing else", () => {
  const model = fc.option(anyModel, { nil: null });
  fc.assert(
    fc.property(model, model, fc.subarray(ADDRESSES), (before, after, released) => {
      const cuts = cutsOf(before, after, { released });
      expect(cuts.every(({ peers }) => peers.length > 0)).toBe(true);
      const severing: FirewallModel = {
        rules: (before?.rules ?? []).filter(({ sever }) => sever),
        egress: true,
        log: false,
      };
      for (const direction of ["in", "out"] as const) {
        for (const address of ADDRESSES) {
          for (const probe of PROBES.filter(({ protocol }) => protocol === "tcp" || protocol === "udp")) {
            const isClosed = lets(before, direction, address, probe) && !lets(after, direction, address, probe);
            const isMeant = released.includes(address) || lets(severing, direction, address, probe);
            expect(isCut(cuts, direction, address, probe)).toBe(isClosed && isMeant);
          }
        }
      }
    }),
    { numRuns: 100 },
  );
});
