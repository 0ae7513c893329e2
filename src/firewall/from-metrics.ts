import type { FirewallMatch } from "../model/firewall.ts";
import type { PolicyPorts } from "../model/policy.ts";
import { metricsPortOf } from "./from-fleet.ts";
import { addressesOfPlaced, alike } from "./from-policies.ts";
import { type Ground, hostsOfPeer, type Placement } from "./ground.ts";
import { matchPort, type Part, partOfApp, portsThere, rulesOfParts } from "./parts.ts";
import type { Addresses } from "./prefixes.ts";

const SOURCE = "fleet/metrics:0";
/** What apps call the port at which they are measured. */
const PORTS: PolicyPorts = [{ kind: "name", protocol: null, name: "metrics" }];

function balancerMatches(ground: Ground, host: string): readonly FirewallMatch[] {
  const sets = ground.topology.balancers.filter(({ hosts }) => hosts.includes(host));
  return sets.flatMap((set) => {
    const port = metricsPortOf(set);
    return port === null ? [] : [matchPort("tcp", port)];
  });
}

/** Apps that the fleet names as readers. */
function readingApps({ firewall: { metrics } }: Ground): readonly string[] {
  return metrics === "anyone" ? [] : metrics.flatMap((peer) => (peer.kind === "app" ? [peer.app] : []));
}

function into(ground: Ground, addresses: Addresses): readonly Placement[] {
  const head = { direction: "in", source: SOURCE, sever: ground.firewall.sever } as const;
  const apps = readingApps(ground);
  const balancers = new Set(ground.topology.balancers.flatMap(({ hosts }) => hosts));
  const others = ground.hosts.filter((host) => !balancers.has(host));
  const portsOn = (host: string): ReturnType<typeof portsThere> =>
    portsThere(ground, host, { ports: PORTS, only: null });
  const groups = [
    ...alike(others, portsOn).map((group) => ({ ...group, matches: [] })),
    ...[...balancers].map((host) => ({
      hosts: [host],
      ports: portsOn(host),
      matches: balancerMatches(ground, host),
    })),
  ];
  return groups.flatMap(({ hosts, ports, matches }) => {
    const parts: readonly Part[] = [
      { matches, addresses, apps },
      ...ports.map((one) => partOfApp(one, addresses, apps)),
    ];
    return rulesOfParts(ground, head, parts).map((rule) => ({ hosts, rule }));
  });
}

function outOf(ground: Ground, hosts: readonly string[]): readonly Placement[] {
  if (hosts.length === 0) return [];
  const head = { direction: "out", source: SOURCE, sever: ground.firewall.sever } as const;
  const apps = readingApps(ground);
  const atBalancers = ground.topology.balancers.flatMap((set): readonly Part[] => {
    const port = metricsPortOf(set);
    return port === null ? [] : [{ matches: [matchPort("tcp", port)], addresses: ground.addressesOf(set.hosts), apps }];
  });
  const atApps = [...ground.apps.values()].map((app): Part => {
    const ports = app.ports.filter(({ name }) => name === "metrics");
    return partOfApp({ app: app.name, ports }, ground.addressesOf(app.instances.map(({ host }) => host)), apps);
  });
  return rulesOfParts(ground, head, [...atBalancers, ...atApps]).map((rule) => ({ hosts, rule }));
}

/** Whoever may read metrics, at the balancers and at the apps' ports called `metrics`. */
export function rulesFromMetrics(ground: Ground): readonly Placement[] {
  const { metrics } = ground.firewall;
  const readers = metrics === "anyone" ? ground.hosts : metrics.flatMap((peer) => hostsOfPeer(ground, peer));
  const isolated = [...new Set(readers)].filter((host) => ground.isolated.has(host));
  return [...into(ground, addressesOfPlaced(ground, metrics)), ...outOf(ground, isolated)];
}
