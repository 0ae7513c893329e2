import type { FirewallModel, FirewallRule, PortRange } from "../model/firewall.ts";
import type { Topology } from "../model/topology.ts";
import { rulesFromApps } from "./from-apps.ts";
import { rulesFromFleet } from "./from-fleet.ts";
import { rulesFromFollow } from "./from-follow.ts";
import { rulesFromLogs } from "./from-logs.ts";
import { rulesFromMetrics } from "./from-metrics.ts";
import { rulesFromPolicies } from "./from-policies.ts";
import { compareText, groundOf } from "./ground.ts";

function portsOf({ match }: FirewallRule): readonly PortRange[] {
  return "ports" in match ? (match.ports ?? []) : [];
}

function comparePorts(a: readonly PortRange[], b: readonly PortRange[]): number {
  const [one, other] = [a, b].map((ports) => ports.flatMap(({ from, to }) => [from, to]));
  for (const [index, port] of (one ?? []).entries()) {
    const difference = port - (other?.[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function textOf(peers: FirewallRule["peers"]): string {
  return peers === "anyone" ? peers : peers.join(" ");
}

/** The order of rules in a model: direction, source, protocol, ports, and last the peers. */
export function compareRules(a: FirewallRule, b: FirewallRule): number {
  return (
    compareText(a.direction, b.direction) ||
    compareText(a.source, b.source) ||
    compareText(a.match.protocol, b.match.protocol) ||
    comparePorts(portsOf(a), portsOf(b)) ||
    compareText(textOf(a.peers), textOf(b.peers))
  );
}

/**
 * What every host's firewall should let pass; an empty map where firewalls are not managed. Pure, byte-stable, and
 * rules that several hosts have are one and the same object. Throws a DroverError for an address that is none.
 */
export function desiredFirewall(topology: Topology): ReadonlyMap<string, FirewallModel> {
  const { firewall } = topology;
  if (firewall === null) return new Map();
  const ground = groundOf(topology, firewall);
  const rules = new Map<string, FirewallRule[]>(ground.hosts.map((host) => [host, []]));
  for (const from of [
    rulesFromFleet,
    rulesFromFollow,
    rulesFromLogs,
    rulesFromMetrics,
    rulesFromApps,
    rulesFromPolicies,
  ]) {
    for (const { hosts, rule } of from(ground)) {
      for (const host of hosts) rules.get(host)?.push(rule);
    }
  }
  return new Map(
    [...rules].map(([host, own]) => [
      host,
      { rules: own.toSorted(compareRules), egress: ground.isolated.has(host), log: firewall.log },
    ]),
  );
}
