import { expect, test } from "vitest";
import { namedFact } from "../../../src/named/facts.ts";
import { configOf, PRIMARY } from "./models.ts";
import { sha256 } from "../../../src/model/hash.ts";

function printed(sections: Readonly<Record<string, string>>): string {
  return Object.entries({ ...sections, end: "yes" })
    .map(([key, value]) => `${key} ${Buffer.from(value).toString("hex")}\n`)
    .join("");
}

const sum = sha256(configOf(PRIMARY));
const whole = {
  manifest: JSON.stringify({ model: PRIMARY, sha256: sum }),
  installed: "yes",
  version: "9.18.49-1~deb12u3-Debian",
  active: "active",
  enabled: "enabled",
  sha256: sum,
  key: "right",
  zones: "svc.lab.internal x.test",
  copies: "",
};

test("a primary as drover set it up", () => {
  expect(namedFact.parse(printed(whole))).toEqual({
    installed: true,
    package: "bind9",
    version: "9.18.49-1~deb12u3-Debian",
    active: true,
    enabled: true,
    sha256: sum,
    manifest: { model: PRIMARY, sha256: sum },
    key: "right",
    zones: ["svc.lab.internal", "x.test"],
    copies: [],
    interrupted: false,
  });
});

test("a host without BIND", () => {
  expect(namedFact.parse(printed({}))).toEqual({
    installed: false,
    package: "bind9",
    version: null,
    active: false,
    enabled: false,
    sha256: null,
    manifest: null,
    key: "missing",
    zones: [],
    copies: [],
    interrupted: false,
  });
});

test("BIND as the package starts it, a key that others may read, a change cut off", () => {
  const { manifest: _, ...without } = whole;
  expect(namedFact.parse(printed({ ...without, key: "changed", pending: "yes", zones: "" }))).toMatchObject({
    manifest: null,
    key: "changed",
    zones: [],
    interrupted: true,
  });
});

test.for([
  ["a cut-off answer", "active 6163\n", "cut off"],
  ["a manifest of somebody else", printed({ ...whole, manifest: '{"model":{}}' }), "does not hold what drover writes"],
  ["a torn manifest", printed({ ...whole, manifest: '{"mod' }), "does not hold what drover writes"],
] as const)("%s makes it unknown", ([, stdout, says]) => {
  expect(() => namedFact.parse(stdout)).toThrow(says);
});

test("nothing of the key is told: its bytes and its hash stay on the host", () => {
  expect(namedFact.text).not.toMatch(/slurp\("\/etc\/bind\/drover\.key"\)/);
  expect(namedFact.text.match(/say_hex\("key"[^\n]*/)?.[0]).toContain('? "right" : "changed"');
});
