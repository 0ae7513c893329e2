import { expect, test } from "vitest";
import { roundsOf } from "../../../src/plan/firewall-rounds.ts";
import type { PlanInput } from "../../../src/plan/input.ts";
import { type FirewallSketch, topologyWith } from "../../support/firewall.ts";

const HOSTS = { ops1: ["10.0.0.1"], app1: ["10.0.0.2"], ns1: ["10.0.0.53"], ns2: ["10.0.0.54"], ns3: ["10.0.0.55"] };

function roundsWith(dns: FirewallSketch["dns"], hosts: readonly string[] = Object.keys(HOSTS)): readonly string[][] {
  const topology = topologyWith({ hosts: HOSTS, ...(dns === undefined ? {} : { dns }) });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rounds follow from who serves whom, and nobody holds a VIP
  const input = { topology, views: new Map() } as unknown as PlanInput;
  return roundsOf(hosts, input).map((round) => [...round]);
}

test("of the fleet's DNS servers never all go at once, and none of them goes first", () => {
  const rounds = roundsWith(["ns1", "ns2", "ns3"]);
  expect(rounds[0]).toEqual(["app1"]);
  for (const round of rounds) expect(round).not.toEqual(expect.arrayContaining(["ns1", "ns2", "ns3"]));
  expect(rounds.flat().toSorted()).toEqual(Object.keys(HOSTS).toSorted());
});

test("servers of somebody else hold nobody back, whatever addresses they have", () => {
  const others = { kind: "addresses" as const, addresses: [{ address: "10.0.0.53", port: 53 }] };
  for (const dns of [others, undefined]) expect(roundsWith(dns)).toEqual([["app1"], ["ops1", "ns1", "ns2", "ns3"]]);
});
