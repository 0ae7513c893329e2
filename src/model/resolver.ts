/** How a host finds names of the fleet's zone. Kept in the host's manifest when applied. */
export interface ResolverModel {
  readonly zone: string;
  /** Addresses of the servers to ask, first to last; at most three (resolv.conf takes no more). */
  readonly servers: readonly string[];
  /** Whether the servers answer for all other names too; if not, only systemd-resolved can be told. */
  readonly recursive: boolean;
}

/** What is done to how a host resolves names. The generators in resolver/operations.ts say how. */
export type ResolverAction =
  /**
   * systemd-resolved gets a drop-in for the zone alone; a plain /etc/resolv.conf gets the servers in front of those it had,
   * after each was seen to answer. The previous file is kept. Proven by resolving on the host; on failure put back.
   */
  | { readonly kind: "resolver.install"; readonly host: string; readonly model: ResolverModel }
  /** As it was before this change; null: as it was before drover came. */
  | { readonly kind: "resolver.restore"; readonly host: string; readonly model: ResolverModel | null };
