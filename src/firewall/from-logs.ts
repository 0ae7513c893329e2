import type { TopologyBalancer } from "../model/topology.ts";
import type { Ground, Placement } from "./ground.ts";
import { matchPort, type Part, rulesOfParts } from "./parts.ts";
import { parseAddresses } from "./prefixes.ts";

/** Where a set's balancers send their log; null: nowhere but to their own syslog. */
function logServer({
  settings: { log },
}: TopologyBalancer): { readonly address: string; readonly port: number } | null {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(log.target) ?? [];
  const address = bracketed ?? plain;
  return address === undefined ? null : { address, port: Number(port) };
}

/** Balancers log by UDP (syslog, RFC 5426): a host of the inventory lets it in, an isolated balancer lets it out. */
export function rulesFromLogs(ground: Ground): readonly Placement[] {
  return ground.topology.balancers.flatMap((set) => {
    const server = logServer(set);
    if (server === null) return [];
    const source = `fleet/log/${set.name}:0`;
    const { sever } = ground.firewall;
    const matches = [matchPort("udp", server.port)];
    const into: Part = { matches, addresses: ground.addressesOf(set.hosts), apps: [] };
    const out: Part = { matches, addresses: parseAddresses([server.address]), apps: [] };
    const servers = ground.topology.hosts.filter(({ addresses }) => addresses.includes(server.address));
    const isolated = set.hosts.filter((host) => ground.isolated.has(host));
    return [
      ...at(
        servers.map(({ name }) => name),
        rulesOfParts(ground, { direction: "in", source, sever }, [into]),
      ),
      ...at(isolated, rulesOfParts(ground, { direction: "out", source, sever }, [out])),
    ];
  });
}

function at(hosts: readonly string[], rules: ReturnType<typeof rulesOfParts>): readonly Placement[] {
  return hosts.length === 0 ? [] : rules.map((rule) => ({ hosts, rule }));
}
