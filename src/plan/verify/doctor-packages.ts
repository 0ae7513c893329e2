import type { Known } from "../../model/known.ts";
import type { Topology } from "../../model/topology.ts";
import type { FirewallFacts } from "../../firewall/facts.ts";
import type { LbFacts } from "../../lb/facts.ts";
import type { NamedFacts } from "../../named/facts.ts";
import type { VipFacts } from "../../vip/facts.ts";
import type { Diagnosis } from "./doctor.ts";
import { wrong } from "./doctor.ts";

/** What a host told of the programs that its part in the fleet takes; null where it has no such part. */
export interface PartFacts {
  readonly named: Known<NamedFacts>;
  readonly lb: Known<LbFacts> | null;
  readonly vip: Known<VipFacts> | null;
  readonly firewall: Known<FirewallFacts> | null;
}

/** What a host lacks for what it is to be: a DNS server, a balancer, the holder of a VIP, behind a firewall. */
export function partDiagnoses(host: string, topology: Topology, facts: PartFacts): readonly Diagnosis[] {
  const set = topology.balancers.find(({ hosts }) => hosts.includes(host));
  return [
    ...(answersDns(host, topology) ? ofFacts(host, facts.named, namedLacks) : []),
    ...(facts.lb === null ? [] : ofFacts(host, facts.lb, lbLacks)),
    ...(facts.vip === null || (set?.vips.length ?? 0) === 0 ? [] : ofFacts(host, facts.vip, vipLacks)),
    ...(facts.firewall === null ? [] : ofFacts(host, facts.firewall, firewallLacks)),
  ];
}

/** Hosts that drover set BIND up on, and where it does not run: whatever they are asked, they are silent. */
export function stoppedServers(views: ReadonlyMap<string, Pick<PartFacts, "named">>): ReadonlySet<string> {
  const stopped = [...views].filter(([, { named }]) => {
    return named.kind === "known" && named.value.installed && !named.value.active && named.value.manifest !== null;
  });
  return new Set(stopped.map(([host]) => host));
}

function answersDns(host: string, { dns }: Topology): boolean {
  return dns !== null && dns.zone !== null && dns.servers.kind === "hosts" && dns.servers.hosts.includes(host);
}

interface Lack {
  readonly message: string;
  /** Debian packages; none where that does not help. */
  readonly packages: readonly string[];
}

function ofFacts<T>(host: string, facts: Known<T>, lacks: (value: T) => readonly Lack[]): readonly Diagnosis[] {
  if (facts.kind === "unknown") return [wrong(host, facts.why)];
  return lacks(facts.value).map(({ message, packages }) => {
    const hint = packages.length === 0 ? "" : `on ${host}: apt-get install ${packages.join(" ")}`;
    return wrong(host, { message, hint, detail: [] });
  });
}

function namedLacks({ installed, package: name }: NamedFacts): readonly Lack[] {
  return installed ? [] : [{ message: "is to answer for the zone and has no BIND", packages: [name] }];
}

function lbLacks({ stable: { installed, package: name } }: LbFacts): readonly Lack[] {
  return installed ? [] : [{ message: "is a balancer and has no HAProxy", packages: [name] }];
}

function vipLacks({ stable: { installed, package: name } }: VipFacts): readonly Lack[] {
  return installed ? [] : [{ message: "is to hold a VIP and has no keepalived", packages: [name] }];
}

function firewallLacks({ stable: { missing, rivals } }: FirewallFacts): readonly Lack[] {
  return [
    ...(missing.length === 0
      ? []
      : [{ message: `lacks what its firewall takes: ${missing.join(", ")}`, packages: missing }]),
    ...rivals.map((rival) => ({ message: `${rival}; two that rule one packet filter undo each other`, packages: [] })),
  ];
}
