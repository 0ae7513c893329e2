import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { CASES } from "../../lab/support/conformance/cases/all.ts";
import { readProbes } from "../../lab/support/conformance/case.ts";
import { bitsOf, isWithin } from "../../lab/support/conformance/naive-address.ts";
import { SEEDED_BUGS } from "../../lab/support/conformance/seeded-bugs.ts";
import { checkOnPaper, wrongOnPaper } from "../../lab/support/conformance/verdicts.ts";

// The same cases with real packets: test/lab/firewall-conformance.test.ts.
describe("what passes, by an independent model and by explain", () => {
  it.for(CASES)("$title", (each) => {
    expect(checkOnPaper(each)).toEqual([]);
  });
});

describe("bugs that are put back in are found", () => {
  it.for(SEEDED_BUGS.filter(({ paper }) => paper))("$name", ({ compiler }) => {
    expect(CASES.some((each) => wrongOnPaper(each, compiler).next().done === false)).toBe(true);
  });
});

describe("the suite itself", () => {
  test("has at least 60 cases, no two of one title, and each has probes", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(60);
    expect(new Set(CASES.map(({ title }) => title)).size).toBe(CASES.length);
  });

  test("judges by a model that knows nothing of src/firewall", () => {
    for (const file of ["model.ts", "naive-address.ts", "case.ts"]) {
      const text = readFileSync(new URL(`../../lab/support/conformance/${file}`, import.meta.url), "utf8");
      const imported = [...text.matchAll(/^import (type )?.* from "(.*)";$/gm)].map(
        ([, type, from]) => `${type ?? ""}${String(from)}`,
      );
      expect(
        imported.filter((each) => each.includes("src/") && !each.startsWith("type ")),
        file,
      ).toEqual([]);
      expect(
        imported.filter((each) => each.includes("src/firewall")),
        file,
      ).toEqual([]);
    }
  });

  test("refuses a table that it does not understand", () => {
    const addresses = { a: ["10.0.0.1", "fd00::1"], b: ["10.0.0.2"] };
    expect(readProbes("a -> b: 22 udp/53 yes; 23 no", addresses).map(({ expected }) => expected)).toEqual([
      true,
      true,
      false,
    ]);
    for (const bad of ["a -> c: 22 yes", "a -> b: 22", "a -> b: yes", "a -> b v6: 22 yes", "a -> b: ssh yes", "a b"])
      expect(() => readProbes(bad, addresses), bad).toThrow(/nobody|no verdict|not understood|what is/);
  });

  test("knows addresses by their bits", () => {
    expect(bitsOf("10.0.0.1")).toBe("00001010000000000000000000000001");
    expect(bitsOf("fd00::1")).toHaveLength(128);
    expect(bitsOf("::")).toBe("0".repeat(128));
    expect(bitsOf("1:2:3:4:5:6:7:8")).toHaveLength(128);
    expect(isWithin("10.1.255.255", "10.1.0.0/16")).toBe(true);
    expect(isWithin("10.2.0.0", "10.1.0.0/16")).toBe(false);
    expect(isWithin("fd00::1", "::/0")).toBe(true);
    expect(isWithin("fd00::1", "0.0.0.0/0")).toBe(false);
    expect(isWithin("10.0.0.1", "10.0.0.1")).toBe(true);
  });
});
