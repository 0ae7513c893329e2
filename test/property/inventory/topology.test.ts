import fc from "fast-check";
import { expect, test } from "vitest";
import { compareText } from "../../../src/inventory/diagnostics.ts";
import { selectHosts } from "../../../src/inventory/selector/match.ts";
import { parseSelector } from "../../../src/inventory/selector/parse.ts";
import type { PlacedFirewall, PlacedPeer } from "../../../src/model/policy.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { anyTopology } from "../../support/fleet-data.ts";

/** Every end that a firewall names, subjects too. */
function endsOf({ metrics, policies }: PlacedFirewall): readonly PlacedPeer[] {
  const rules = policies.flatMap(({ ingress, egress }) => [...(ingress ?? []), ...(egress ?? [])]);
  const lists = [metrics, ...rules.map(({ peers }) => peers)];
  return [...policies.map(({ subject }) => subject), ...lists.flatMap((peers) => (peers === "anyone" ? [] : peers))];
}

function selected({ hosts }: Topology, selector: string): readonly string[] {
  const parsed = parseSelector(selector);
  return parsed.kind === "ok" ? selectHosts(hosts, parsed.selector).map(({ name }) => name) : [];
}

test("selectors of the firewall are placed on the hosts that they give, in inventory order", () => {
  let ends = 0;
  fc.assert(
    fc.property(anyTopology, (topology) => {
      for (const end of topology.firewall === null ? [] : endsOf(topology.firewall)) {
        if (end.kind === "hosts") expect(end.hosts).toEqual(selected(topology, end.selector));
        if (end.kind === "hosts") expect(end.hosts).not.toEqual([]);
        if (end.kind === "app") expect(topology.apps.map(({ name }) => name)).toContain(end.app);
        ends += 1;
      }
      expect(topology.dns?.servers).not.toEqual([]);
    }),
    { numRuns: 25 },
  );
  expect(ends).toBeGreaterThan(10);
});

test("policies and named ports are sorted by name", () => {
  fc.assert(
    fc.property(anyTopology, ({ firewall, apps }) => {
      const lists = [firewall?.policies ?? [], ...apps.map(({ ports }) => ports)];
      for (const list of lists.map((each) => each.map(({ name }) => name)))
        expect(list).toEqual(list.toSorted(compareText));
    }),
    { numRuns: 25 },
  );
});
