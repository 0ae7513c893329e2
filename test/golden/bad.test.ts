import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../src/inventory/diagnostics.ts";
import { loadFleet } from "../../src/inventory/load.ts";
import { compileTopology } from "../../src/inventory/topology.ts";
import { filesIn } from "./fleet-files.ts";

const bad = join(import.meta.dirname, "bad");
const good = join(import.meta.dirname, "good");

// One folder is one fleet with one cause (or all at once); errors.txt is what a person reads, to the letter.
// `vitest -u` writes what comes out: read every line of the difference before committing it.
describe("a fleet with a mistake is refused", () => {
  test.for(readdirSync(bad))("%s", async (name) => {
    const text = await outcomeOf(join(bad, name));
    expect(text).toMatch(/^\S+:\d+:\d+/);
    await expect(text).toMatchFileSnapshot(join(bad, name, "errors.txt"));
  });

  test("there are enough causes", () => {
    expect(readdirSync(bad).length).toBeGreaterThanOrEqual(18);
  });
});

describe("a good fleet gives its topology", () => {
  test.for(readdirSync(good))("%s", async (name) => {
    const text = await outcomeOf(join(good, name));
    expect(text).toMatch(/^\{/);
    await expect(text).toMatchFileSnapshot(join(good, name, "topology.json"));
  });
});

/** The topology as JSON, or the errors one per line. */
async function outcomeOf(folder: string): Promise<string> {
  const limits = { deadline: 5_000, signal: new AbortController().signal };
  const loaded = await loadFleet(filesIn(folder), { limits, folder });
  if (loaded.kind === "ok") return `${JSON.stringify(compileTopology(loaded.fleet), null, 2)}\n`;
  return loaded.diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join("");
}
