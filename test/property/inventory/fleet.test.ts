import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import { compileTopology } from "../../../src/inventory/topology.ts";
import { canonicalJson } from "../../../src/model/hash.ts";
import { anyFleet, asYaml, assemble, permuted } from "./fleets.ts";
import type { Data, FleetData } from "./fleets.ts";

/** The topology's canonical bytes, or the errors. */
function bytesOf(fleet: FleetData, write: (data: Data) => string): string {
  const assembled = assemble(fleet, write);
  if (assembled.kind === "ok") return canonicalJson(compileTopology(assembled.fleet));
  return assembled.diagnostics.map(formatDiagnostic).join("\n");
}

describe("the topology is one value of the files' meaning", () => {
  test("every generated fleet is valid, and reads the same twice", () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const bytes = bytesOf(fleet, asYaml);
        expect(bytes).toMatch(/^\{"apps":/);
        expect(bytesOf(fleet, asYaml)).toBe(bytes);
      }),
      { numRuns: 60 },
    );
  });

  test("the order of keys, the order of app files and the style of the YAML change no byte", () => {
    fc.assert(
      fc.property(anyFleet, fc.nat(), (fleet, seed) => {
        const bytes = bytesOf(fleet, asYaml);
        const mixed = {
          drover: permuted(fleet.drover, seed),
          inventory: permuted(fleet.inventory, seed),
          apps: fleet.apps.map((app) => permuted(app, seed)),
        };
        expect(bytesOf(mixed, asYaml)).toBe(bytes);
        // JSON is YAML too.
        expect(bytesOf(mixed, (data) => JSON.stringify(data))).toBe(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe("an error points at the line it is about", () => {
  test("for a number planted where a string belongs", () => {
    fc.assert(
      fc.property(anyFleet, fc.nat(), fc.constantFrom("release", "address", "user"), (fleet, pick, key) => {
        const marked = (data: Data): string => asYaml(data);
        const files = [fleet.drover, fleet.inventory, ...fleet.apps].map(marked);
        const spots = files.flatMap((text, file) =>
          text
            .split("\n")
            .flatMap((line, index) => (new RegExp(`^ *${key}: [^[]`).test(line) ? [{ file, index }] : [])),
        );
        fc.pre(spots.length > 0);
        const spot = spots[pick % spots.length];
        const broken = files.map((text, file) => {
          const lines = text.split("\n");
          if (file === spot?.file) lines[spot.index] = (lines[spot.index] ?? "").replace(/: .*/, ": 1.10");
          return lines.join("\n");
        });
        const assembled = assemble(
          { drover: broken[0] ?? "", inventory: broken[1] ?? "", apps: broken.slice(2) },
          (data) => String(data),
        );
        const [first, ...others] = assembled.kind === "invalid" ? assembled.diagnostics : [];
        const line = broken[spot?.file ?? 0]?.split("\n")[spot?.index ?? 0] ?? "";
        expect(others).toEqual([]);
        expect(first).toMatchObject({ line: (spot?.index ?? 0) + 1, column: line.indexOf("1.10") + 1 });
        expect(first?.path.endsWith(key)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
