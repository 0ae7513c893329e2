import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import { compileTopology } from "../../../src/inventory/topology.ts";
import { canonicalJson } from "../../../src/model/hash.ts";
import { anyFleet, asNotedYaml, asYaml, assemble, permuted } from "../../support/fleet-data.ts";
import type { Data, FleetData } from "../../support/fleet-data.ts";
import { often } from "../../support/runs.ts";

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
      { numRuns: often(12) },
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
        expect(bytesOf(mixed, asNotedYaml)).toBe(bytes);
        // JSON is YAML too.
        expect(bytesOf(mixed, (data) => JSON.stringify(data))).toBe(bytes);
      }),
      { numRuns: often(12) },
    );
  });
});

/** A fleet's files as text, with one scalar of a key replaced by a number; null when the key is nowhere. */
function withNumber(
  fleet: FleetData,
  key: string,
  pick: number,
): { readonly files: readonly string[]; readonly line: number } | null {
  const files = [fleet.drover, fleet.inventory, ...fleet.apps].map(asYaml);
  const scalar = new RegExp(`^ *${key}: (?=[^[\\n])`);
  const spots = files.flatMap((text, file) =>
    text.split("\n").flatMap((written, line) => (scalar.test(written) ? [{ file, line }] : [])),
  );
  const spot = spots[pick % spots.length];
  if (spot === undefined) return null;
  const plant = (text: string): string =>
    text
      .split("\n")
      .map((written, line) => (line === spot.line ? written.replace(/: .*/, ": 1.10") : written))
      .join("\n");
  return { files: files.map((text, file) => (file === spot.file ? plant(text) : text)), line: spot.line + 1 };
}

describe("an error points at the line it is about", () => {
  test("for a number planted where a string belongs", () => {
    fc.assert(
      fc.property(anyFleet, fc.nat(), fc.constantFrom("release", "address", "user"), (fleet, pick, key) => {
        const planted = withNumber(fleet, key, pick);
        fc.pre(planted !== null);
        const [drover = "", inventory = "", ...apps] = planted.files;
        const assembled = assemble({ drover, inventory, apps }, (data) => (typeof data === "string" ? data : ""));
        const diagnostics = assembled.kind === "invalid" ? assembled.diagnostics : [];
        expect(diagnostics.map(({ line, path }) => ({ line, key: path.split(".").at(-1) }))).toEqual([
          { line: planted.line, key },
        ]);
        // The column is that of the number in its line.
        const lines = planted.files.map((text) => text.split("\n")[planted.line - 1] ?? "");
        const columns = lines.filter((line) => line.endsWith(": 1.10")).map((line) => line.indexOf("1.10") + 1);
        expect(columns).toContain(diagnostics[0]?.column);
      }),
      { numRuns: often(12) },
    );
  });
});
