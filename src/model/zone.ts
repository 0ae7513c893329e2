import type { DnsAlgorithm } from "./dns.ts";
import type { SecretSource } from "./fleet.ts";

/** Who answers DNS: hosts that drover sets up, or servers of somebody else. The first is the one that takes updates. */
export type DnsServers<Hosts> =
  | ({ readonly kind: "hosts" } & Hosts)
  | {
      readonly kind: "addresses";
      /** At least one; none twice. */
      readonly addresses: readonly { readonly address: string; readonly port: number }[];
    };

/** The zone that apps are published in. Times in milliseconds, whole seconds. */
export interface DnsZone {
  /** Lower case, without the final dot. */
  readonly name: string;
  readonly key: {
    readonly name: string;
    readonly algorithm: DnsAlgorithm;
    /** Base64, as BIND writes it; null: made from the fleet's own key, which only servers that drover sets up can know. */
    readonly secret: SecretSource | null;
  };
  /** Of SRV records. */
  readonly ttl: number;
  /** Of the hosts' addresses. */
  readonly addressTtl: number;
  /** How long "there is no such name" may be remembered; only where drover creates the zone. */
  readonly negativeTtl: number;
  readonly onSilent: "stop" | "skip";
  /** Whether hosts whose apps talk to others are told to resolve through these servers. */
  readonly resolver: boolean;
  /** Where servers that drover sets up ask for names of others; none: from the root. */
  readonly forwarders: readonly string[];
}

/** The `dns:` block. Without a zone nothing is published, and the servers are known to the firewall alone. */
export interface DnsSettings<Hosts = { readonly selector: string }> {
  readonly servers: DnsServers<Hosts>;
  readonly zone: DnsZone | null;
}
