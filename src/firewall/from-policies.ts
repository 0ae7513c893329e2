import type { PlacedPeer, Policy, PolicyRule } from "../model/policy.ts";
import { type Ground, hostsOfPeer, type Placement } from "./ground.ts";
import {
  type AppPorts,
  hasNames,
  literalMatches,
  type Part,
  partOfApp,
  portsThere,
  type RuleHead,
  rulesOfParts,
} from "./parts.ts";
import { type Addresses, ANYONE, minus, parseAddresses, unionOf } from "./prefixes.ts";

/** One rule of a policy with what it needs to know of that policy. */
interface Written {
  readonly head: RuleHead;
  readonly rule: PolicyRule<PlacedPeer>;
  readonly subject: Policy<PlacedPeer>["subject"];
  /** The apps that the subject or a peer names. */
  readonly apps: readonly string[];
}

/** What some hosts let in, and the hosts with exactly that. */
interface Alike {
  readonly hosts: string[];
  readonly ports: readonly AppPorts[];
}

/** All addresses of peers, `except` taken out of the prefix it belongs to and of no other peer. */
export function addressesOfPlaced(ground: Ground, peers: PolicyRule<PlacedPeer>["peers"]): Addresses {
  if (peers === "anyone") return ANYONE;
  const sets = peers.map((peer) =>
    peer.kind === "cidr"
      ? minus(parseAddresses([peer.cidr]), parseAddresses(peer.except))
      : ground.addressesOf(hostsOfPeer(ground, peer)),
  );
  return unionOf(sets);
}

/** Hosts where the same names stand for the same ports get the same rules. */
export function alike(hosts: readonly string[], portsOn: (host: string) => readonly AppPorts[]): readonly Alike[] {
  const groups = new Map<string, Alike>();
  for (const host of hosts) {
    const ports = portsOn(host);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { hosts: [], ports };
    group.hosts.push(host);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function intoSubject(ground: Ground, { head, rule, subject, apps }: Written): readonly Placement[] {
  const addresses = addressesOfPlaced(ground, rule.peers);
  const only = subject.kind === "app" ? subject.app : null;
  const hosts = hostsOfPeer(ground, subject);
  const groups = hasNames(rule.ports)
    ? alike(hosts, (host) => portsThere(ground, host, { ports: rule.ports, only }))
    : [{ hosts, ports: [] }];
  return groups.flatMap((group) => {
    const parts: readonly Part[] = [
      { matches: literalMatches(rule.ports), addresses, apps },
      ...group.ports.map((ports) => partOfApp(ports, addresses, apps)),
    ];
    return rulesOfParts(ground, head, parts).map((one) => ({ hosts: group.hosts, rule: one }));
  });
}

/** The destinations at which names stand for something: hosts of the inventory, never addresses beyond it. */
function partsByName(ground: Ground, { rule, apps }: Written): readonly Part[] {
  if (!hasNames(rule.ports)) return [];
  const peers = rule.peers === "anyone" ? [{ kind: "hosts", selector: "", hosts: ground.hosts } as const] : rule.peers;
  const found = new Map<string, { readonly ports: AppPorts; readonly hosts: Set<string> }>();
  for (const peer of peers) {
    const only = peer.kind === "app" ? peer.app : null;
    for (const host of hostsOfPeer(ground, peer)) {
      for (const ports of portsThere(ground, host, { ports: rule.ports, only })) {
        const at = found.get(ports.app) ?? { ports, hosts: new Set() };
        found.set(ports.app, { ...at, hosts: at.hosts.add(host) });
      }
    }
  }
  return [...found.keys()].toSorted().flatMap((app) => {
    const at = found.get(app);
    return at === undefined ? [] : [partOfApp(at.ports, ground.addressesOf([...at.hosts]), apps)];
  });
}

function outOfSubject(ground: Ground, written: Written): readonly Placement[] {
  const { head, rule, subject, apps } = written;
  const parts: readonly Part[] = [
    { matches: literalMatches(rule.ports), addresses: addressesOfPlaced(ground, rule.peers), apps },
    ...partsByName(ground, written),
  ];
  return rulesOfParts(ground, head, parts).map((one) => ({ hosts: hostsOfPeer(ground, subject), rule: one }));
}

function appsNamed(subject: PlacedPeer, { peers }: PolicyRule<PlacedPeer>): readonly string[] {
  const ends = [subject, ...(peers === "anyone" ? [] : peers)];
  return ends.flatMap((end) => (end.kind === "app" ? [end.app] : []));
}

/** What the policies say; a policy's rules only ever add, also to those of other policies. */
export function rulesFromPolicies(ground: Ground): readonly Placement[] {
  return ground.firewall.policies.flatMap(({ name, subject, ingress, egress, sever }) => {
    const write = (rule: PolicyRule<PlacedPeer>, index: number, direction: "in" | "out"): Written => ({
      head: { direction, source: `${name}:${String(index)}`, sever: sever ?? ground.firewall.sever },
      rule,
      subject,
      apps: appsNamed(subject, rule),
    });
    return [
      ...(ingress ?? []).flatMap((rule, index) => intoSubject(ground, write(rule, index, "in"))),
      ...(egress ?? []).flatMap((rule, index) => outOfSubject(ground, write(rule, index, "out"))),
    ];
  });
}
