/** What a host's firewall lets pass, as drover last applied it or wants it. Everything else that comes in is refused. */

/** Inclusive. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** What one rule lets pass; `anyone` and a null are never the result of an empty list. */
export type FirewallMatch =
  /** Sorted, not touching each other; null: every port. */
  | { readonly protocol: "tcp" | "udp"; readonly ports: readonly PortRange[] | null }
  /** Any protocol; VRRP (protocol 112). */
  | { readonly protocol: "any" }
  | { readonly protocol: "vrrp" };

/** One way in or out of one host, and who asked for it. */
export interface FirewallRule {
  readonly direction: "in" | "out";
  /** The other end: canonical prefixes of both families, aggregated and sorted, at least one. */
  readonly peers: "anyone" | readonly string[];
  readonly match: FirewallMatch;
  /**
   * `orders-db:0` is the first rule of a policy in its direction; what follows from the fleet is called
   * `fleet/ssh:0`, `app/shop/routes:0`, `app/shop/talksTo:0`. Within a comment, and in `firewall explain`.
   */
  readonly source: string;
  /** Apps that it is there for, sorted: a change of one app touches no other rule. What is rendered does not depend on it. */
  readonly apps: readonly string[];
  /** Closing it cuts the connections it let in. */
  readonly sever: boolean;
}

/** One host's rules; no two let the same pass for the same source. Minimal is what is rendered, not this. */
export interface FirewallModel {
  /** Sorted by direction, source, protocol and ports. */
  readonly rules: readonly FirewallRule[];
  /** True: what goes out is refused too, unless a rule lets it. Without it there are no rules of direction `out`. */
  readonly egress: boolean;
  readonly log: boolean;
}

/** A model rendered as one generation. All sets are created before any rule; both families flip at the end of their file. */
export interface FirewallTexts {
  /** For `ipset restore`; empty where no rule needs a set. */
  readonly sets: string;
  /** For `iptables-restore --noflush` and `ip6tables-restore --noflush`. */
  readonly v4: string;
  readonly v6: string;
}

/** What was let pass before and is not any more: connections that match are cut. */
export interface FirewallCut {
  readonly direction: "in" | "out";
  /** Canonical prefixes; `anyone` does not occur, whoever is still let in is left out. */
  readonly peers: readonly string[];
  readonly match: Extract<FirewallMatch, { readonly protocol: "tcp" | "udp" | "any" }>;
}

/** What is done on a host. The generators in firewall/operations.ts say how. Times in milliseconds. */
export type FirewallAction =
  /**
   * Lays the files down, arms the way back, commits, and confirms over a new connection. Not confirmed within `confirm`:
   * the host goes back by itself, whatever became of drover. The change is kept over a reboot once it is confirmed.
   */
  | {
      readonly kind: "firewall.apply";
      readonly host: string;
      /** Larger than any the host has seen. */
      readonly generation: number;
      readonly model: FirewallModel;
      readonly texts: FirewallTexts;
      readonly confirm: number;
      /**
       * Open connections to cut once it is confirmed. The confirming command does it on the host, so that a drover that
       * is killed in between leaves none that nobody would ever look at again.
       */
      readonly cuts: readonly FirewallCut[];
    }
  /** Back to the generation from before (null: none, drover's rules are taken away), confirmed likewise. Idempotent. */
  | {
      readonly kind: "firewall.restore";
      readonly host: string;
      readonly generation: number | null;
      readonly confirm: number;
    }
  /** Takes all of drover's chains, sets, files and the boot unit away. */
  | { readonly kind: "firewall.remove"; readonly host: string };

/** What one end's firewall says of a flow; `Rule` is how rules are told there. */
export type EndVerdict<Rule> =
  /** No host of the inventory: drover knows nothing of its firewall. */
  | { readonly kind: "foreign" }
  /** Its firewall is not managed. */
  | { readonly kind: "unmanaged" }
  /** A host to itself, which is always open. */
  | { readonly kind: "self" }
  /** A source from which everything may go out, because no policy with an `egress` key selects it. */
  | { readonly kind: "open" }
  /** Let through by each of these, at least one. */
  | { readonly kind: "allowed"; readonly rules: readonly Rule[] }
  /** No rule lets it in, or it is isolated and no rule lets it out. */
  | { readonly kind: "refused" };

/** A host that may still let an address in that has been released: nobody else may get the address before it is clean. */
export interface FirewallDebt {
  readonly host: string;
  readonly address: string;
  /** Whose it was. */
  readonly formerly: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** What the state host remembers of the firewall. */
export interface FirewallLedger {
  /** Addresses and the hosts they belonged to when every host was last in line. */
  readonly owners: Readonly<Record<string, string>>;
  /** Sorted by host and address. */
  readonly debts: readonly FirewallDebt[];
}
