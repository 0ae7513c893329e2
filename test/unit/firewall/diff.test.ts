import { expect, test } from "vitest";
import { diffFirewall } from "../../../src/firewall/diff.ts";
import type { FirewallFacts, FirewallStable } from "../../../src/firewall/facts.ts";
import { firewallHash } from "../../../src/firewall/render.ts";
import { incoming, model, tcp } from "../../golden/firewall/cases.ts";

const SSH = incoming("fleet/ssh:0", ["192.168.56.1/32"], tcp(22));
const HTTP = incoming("fleet/balancer/edge:0", "anyone", tcp(80));
const MODEL = model(SSH, HTTP);

const SETTLED: FirewallStable = {
  missing: [],
  rivals: [],
  manifest: { generation: 3, model: MODEL, hash: firewallHash(MODEL) },
  active: { v4: 3, v6: 3 },
  newest: 3,
  unconfirmed: null,
  enabled: true,
  drift: [],
};

function facts(stable: Partial<FirewallStable> = {}): FirewallFacts {
  return { stable: { ...SETTLED, ...stable }, live: { ahead: [], published: [], operator: null } };
}

test("a host as the files want it is left alone, whatever the order of its rules and whoever they are for", () => {
  expect(diffFirewall(MODEL, facts())).toEqual({ kind: "same" });
  expect(diffFirewall(model(HTTP, SSH), facts())).toEqual({ kind: "same" });
  expect(diffFirewall(model({ ...SSH, apps: ["shop"] }, HTTP), facts())).toEqual({ kind: "same" });
});

test.for<[string, Partial<FirewallStable>, readonly string[]]>([
  ["it was never applied", { manifest: null }, ["drover's firewall is not on this host yet"]],
  [
    "the rules are others",
    { manifest: { generation: 3, model: model(SSH), hash: firewallHash(model(SSH)) } },
    ["what passes is not what the files say"],
  ],
  [
    "closing a rule would cut what it let in",
    { manifest: { generation: 3, model: model(SSH, { ...HTTP, sever: true }), hash: firewallHash(MODEL) } },
    ["the same passes, for other reasons"],
  ],
  ["one family is behind", { active: { v4: 3, v6: 2 } }, ["IPv6: generation 2 is in force instead of generation 3"]],
  [
    "nothing is loaded",
    { active: { v4: null, v6: null } },
    [
      "IPv4: nothing of drover is in force instead of generation 3",
      "IPv6: nothing of drover is in force instead of generation 3",
    ],
  ],
  ["it drifted", { drift: ["INPUT: the rule of a:0 was deleted"] }, ["INPUT: the rule of a:0 was deleted"]],
  ["it is not loaded at boot", { enabled: false }, ["it is not loaded at boot"]],
  ["a change was never confirmed", { unconfirmed: 4, newest: 4 }, ["generation 4 was never confirmed"]],
])("it is applied where %s", ([, stable, reasons]) => {
  expect(diffFirewall(MODEL, facts(stable))).toEqual({ kind: "apply", reasons });
});
