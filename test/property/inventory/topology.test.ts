import fc from "fast-check";
import { expect, test } from "vitest";
import { valueAt } from "../../../src/inventory/data.ts";
import { compareText } from "../../../src/inventory/diagnostics.ts";
import { selectHosts } from "../../../src/inventory/selector/match.ts";
import { parseSelector } from "../../../src/inventory/selector/parse.ts";
import type { PlacedFirewall, PlacedPeer } from "../../../src/model/policy.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { anyFleet, anyTopology, topologyOf } from "../../support/fleet-data.ts";
import { often } from "../../support/runs.ts";

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
    }),
    { numRuns: often(12) },
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
    { numRuns: often(12) },
  );
});

test("DNS servers are the hosts that their selector gives, the first of the inventory first", () => {
  let chosen = 0;
  fc.assert(
    fc.property(anyFleet, (data) => {
      const topology = topologyOf(data);
      const selector = valueAt(data.drover, ["dns", "servers"]);
      const servers = topology.dns?.servers;
      expect(servers === undefined).toBe(selector === undefined);
      if (typeof selector === "string") {
        expect(servers).toEqual({ kind: "hosts", hosts: selected(topology, selector) });
        chosen += 1;
      } else expect(servers?.kind).not.toBe("hosts");
    }),
    { numRuns: often(20) },
  );
  expect(chosen).toBeGreaterThan(5);
});

test("an instance weighs what the last rule says that takes its host", () => {
  let ruled = 0;
  fc.assert(
    fc.property(anyTopology, (topology) => {
      for (const { srv, instances } of topology.apps)
        for (const { host, weight } of instances) {
          const rules = srv.weights.filter(({ selector }) => selected(topology, selector).includes(host));
          expect(weight).toBe(rules.at(-1)?.weight ?? srv.weight);
          ruled += rules.length;
        }
    }),
    { numRuns: often(20) },
  );
  expect(ruled).toBeGreaterThan(10);
});
