import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import { parseFleetFile } from "../../../src/inventory/parse-drover.ts";
import { checkTemplates } from "../../../src/inventory/templates.ts";

const drover = parseFleetFile("drover.yaml", "templates: own/");

test("every template that drover ships can be replaced by the fleet's own", () => {
  const shipped = readdirSync(new URL("../../../templates", import.meta.url));
  expect(shipped.length).toBeGreaterThan(2);
  expect(checkTemplates(drover, shipped)).toEqual([]);
  // A near miss is told the name it missed, so that is a name drover knows.
  const told = checkTemplates(
    drover,
    shipped.map((name) => `${name}x`),
  ).map(formatDiagnostic);
  expect(told.map((line) => / did you mean "(.*)"\?$/.exec(line)?.[1] ?? "").toSorted()).toEqual(shipped.toSorted());
});

test("a fleet without a folder of its own has nothing to check", () => {
  expect(checkTemplates(parseFleetFile("drover.yaml", "fleet: x"), null)).toEqual([]);
});
