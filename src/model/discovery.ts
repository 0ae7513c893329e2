import type { DnsServer } from "./dns.ts";

/** Apps in DNS, as plans carry them. */

/** The servers of a zone: updates go to the first, all of them have to agree. */
export interface ZoneServers {
  readonly primary: DnsServer;
  readonly secondaries: readonly DnsServer[];
  /** Whether a secondary that does not answer stops a change, or is named and passed over. The primary always stops it. */
  readonly onSilent: "stop" | "skip";
}

/** A zone that drover writes to. */
export interface ZoneRef {
  readonly zone: string;
  /** The fleet's name: who owns what carries it. */
  readonly owner: string;
  readonly servers: ZoneServers;
}

/** One instance at one of its app's SRV names. */
export interface Endpoint {
  /** Owner name of the record set below the zone, e.g. `_shop._tcp` or `_metrics._tcp.shop`. */
  readonly set: string;
  readonly priority: number;
  /** 1 to 65535: HAProxy takes 0 for "no traffic". */
  readonly weight: number;
  readonly port: number;
}

/** Everything one host contributes to an app's record sets; its target is `<host>.<zone>`. */
export interface HostEndpoints {
  readonly host: string;
  readonly endpoints: readonly Endpoint[];
}

/** A host's own addresses in DNS. */
export interface HostAddresses {
  readonly host: string;
  /** IPv4 and IPv6, canonical. */
  readonly addresses: readonly string[];
}

/** What is done to a zone's records. The generators in discovery/operations.ts say how. TTLs in seconds. */
export type DiscoveryAction =
  /**
   * These hosts are in, with exactly these endpoints; the app's other hosts stay as they are. With `only`, whatever else
   * the sets hold goes. Compare-and-swap on the app's owner record, read back, seen on every server.
   */
  | {
      readonly kind: "dns.publish";
      readonly zone: ZoneRef;
      readonly app: string;
      readonly hosts: readonly HostEndpoints[];
      readonly ttl: number;
      readonly only: boolean;
    }
  /** These hosts are out of all of the app's sets, on every server. Refuses to leave fewer than `floor` hosts. */
  | {
      readonly kind: "dns.withdraw";
      readonly zone: ZoneRef;
      readonly app: string;
      readonly hosts: readonly string[];
      readonly floor: number;
      /** For so many milliseconds clients may remember what they were told before. */
      readonly remembered: number;
    }
  /** The hosts' A and AAAA records are these, and no others. */
  | {
      readonly kind: "dns.addresses";
      readonly zone: ZoneRef;
      readonly hosts: readonly HostAddresses[];
      readonly ttl: number;
    }
  /** Everything drover has written for an app or a host goes, owner record and all; what is another's stays. */
  | {
      readonly kind: "dns.forget";
      readonly zone: ZoneRef;
      readonly subject: ServiceSubject;
      /** As in `dns.withdraw`. */
      readonly remembered: number;
    }
  /** Takes over records that stand without an owner record, or with another fleet's: exactly as they are. */
  | {
      readonly kind: "dns.adopt";
      readonly zone: ZoneRef;
      readonly subject: ServiceSubject;
      /** Of an app: its record sets below the zone; those that hold nothing are left alone. */
      readonly sets: readonly string[];
      /** The owner to take it from; null: nobody's. */
      readonly from: string | null;
    };

/** Whose records: an app's sets, or a host's addresses. */
export type ServiceSubject =
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "host"; readonly host: string };

/** What drover may have written where, on the state host: written before a name is published, so that none is lost. */
export interface ServiceLedger {
  /** Sorted by zone, kind and name. */
  readonly entries: readonly {
    readonly zone: string;
    readonly kind: ServiceSubject["kind"];
    readonly name: string;
  }[];
}
