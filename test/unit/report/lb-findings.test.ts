import { expect, test } from "vitest";
import type { Finding } from "../../../src/plan/verify/findings.ts";
import { verificationCode, verificationLines } from "../../../src/report/lb-findings.ts";

const drained: Finding = {
  code: "drained",
  kind: "difference",
  set: "edge",
  balancer: "lb1",
  message: "shop/app1 is in state maint and nobody owes that",
  hint: "drover apply",
};
const silent: Finding = { ...drained, code: "unanswered", kind: "unknown", balancer: null, hint: "" };

test("what is all right is counted and ends with 0", () => {
  const all = { checks: 41, balancers: 2, findings: [] };
  expect(verificationLines(all)).toEqual(["verified: 41 checks on 2 balancers"]);
  expect(verificationCode(all)).toBe(0);
});

test("each finding is a line with its code and what to type next; differences end with 2", () => {
  const some = { checks: 41, balancers: 2, findings: [drained] };
  expect(verificationLines(some)).toEqual([
    "lb1: shop/app1 is in state maint and nobody owes that [drained] → drover apply",
    "1 difference: 41 checks on 2 balancers",
  ]);
  expect(verificationCode(some)).toBe(2);
});

test("where something stayed unknown it ends with 1, whatever else was found", () => {
  const some = { checks: 41, balancers: 1, findings: [drained, silent] };
  expect(verificationCode(some)).toBe(1);
  expect(verificationLines(some).slice(1)).toEqual([
    "edge: shop/app1 is in state maint and nobody owes that [unanswered]",
    "1 difference, 1 unknown: 41 checks on 1 balancer",
  ]);
});
