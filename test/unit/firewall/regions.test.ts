import { describe, expect, test } from "vitest";
import { peersOf } from "../../../src/firewall/prefixes.ts";
import {
  type Allowance,
  allowanceOf,
  EVERYTHING,
  isEmptyAllowance,
  minusAllowance,
  NOTHING,
  permits,
  sameAllowance,
  slicesOf,
  unionAllowance,
} from "../../../src/firewall/regions.ts";
import { match, ruleFor } from "../../support/firewall.ts";

const shown = (allowance: Allowance): unknown =>
  slicesOf(allowance).map((region) => ({ match: region.match, peers: peersOf(region.addresses) }));

describe("what passes", () => {
  test("adds up over rules, whoever asked for them", () => {
    const rules = [
      ruleFor("a:0", ["10.0.0.0/25"], { match: match("tcp", 80, 443) }),
      ruleFor("b:0", ["10.0.0.128/25"], { match: match("tcp", 443) }),
      ruleFor("b:1", ["10.0.0.128/25"], { match: match("tcp", 80) }),
      ruleFor("c:0", "anyone", { direction: "out", match: { protocol: "any" } }),
    ];
    expect(shown(allowanceOf(rules, "in"))).toEqual([{ match: match("tcp", 80, 443), peers: ["10.0.0.0/24"] }]);
    expect(sameAllowance(allowanceOf(rules, "out"), EVERYTHING)).toBe(true);
  });

  test("any protocol covers TCP, UDP, VRRP and the rest", () => {
    const any = allowanceOf([ruleFor("a:0", ["10.0.0.1/32"], { match: { protocol: "any" } })], "in");
    const address = "10.0.0.1";
    expect(permits(any, { protocol: "tcp", port: 1, address })).toBe(true);
    expect(permits(any, { protocol: "udp", port: 65_535, address })).toBe(true);
    expect(permits(any, { protocol: "vrrp", address })).toBe(true);
    expect(permits(any, { protocol: "other", address })).toBe(true);
    expect(permits(any, { protocol: "other", address: "10.0.0.2" })).toBe(false);
    expect(shown(any)).toEqual([{ match: { protocol: "any" }, peers: ["10.0.0.1/32"] }]);
  });

  test("every port of a protocol is not every protocol", () => {
    const both = allowanceOf(
      [ruleFor("a:0", "anyone", { match: match("tcp") }), ruleFor("a:0", "anyone", { match: match("udp") })],
      "in",
    );
    expect(shown(both)).toEqual([
      { match: match("tcp"), peers: "anyone" },
      { match: match("udp"), peers: "anyone" },
    ]);
    expect(isEmptyAllowance(minusAllowance(both, EVERYTHING))).toBe(true);
    expect(isEmptyAllowance(minusAllowance(EVERYTHING, both))).toBe(false);
  });

  test("one port taken out of everything leaves everything else", () => {
    const ssh = allowanceOf([ruleFor("a:0", "anyone", { match: match("tcp", 22) })], "in");
    const rest = minusAllowance(EVERYTHING, ssh);
    expect(shown(rest)).toEqual([
      {
        match: {
          protocol: "tcp",
          ports: [
            { from: 0, to: 21 },
            { from: 23, to: 65_535 },
          ],
        },
        peers: "anyone",
      },
      { match: match("udp"), peers: "anyone" },
      { match: { protocol: "vrrp" }, peers: "anyone" },
      { match: { protocol: "other" }, peers: "anyone" },
    ]);
    expect(sameAllowance(unionAllowance(rest, ssh), EVERYTHING)).toBe(true);
    expect(isEmptyAllowance(minusAllowance(ssh, EVERYTHING))).toBe(true);
    expect(isEmptyAllowance(NOTHING)).toBe(true);
  });
});
