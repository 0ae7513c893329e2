import type { App, Host, LoadBalancer, SshSettings, StateSettings } from "./fleet.ts";
import type { DnsSettings } from "./zone.ts";
import type { PlacedFirewall } from "./policy.ts";

/** An app on one host and port. */
export interface Instance {
  readonly app: string;
  readonly host: string;
  readonly address: string;
  readonly port: number | null;
  /** Of its SRV records. */
  readonly weight: number;
}

/** An app with the instances its selector gives, in inventory order. */
export interface TopologyApp extends App {
  readonly instances: readonly Instance[];
}

/** A balancer set with its hosts in inventory order. */
export interface TopologyBalancer extends Omit<LoadBalancer, "selector"> {
  readonly hosts: readonly string[];
}

/**
 * The one value derived from all files, from which every domain derives its own: pure and byte-stable
 * (the same files give the same canonical JSON). Hosts keep inventory order; apps and balancers are sorted by name.
 */
export interface Topology {
  readonly fleet: string;
  readonly hosts: readonly Host[];
  readonly balancers: readonly TopologyBalancer[];
  readonly apps: readonly TopologyApp[];
  readonly state: StateSettings;
  /** Where operators come in. */
  readonly ssh: Pick<SshSettings, "port">;
  /** Hosts in inventory order; the first is the primary. */
  readonly dns: DnsSettings<{ readonly hosts: readonly string[] }> | null;
  readonly firewall: PlacedFirewall | null;
}
