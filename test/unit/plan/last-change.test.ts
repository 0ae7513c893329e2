import { describe, expect, test } from "vitest";
import { claimProblems, lastChangeFact } from "../../../src/plan/last-change.ts";

const claim = { fleet: "lab", epoch: 7, stateHost: "dns1" };

describe("who changed a host last", () => {
  test.for([
    ["", { epoch: 0, fleet: null }],
    ["17 lab/20261121-190001-d202\n", { epoch: 17, fleet: "lab" }],
    ["17 20261121-190001-d202\n", { epoch: 17, fleet: null }],
  ] as const)("%j", ([text, seen]) => {
    expect(lastChangeFact.parse(text)).toEqual(seen);
  });

  test("may be this fleet, or nobody", () => {
    expect(claimProblems("app1", { epoch: 7, fleet: "lab" }, claim)).toEqual([]);
    expect(claimProblems("app1", { epoch: 0, fleet: null }, claim)).toEqual([]);
  });

  test("is another fleet: refused, whatever the epochs say", () => {
    const [problem] = claimProblems("app1", { epoch: 3, fleet: "shop" }, claim);
    expect(problem?.message).toBe("app1 belongs to the fleet shop, and this is lab");
    expect(problem?.hint).toContain("rm /var/lib/drover/epoch");
  });

  test("held a lease of another state host: refused, with the command that takes over its count", () => {
    const [problem] = claimProblems("app1", { epoch: 17, fleet: "lab" }, claim);
    expect(problem?.message).toContain("app1 has seen epoch 17, and dns1 counts only to 7");
    expect(problem?.hint).toContain("echo 17 > /var/lib/drover/state/epoch");
  });
});
