import { expect, test } from "vitest";
import type { DiscoveryAction, ZoneRef } from "../../../src/model/discovery.ts";
import type { Plan, Step } from "../../../src/model/plan.ts";
import { withZone, zonesOf } from "../../../src/rollout/zone.ts";
import { examplePlan } from "../../support/plans.ts";

const dns1 = { name: "dns1", address: "10.0.0.1", port: 53 };
const dns2 = { name: "dns2", address: "10.0.0.2", port: 53 };
const made: ZoneRef = {
  zone: "svc.test",
  owner: "test",
  servers: { primary: dns1, secondaries: [dns2], onSilent: "stop" },
};
const promoted: ZoneRef = { ...made, servers: { primary: dns2, secondaries: [], onSilent: "skip" } };

function step(id: string, action: DiscoveryAction, undo: Step["undo"]): Step {
  return { id, phase: "withdraw", kind: "act", host: null, says: action.kind, action, deadline: 1000, undo };
}

/** A lane that withdraws before anything else, and is taken back by a publication. */
function published(): Plan {
  const back: DiscoveryAction = { kind: "dns.publish", zone: made, app: "shop", hosts: [], ttl: 10, only: false };
  const out: DiscoveryAction = {
    kind: "dns.withdraw",
    zone: made,
    app: "shop",
    hosts: ["app1"],
    floor: 1,
    remembered: 0,
  };
  const undo = { kind: "stages", stages: [[step("app1/out~0", back, { kind: "none", reason: "a test's" })]] } as const;
  const plan = examplePlan({ batches: [["app1"]] });
  return {
    ...plan,
    batches: plan.batches.map((lanes) =>
      lanes.map((lane) => ({ ...lane, stages: [[step("app1/out", out, undo)], ...lane.stages] })),
    ),
  };
}

/** Servers of everything that is done to a zone, way back included. */
function primaries(plan: Plan): readonly string[] {
  const steps = plan.batches.flat().flatMap((lane) => lane.stages.flat());
  const all = steps.flatMap((each) => [each, ...(each.undo.kind === "stages" ? each.undo.stages.flat() : [])]);
  return all.flatMap(({ action }) => ("zone" in action ? [action.zone.servers.primary.name] : []));
}

test("a plan that is taken up again asks the servers that the zone has now, there and back", () => {
  expect(primaries(published())).toEqual(["dns1", "dns1"]);
  expect(primaries(withZone(published(), promoted))).toEqual(["dns2", "dns2"]);
  expect([...zonesOf(published())]).toEqual(["svc.test"]);
});

test.for([null, { ...made, zone: "svc.other" }])(
  "what it had to do in a zone that is not the files' any more is dropped, and all else stays",
  (zone) => {
    const plan = withZone(published(), zone);
    expect(primaries(plan)).toEqual([]);
    expect(plan).toEqual(examplePlan({ batches: [["app1"]] }));
  },
);
