import fc from "fast-check";
import { expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import type { VipModel } from "../../../src/model/vip.ts";
import { vipsOf, wireOf } from "../../../src/vip/normalize.ts";
import { LB1, textOf } from "../../unit/vip/models.ts";

/** The words that stand first on each line: keepalived's directives, and addresses. */
function directives(text: string): readonly string[] {
  const kept = text.split("\n").map((line) => line.replace(/(?:^|\s)[#!].*$/, "").trim());
  return kept
    .filter((line) => line !== "")
    .map((line) => (/^[0-9a-f]*[.:]/i.test(line) ? "ADDRESS" : (line.split(" ")[0] ?? "")));
}

const hostile = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "eth0\n    priority 255",
    "eth0 {",
    "}",
    "eth0 # x",
    "lb1\nnotify_master /bin/sh",
    "$A",
    "~SEQ(1,2)",
    "@lb1 x",
    '"',
  ),
);

test("no value brings in a directive: it is refused, or stays a value", () => {
  const usual = directives(textOf(LB1));
  fc.assert(
    fc.property(
      fc.constantFrom("host", "set", "interface", "address", "peer", "anchor", "other"),
      hostile,
      (where, value) => {
        const change: Partial<VipModel> =
          where === "peer"
            ? { peers: [value] }
            : where === "anchor" || where === "other"
              ? {
                  vips:
                    where === "anchor"
                      ? [{ address: value, prefix: 24 }, ...LB1.vips.slice(1)]
                      : [...LB1.vips.slice(0, 1), { address: value, prefix: 24 }],
                }
              : { [where]: value };
        try {
          expect(directives(textOf({ ...LB1, ...change }))).toEqual(usual);
        } catch (error) {
          if (!(error instanceof DroverError)) throw error;
        }
      },
    ),
    { numRuns: 300 },
  );
});

const vip = fc.tuple(fc.integer({ min: 1, max: 254 }), fc.integer({ min: 8, max: 32 })).map(([last, prefix]) => ({
  address: `192.168.56.${String(last)}`,
  prefix,
}));

test("what is read out of a file is what went in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(vip, { minLength: 1, maxLength: 5, selector: ({ address }) => address }), (vips) => {
      const text = textOf({ ...LB1, vips });
      expect(vipsOf(text)).toEqual(vips.map(({ address }) => address));
      expect(wireOf(text)).toContain(`address ${vips[0]?.address ?? ""}`);
      expect(wireOf(text)).toEqual(wireOf(textOf({ ...LB1, vips: vips.slice(0, 1), priority: 100 })));
    }),
    { numRuns: 100 },
  );
});
