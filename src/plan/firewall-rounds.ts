import type { PlanInput } from "./input.ts";
import { heldBy, setOf } from "./vips.ts";

/** Hosts of one round besides the canary: at most a quarter of all that change, and no fewer than this where there are. */
const SMALL = 10;
const SHARE = 4;

/**
 * Who goes together: one host as canary, one that does least harm; then the others in portions. Of a set of balancers, or
 * of the DNS servers, never all are in one round, and whoever holds a VIP comes late.
 */
export function roundsOf(hosts: readonly string[], input: PlanInput): readonly (readonly string[])[] {
  const canary = canaryOf(hosts, input);
  if (canary === null) return [];
  const size = Math.max(SMALL, Math.ceil(hosts.length / SHARE));
  const rounds: string[][] = [];
  for (const host of lateLast(hosts, input).filter((each) => each !== canary)) {
    const free = rounds.find((round) => round.length < size && !completes(host, round, input));
    if (free === undefined) rounds.push([host]);
    else free.push(host);
  }
  return [[canary], ...rounds];
}

/**
 * A balancer that stands by while another holds the VIP serves nobody, and as canary it saves a round: it could not go
 * with the others anyway. Else a host that no other depends on.
 */
function canaryOf(hosts: readonly string[], input: PlanInput): string | null {
  const { topology } = input;
  const shared = new Set(groupsOf(input).flat());
  const plain = hosts.filter((host) => !shared.has(host) && host !== topology.state.host);
  return hosts.find((host) => standsBy(host, input)) ?? plain[0] ?? lateLast(hosts, input)[0] ?? null;
}

function standsBy(host: string, input: PlanInput): boolean {
  const set = setOf(host, input);
  if (set === null || heldBy(host, input).length > 0 || host === input.topology.state.host) return false;
  const held = new Set(set.hosts.flatMap((each) => heldBy(each, input)).map(({ address }) => address));
  return set.vips.length > 0 && set.vips.every(({ address }) => held.has(address));
}

function groupsOf({ topology }: PlanInput): readonly (readonly string[])[] {
  const servers = topology.dns?.servers;
  return [...topology.balancers.map((set) => set.hosts), servers?.kind === "hosts" ? servers.hosts : []];
}

function lateLast(hosts: readonly string[], input: PlanInput): readonly string[] {
  const holds = (host: string): boolean => heldBy(host, input).length > 0;
  return [...hosts.filter((host) => !holds(host)), ...hosts.filter(holds)];
}

/** True where a round with this host would hold all of a group that has more than one. */
function completes(host: string, round: readonly string[], input: PlanInput): boolean {
  return groupsOf(input).some((group) => {
    return group.length > 1 && group.includes(host) && group.every((each) => each === host || round.includes(each));
  });
}
