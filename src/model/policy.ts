/** Firewall policies as the files write them, selectors still as text (inventory), and with hosts in their place (topology). */

/** Who is at one end of a flow. */
export type Peer =
  /** Hosts of the inventory by selector; `@host=*` is all of them. */
  | { readonly kind: "hosts"; readonly selector: string }
  /** The hosts that run an app. */
  | { readonly kind: "app"; readonly app: string }
  /** Addresses: a canonical prefix without the parts that `except` takes out of it, which is no denial. */
  | { readonly kind: "cidr"; readonly cidr: string; readonly except: readonly string[] };

/** Nobody where the list is empty; anyone only when it is written so. */
export type Peers<Each = Peer> = "anyone" | readonly Each[];

export type PortProtocol = "tcp" | "udp";

/** One entry of `ports`. */
export type PolicyPort =
  /** Inclusive; a single number is a range of one. */
  | { readonly kind: "range"; readonly protocol: PortProtocol; readonly from: number; readonly to: number }
  /** Resolved at the destination: the ports of that name of the apps there. Null: whichever protocol the app says. */
  | { readonly kind: "name"; readonly protocol: PortProtocol | null; readonly name: string }
  /** Every port of a protocol. */
  | { readonly kind: "all"; readonly protocol: PortProtocol };

/** Nothing where the list is empty; any port of any protocol only when it is written so. */
export type PolicyPorts = "any" | readonly PolicyPort[];

/** Lets these peers through at these ports; both have to match. */
export interface PolicyRule<Each = Peer> {
  readonly peers: Peers<Each>;
  readonly ports: PolicyPorts;
}

/**
 * What Kubernetes calls a NetworkPolicy: rules for its subject, added up, in no order. A list isolates the subject in its
 * direction, also an empty one; null says nothing about that direction.
 */
export interface Policy<Each = Peer> {
  readonly name: string;
  readonly subject: Exclude<Each, { readonly kind: "cidr" }>;
  readonly ingress: readonly PolicyRule<Each>[] | null;
  readonly egress: readonly PolicyRule<Each>[] | null;
  /** Whether closing what it opened cuts open connections; null: as the fleet says. */
  readonly sever: boolean | null;
}

/** The `firewall:` block. Times in milliseconds. */
export interface FirewallSettings<Each = Peer> {
  /** Canonical prefixes from which operators always reach SSH on every host; at least one. */
  readonly admin: readonly string[];
  /** Who may read the balancers' metrics and the apps' ports called `metrics`; empty: nobody. */
  readonly metrics: Peers<Each>;
  /** Sorted by name. */
  readonly policies: readonly Policy<Each>[];
  /** A host goes back by itself when a change is not confirmed within this time. */
  readonly confirm: number;
  /** Whether closing a flow cuts its open connections, where its policy does not say. */
  readonly sever: boolean;
  /** Whether what is refused is logged, at most a few lines a second. */
  readonly log: boolean;
}

/** {@link Peer} with its selector resolved; hosts in inventory order. */
export type PlacedPeer =
  | { readonly kind: "hosts"; readonly selector: string; readonly hosts: readonly string[] }
  | Exclude<Peer, { readonly kind: "hosts" }>;

export type PlacedFirewall = FirewallSettings<PlacedPeer>;
