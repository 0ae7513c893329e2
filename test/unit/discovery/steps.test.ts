import { describe, expect, test } from "vitest";
import type { Draft, DraftUndo } from "../../../src/model/plan.ts";
import type { DraftStages } from "../../../src/discovery/steps.ts";
import { adopt, forget, publishAddresses, publishHosts, withdrawHosts } from "../../../src/discovery/steps.ts";
import { ZONE_REF as zone, shopOn } from "../../support/discovery-zone.ts";

/** Phase, kind and sentence of each draft, stage by stage. */
function told(stages: DraftStages): readonly (readonly string[])[] {
  return stages.map((stage) => stage.map(({ phase, kind, says }) => `${phase} ${kind}: ${says}`));
}

function back(stages: DraftStages): readonly (readonly string[])[] | string {
  const undo: DraftUndo | undefined = stages[0]?.[0]?.undo;
  if (undo === undefined) return "nothing";
  return undo.kind === "none" ? undo.reason : told(undo.stages);
}

const app = "shop";
const gate: Draft = {
  phase: "probe",
  kind: "gate",
  host: "app1",
  says: "probe shop on app1",
  action: { kind: "pause", ms: 0 },
  deadline: 1,
  undo: { kind: "none", reason: "" },
};

describe("withdrawing a host", () => {
  const input = {
    zone,
    app,
    hosts: [shopOn("app1")],
    back: [shopOn("app1")],
    floor: 2,
    ttl: 15,
    oldTtl: 30,
    gates: [[gate]],
  };

  test("waits until nobody remembers it", () => {
    const stages = withdrawHosts(input);
    expect(told(stages)).toEqual([
      ["withdraw act: withdraw shop on app1"],
      ["withdraw wait: wait until nobody remembers shop on app1 (30 s)"],
    ]);
    expect(stages[0]?.[0]?.action).toEqual({
      kind: "dns.withdraw",
      zone,
      app,
      hosts: ["app1"],
      floor: 2,
      remembered: 30_000,
    });
    expect(stages[1]?.[0]).toMatchObject({ action: { kind: "pause", ms: 30_000 }, deadline: 40_000 });
  });

  test("is taken back by what was found, behind its gates", () => {
    expect(back(withdrawHosts(input))).toEqual([
      ["probe gate: probe shop on app1"],
      ["publish act: publish shop on app1"],
    ]);
  });

  test("is not taken back where it was not in, or nothing may let it in", () => {
    expect(back(withdrawHosts({ ...input, back: [{ host: "app1", endpoints: [] }] }))).toBe(
      "nothing that was healthy was in DNS",
    );
    expect(back(withdrawHosts({ ...input, back: [] }))).toBe("nothing that was healthy was in DNS");
  });
});

describe("publishing hosts", () => {
  const input = {
    zone,
    app,
    ttl: 15,
    hosts: [shopOn("app1", 3), shopOn("app2")],
    only: false,
    before: [shopOn("app1")],
  };

  test("is one step, whose way back restores who was there and takes the others out again", () => {
    const stages = publishHosts(input);
    expect(told(stages)).toEqual([["publish act: publish shop on app1, app2"]]);
    expect(back(stages)).toEqual([
      ["publish act: publish shop on app1"],
      ["withdraw act: withdraw shop on app2"],
      ["withdraw wait: wait until nobody remembers shop on app2 (15 s)"],
    ]);
  });

  test("of many names some of them", () => {
    const hosts = ["a", "b", "c", "d", "e"].map((host) => shopOn(host));
    expect(told(publishHosts({ ...input, hosts, only: true }))).toEqual([
      ["publish act: publish shop on a, b, c and 2 more hosts alone"],
    ]);
  });
});

test("addresses are put back where there were some", () => {
  const hosts = [{ host: "app1", addresses: ["10.0.0.1"] }];
  const input = { zone, hosts, ttl: 60, before: [] };
  expect(told(publishAddresses(input))).toEqual([["publish act: publish the addresses of app1"]]);
  expect(back(publishAddresses(input))).toBe("an address that nothing refers to leads nobody anywhere");
  expect(back(publishAddresses({ ...input, before: hosts }))).toEqual([["publish act: publish the addresses of app1"]]);
});

test("forgetting waits only where somebody may remember", () => {
  const subject = { kind: "app", app } as const;
  expect(told(forget("withdraw", { zone, subject, oldTtl: 15 }))).toEqual([
    ["withdraw act: take shop out of DNS"],
    ["withdraw wait: wait until nobody remembers shop (15 s)"],
  ]);
  expect(told(forget("contract", { zone, subject: { kind: "host", host: "app1" }, oldTtl: 0 }))).toEqual([
    ["contract act: take app1 out of DNS"],
  ]);
});

test("adopting says from whom", () => {
  const subject = { kind: "app", app } as const;
  expect(told(adopt({ zone, subject, sets: ["_shop._tcp"], from: "other" }))).toEqual([
    ["publish act: take over shop in DNS from other"],
  ]);
});
