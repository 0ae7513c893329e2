import type { App, Fleet, Host } from "../model/fleet.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";
import { compareText } from "./diagnostics.ts";
import { selectHosts } from "./selector/match.ts";
import { parseSelector } from "./selector/parse.ts";

/**
 * Derives the one value that every domain starts from. Hosts and instances keep inventory order, all else is sorted:
 * the same fleet gives the same canonical JSON. The fleet has to come from {@link assembleFleet}.
 */
export function compileTopology(fleet: Fleet): Topology {
  const balancers = fleet.loadBalancers
    .map(({ selector, ...set }) => ({ ...set, hosts: chosen(fleet.hosts, selector).map((host) => host.name) }))
    .toSorted((left, right) => compareText(left.name, right.name));
  return {
    fleet: fleet.name,
    hosts: fleet.hosts,
    balancers,
    apps: fleet.apps
      .map((app) => place(app, fleet.hosts))
      .toSorted((left, right) => compareText(left.name, right.name)),
    state: fleet.state,
    ssh: { port: fleet.ssh.port },
    dns: null,
    firewall: null,
  };
}

function place(app: App, hosts: readonly Host[]): TopologyApp {
  const instances = chosen(hosts, app.selector).map(({ name, addresses: [address = ""] }) => ({
    app: app.name,
    host: name,
    address,
    port: app.port,
  }));
  return { ...app, instances };
}

function chosen(hosts: readonly Host[], text: string): readonly Host[] {
  const parsed = parseSelector(text);
  if (parsed.kind === "error") throw new TypeError(`a checked selector does not parse: ${text}`);
  return selectHosts(hosts, parsed.selector);
}
