import type { Vip } from "./fleet.ts";

/** All that one balancer's keepalived.conf is rendered from. Kept in the balancer's manifest when applied. */
export interface VipModel {
  readonly set: string;
  readonly host: string;
  /** This balancer's own address, from which it speaks VRRP. */
  readonly address: string;
  /** Addresses of the set's other balancers, in inventory order. */
  readonly peers: readonly string[];
  /** Null: the interface that carries `address`, found on the host. */
  readonly interface: string | null;
  readonly virtualRouterId: number;
  /** The first balancer of the inventory has the highest; a lower one keeps the VIP once it has it (nopreempt). */
  readonly priority: number;
  readonly failover: "standard" | "fast";
  /** The first is the anchor and part of what is spoken on the wire. */
  readonly vips: readonly Vip[];
}

/** What is done to a balancer's keepalived. The generators in vip/operations.ts say how. Times in milliseconds. */
export type VipAction =
  /**
   * Checks with `keepalived -t`, keeps the previous file, installs, starts or reloads, verifies; on failure puts the
   * previous one back. `wire`: what goes over the wire changes, so all balancers of the set do it together.
   */
  | {
      readonly kind: "vip.install";
      readonly balancer: string;
      readonly model: VipModel;
      readonly config: string;
      readonly wire: boolean;
    }
  /** Put back what is kept under this hash (null: there was none: stop keepalived); manifest as given. */
  | {
      readonly kind: "vip.restore";
      readonly balancer: string;
      readonly sha256: string | null;
      readonly model: VipModel | null;
    }
  /** Only looks: would the new file be taken? For balancers that change together: all are asked before any begins. */
  | { readonly kind: "vip.check"; readonly balancer: string; readonly config: string }
  /** Planned hand-over: keepalived stops, says so to its peers, and is not started at boot. */
  | { readonly kind: "vip.yield"; readonly balancer: string }
  /** The way back: keepalived runs again, and is started at boot. */
  | { readonly kind: "vip.resume"; readonly balancer: string }
  /** Waits, at most `deadline`, until exactly one of these balancers, and not `not`, holds every VIP. */
  | {
      readonly kind: "vip.await";
      readonly balancers: readonly string[];
      readonly vips: readonly Vip[];
      readonly not: string | null;
      readonly deadline: number;
    };
