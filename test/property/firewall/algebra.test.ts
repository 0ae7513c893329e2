import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FirewallRule } from "../../../src/model/firewall.ts";
import { isWithin, rulesFor } from "../../../src/firewall/evaluate.ts";
import {
  type Addresses,
  covers,
  holds,
  intersect,
  isSame,
  minus,
  parseAddresses,
  toPrefixes,
  union,
} from "../../../src/firewall/prefixes.ts";
import {
  type Allowance,
  allowanceOf,
  allowanceOfRegions,
  type FirewallPacket,
  intersectAllowance,
  isEmptyAllowance,
  minusAllowance,
  permits,
  sameAllowance,
  slicesOf,
  unionAllowance,
} from "../../../src/firewall/regions.ts";
import { modelWith, ruleFor } from "../../support/firewall.ts";
import { often } from "../../support/runs.ts";

// Small universes, counted out: sixteen addresses at the edge of each family, six ports with the first and the last.

const OUTSIDE = ["0.0.0.0", "255.255.255.239", "9.9.9.9", "::", "fd00::f"];
const FOURS = Array.from({ length: 16 }, (_, at) => `255.255.255.${String(240 + at)}`);
const SIXES = Array.from({ length: 16 }, (_, at) => `fd00::1${at.toString(16)}`);
const UNIVERSE: readonly string[] = [...FOURS, ...SIXES, ...OUTSIDE];
const PORTS: readonly number[] = [0, 1, 2, 80, 81, 65_535];

const prefix: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.nat(15), fc.integer({ min: 28, max: 32 })).map(([at, bits]) => `${FOURS[at] ?? ""}/${String(bits)}`),
  fc.tuple(fc.nat(15), fc.integer({ min: 124, max: 128 })).map(([at, bits]) => `${SIXES[at] ?? ""}/${String(bits)}`),
  fc.constantFrom("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1"),
);
const prefixes = fc.array(prefix, { maxLength: 6 });

const members = (addresses: Addresses): readonly string[] => UNIVERSE.filter((address) => holds(addresses, address));
const within = (list: readonly string[]): readonly string[] =>
  UNIVERSE.filter((address) => list.some((one) => isWithin(address, one)));

const range = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const rule: fc.Arbitrary<FirewallRule> = fc
  .record({
    peers: fc.oneof(fc.constant("anyone" as const), fc.array(prefix, { minLength: 1, maxLength: 3 })),
    match: fc.oneof(
      fc.record({
        protocol: fc.constantFrom("tcp" as const, "udp" as const),
        ports: fc.option(fc.array(range, { minLength: 1, maxLength: 2 })),
      }),
      fc.record({ protocol: fc.constantFrom("any" as const, "vrrp" as const) }),
    ),
  })
  .map(({ peers, match }) => ruleFor("a:0", peers, { match }));
const rules = fc.array(rule, { maxLength: 5 });

const PACKETS: readonly FirewallPacket[] = UNIVERSE.filter((_, at) => at % 3 === 0).flatMap((address) => [
  ...PORTS.flatMap((port): readonly FirewallPacket[] => [
    { protocol: "tcp", port, address },
    { protocol: "udp", port, address },
  ]),
  { protocol: "vrrp", address },
  { protocol: "other", address },
]);

const passing = (allowance: Allowance): readonly boolean[] => PACKETS.map((packet) => permits(allowance, packet));
const runs = { numRuns: often(40) };

describe("sets of addresses", () => {
  test("hold what their prefixes hold, and are written in the same few prefixes", () => {
    fc.assert(
      fc.property(prefixes, (list) => {
        const set = parseAddresses(list);
        expect(members(set)).toEqual(within(list));
        const written = toPrefixes(set);
        expect(within(written)).toEqual(within(list));
        expect(isSame(parseAddresses(written.toReversed()), set)).toBe(true);
        expect(written.length).toBeLessThanOrEqual(new Set(list).size);
        // None can be left out, so that no two overlap.
        for (const one of written) {
          expect(isSame(parseAddresses(written.filter((other) => other !== one)), set)).toBe(false);
        }
      }),
      runs,
    );
  });

  test("are united, cut and subtracted as sets are", () => {
    fc.assert(
      fc.property(prefixes, prefixes, (left, right) => {
        const [a, b] = [parseAddresses(left), parseAddresses(right)];
        const [ins, others] = [new Set(within(left)), new Set(within(right))];
        expect(members(union(a, b))).toEqual(UNIVERSE.filter((one) => ins.has(one) || others.has(one)));
        expect(members(intersect(a, b))).toEqual(UNIVERSE.filter((one) => ins.has(one) && others.has(one)));
        expect(members(minus(a, b))).toEqual(UNIVERSE.filter((one) => ins.has(one) && !others.has(one)));
        expect(isSame(union(minus(a, b), intersect(a, b)), a)).toBe(true);
        expect(covers(a, b)).toBe(isSame(union(a, b), a));
      }),
      runs,
    );
  });
});

describe("what passes", () => {
  test("is what some rule lets pass, packet by packet", () => {
    fc.assert(
      fc.property(rules, (list) => {
        const allowance = allowanceOf(list, "in");
        const model = modelWith(list);
        for (const packet of PACKETS) {
          if (packet.protocol === "vrrp" || packet.protocol === "other") continue;
          expect(permits(allowance, packet)).toBe(rulesFor(model, "in", packet).length > 0);
        }
      }),
      runs,
    );
  });

  test("is united, cut and subtracted as sets of packets are", () => {
    fc.assert(
      fc.property(rules, rules, (left, right) => {
        const [a, b] = [allowanceOf(left, "in"), allowanceOf(right, "in")];
        const [ins, others] = [passing(a), passing(b)];
        expect(passing(unionAllowance(a, b))).toEqual(ins.map((one, at) => one || others[at]));
        expect(passing(intersectAllowance(a, b))).toEqual(ins.map((one, at) => one && others[at]));
        expect(passing(minusAllowance(a, b))).toEqual(ins.map((one, at) => one && others[at] === false));
        expect(sameAllowance(unionAllowance(minusAllowance(a, b), intersectAllowance(a, b)), a)).toBe(true);
        expect(isEmptyAllowance(minusAllowance(b, a))).toBe(sameAllowance(unionAllowance(a, b), a));
        expect(sameAllowance(allowanceOf([...left, ...right], "in"), unionAllowance(a, b))).toBe(true);
      }),
      runs,
    );
  });

  test("is cut into parts that make it up and have nothing in common, the same however it came about", () => {
    fc.assert(
      fc.property(rules, rules, (left, right) => {
        const allowance = minusAllowance(allowanceOf(left, "in"), allowanceOf(right, "in"));
        const slices = slicesOf(allowance);
        expect(sameAllowance(allowanceOfRegions(slices), allowance)).toBe(true);
        const parts = slices.map((slice) => passing(allowanceOfRegions([slice])));
        for (const index of PACKETS.keys()) {
          expect(parts.filter((part) => part[index] === true).length).toBeLessThanOrEqual(1);
        }
        const again = minusAllowance(allowanceOf(left.toReversed(), "in"), allowanceOf(right, "in"));
        expect(slicesOf(again)).toEqual(slices);
      }),
      runs,
    );
  });
});
