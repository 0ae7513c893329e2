import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { assembleFleet } from "../../../src/inventory/assemble.ts";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import { editScalar } from "../../../src/inventory/edit.ts";
import { parseApp } from "../../../src/inventory/parse-app.ts";
import { parseFleetFile } from "../../../src/inventory/parse-drover.ts";
import { parseInventory } from "../../../src/inventory/parse-inventory.ts";
import { splitWords } from "../../../src/inventory/words.ts";
import { anyFleet, asYaml } from "../../support/fleet-data.ts";
import { often } from "../../support/runs.ts";

const names = "app hosts release artifact run port health http env routes lb rollout fleet ssh state inventory exec";
const signs = [
  ": ",
  ":\n  ",
  "- ",
  "\n",
  "\n  ",
  "\t",
  "[",
  "]",
  "{",
  "}",
  ",",
  "&a ",
  "*a",
  "!x ",
  "!!str ",
  "'",
  '"',
  "|\n",
];
const oddities = [
  "#",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "? ",
  "<<",
  "1.10",
  "true",
  "~",
  "\\",
  "\u0000",
  "\u202e",
  "\ud800",
  ">-\n",
];
const yamlish = fc
  .array(fc.constantFrom(...names.split(" "), ...signs, ...oddities), { maxLength: 40 })
  .map((parts) => parts.join(""));

/** A valid file with one stretch replaced by something else. */
const mutated = fc
  .tuple(anyFleet, fc.nat(), fc.nat(12), yamlish)
  .map(([{ drover, inventory, apps }, at, length, noise]) =>
    [drover, inventory, apps[0] ?? {}].map((data) => {
      const text = asYaml(data);
      const start = at % text.length;
      return text.slice(0, start) + noise.slice(0, 10) + text.slice(start + length);
    }),
  );

describe("whatever the files say", () => {
  test("there is a fleet or a list of errors, each on one printable line at a real place", () => {
    const any = fc.oneof(fc.string({ unit: "binary" }), yamlish);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(any, any, any), mutated), ([drover = "", inventory = "", app = ""]) => {
        const assembled = assembleFleet({
          drover: parseFleetFile("drover.yaml", drover),
          inventory: [parseInventory("inventory.yaml", inventory)],
          apps: [parseApp("apps/a.yaml", app), parseApp("apps/b.yaml", app, "1.0")],
          found: [],
        });
        const diagnostics = assembled.kind === "invalid" ? assembled.diagnostics : [];
        expect(assembled.kind === "invalid").toBe(diagnostics.length > 0);
        const texts: Record<string, string> = { "drover.yaml": drover, "inventory.yaml": inventory };
        for (const diagnostic of diagnostics) {
          expect(formatDiagnostic(diagnostic)).toMatch(
            /^[a-z/]+\.yaml:\d+:\d+( [^\p{Cc}\u202e]+)?: [^\p{Cc}\u202e]+$/u,
          );
          expect(diagnostic.line).toBeLessThanOrEqual((texts[diagnostic.file] ?? app).split("\n").length);
        }
      }),
      { numRuns: often(30) },
    );
  });

  test("deep nesting, many aliases and aliases of aliases end in an error, soon", () => {
    const laughs = [
      "a: &a0 [x, x, x]",
      ...Array.from({ length: 12 }, (_, n) => `b${n}: &a${n + 1} [*a${n}, *a${n}, *a${n}]`),
    ];
    for (const text of ["[".repeat(50_000), `a: ${"{b: ".repeat(500)}`, laughs.join("\n"), "- ".repeat(5_000)]) {
      expect(parseInventory("i.yaml", text).diagnostics.length).toBeGreaterThan(0);
      expect(parseInventory("i.yaml", text).diagnostics.length).toBeLessThan(5_000);
    }
  });
});

test("words in single quotes come back as they were, whatever is in them", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), (words) => {
      const text = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
      expect(splitWords(text)).toEqual({ kind: "ok", words });
    }),
  );
});

test("an edit changes its one value and keeps every other byte", () => {
  const release = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+~-]{0,8}$/).filter((text) => !text.includes(".."));
  const style = fc.constantFrom(
    (text: string) => JSON.stringify(text),
    (text: string) => `'${text}'`,
  );
  const before = fc.constantFrom("", "# release: no\n", "app: a # x\n\n", "x: {release: y}\r\n", "é: ü\n");
  const after = fc.constantFrom("", "\n", " # why\n", "\nz: [1,   2]\n", "\n\n# end");
  fc.assert(
    fc.property(release, release, style, before, after, (from, to, write, head, tail) => {
      fc.pre(from !== to);
      const edited = editScalar(`${head}release: ${write(from)}${tail}`, "release", from, to);
      expect(edited).toEqual({ kind: "ok", text: `${head}release: ${write(to)}${tail}` });
      const text = edited.kind === "ok" ? edited.text : "";
      expect(parse(text)).toMatchObject({ release: to });
      expect(editScalar(text, "release", from, to)).toEqual({ kind: "already" });
      expect(editScalar(text, "release", to, from)).toEqual({
        kind: "ok",
        text: `${head}release: ${write(from)}${tail}`,
      });
    }),
  );
});
