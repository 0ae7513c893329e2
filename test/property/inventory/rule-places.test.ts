import fc from "fast-check";
import { expect, test } from "vitest";
import { isRecord, valueAt } from "../../../src/inventory/data.ts";
import { anyFleet, assemble } from "../../support/fleet-data.ts";
import type { FleetData } from "../../support/fleet-data.ts";

/** Every rule that the files write, by direction and source, with what stands there. */
function writtenRules({ drover, apps }: FleetData): ReadonlyMap<string, unknown> {
  const rules = new Map<string, unknown>();
  const add = (start: string, list: unknown): void => {
    for (const [index, item] of Array.isArray(list) ? list.entries() : []) rules.set(`${start}:${String(index)}`, item);
  };
  for (const app of apps)
    for (const key of ["routes", "talksTo"])
      for (const direction of ["in", "out"])
        add(`${direction} app/${String(valueAt(app, ["app"]))}/${key}`, valueAt(app, [key]));
  const policies = valueAt(drover, ["firewall", "policies"]);
  for (const [name, policy] of isRecord(policies) ? Object.entries(policies) : []) {
    add(`in ${name}`, valueAt(policy, ["ingress"]));
    add(`out ${name}`, valueAt(policy, ["egress"]));
  }
  return rules;
}

/** What stands at each place of the fleet's rules, when every file is one line of JSON. */
function placedRules(fleet: FleetData): ReadonlyMap<string, string> {
  const assembled = assemble(fleet, (data) => JSON.stringify(data));
  expect(assembled.kind).toBe("ok");
  const places = assembled.kind === "ok" ? assembled.fleet.rulePlaces : {};
  const textOf = (file: string): string => {
    const [, index] = /^apps\/app-(\d+)\.yaml$/.exec(file) ?? [];
    return JSON.stringify(index === undefined ? fleet.drover : fleet.apps[Number(index)]);
  };
  return new Map(
    Object.entries(places).map(([source, { file, line, column }]) => {
      expect(line).toBe(1);
      return [source, textOf(file).slice(column - 1)];
    }),
  );
}

test("each rule of the firewall is placed where it is written, and none where there is no firewall", () => {
  let count = 0;
  fc.assert(
    fc.property(anyFleet, (fleet) => {
      const placed = placedRules(fleet);
      const written = valueAt(fleet.drover, ["firewall"]) === undefined ? new Map() : writtenRules(fleet);
      for (const [source, item] of written) {
        expect(placed.get(source)?.startsWith(JSON.stringify(item)), source).toBe(true);
        count += 1;
      }
      const others = [...placed.keys()].filter((source) => !written.has(source));
      expect(others.filter((source) => !/^(in|out) fleet\//.test(source))).toEqual([]);
      expect(placed.has("in fleet/ssh:0")).toBe(valueAt(fleet.drover, ["firewall"]) !== undefined);
    }),
    { numRuns: 25 },
  );
  expect(count).toBeGreaterThan(10);
});
