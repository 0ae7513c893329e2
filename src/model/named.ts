/** All that one DNS server's files are rendered from. Kept in the host's manifest when applied; holds no secret. */
export interface NamedModel {
  readonly zone: string;
  readonly role: "primary" | "secondary";
  /** The primary's addresses, seen from a secondary; the secondaries', seen from the primary. */
  readonly peers: readonly string[];
  readonly key: {
    readonly name: string;
    readonly algorithm: string;
    /** Of the secret, keyed by the fleet's key. */
    readonly fingerprint: string;
  };
  /** Who may ask for names outside the zone: the fleet's hosts and its operators, canonical prefixes, sorted. */
  readonly clients: readonly string[];
  /** Where those are asked; none: from the root. */
  readonly forwarders: readonly string[];
  /** What the zone is created with on the primary; afterwards it changes by updates alone. TTLs in seconds. */
  readonly initial: {
    readonly negativeTtl: number;
    readonly addressTtl: number;
    readonly owner: string;
    /** The zone's name servers with their addresses, the primary first. */
    readonly servers: readonly { readonly host: string; readonly addresses: readonly string[] }[];
  } | null;
}

/** What is done to a host's BIND. The generators in named/operations.ts say how. */
export type NamedAction =
  /**
   * Checks with named-checkconf (and named-checkzone where the zone is created), keeps the previous files, installs, starts
   * or reconfigures, verifies that it answers for the zone; on failure puts the previous files back. The key's bytes are
   * the frame `secret`, never part of the plan.
   */
  | {
      readonly kind: "named.install";
      readonly host: string;
      readonly model: NamedModel;
      readonly config: string;
      /** The zone's first contents, on a primary that has none; null: the zone is not touched. */
      readonly zoneFile: string | null;
      /** Reference of the TSIG secret among the run's secrets. */
      readonly secret: string;
    }
  /** Put back the files kept under this hash (null: BIND was not ours: as the package left it); manifest as given. */
  | {
      readonly kind: "named.restore";
      readonly host: string;
      readonly sha256: string | null;
      readonly model: NamedModel | null;
    }
  /** A host that answers for the zone no more: everything drover laid there goes; the zone's file is kept aside. */
  | { readonly kind: "named.remove"; readonly host: string };
