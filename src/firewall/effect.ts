import type { FirewallModel, FirewallRule } from "../model/firewall.ts";
import {
  type Allowance,
  allowanceOf,
  EVERYTHING,
  isEmptyAllowance,
  minusAllowance,
  type PortSlice,
  sameAllowance,
  slicesOf,
} from "./regions.ts";
import { type Addresses, intersect, isEmpty, peersOf, unionOf } from "./prefixes.ts";

/** What one end of a flow lets pass: a flow passes where its source lets it out and its destination lets it in. */
export interface Effect {
  readonly in: Allowance;
  readonly out: Allowance;
}

/** What a host lets pass under a model; null: it is not managed, and lets everything pass. */
export function effectOf(model: FirewallModel | null): Effect {
  if (model === null) return { in: EVERYTHING, out: EVERYTHING };
  return {
    in: allowanceOf(model.rules, "in"),
    out: model.egress ? allowanceOf(model.rules, "out") : EVERYTHING,
  };
}

/** Whether the same passes under two models. */
export function sameEffect(a: Effect, b: Effect): boolean {
  return sameAllowance(a.in, b.in) && sameAllowance(a.out, b.out);
}

/** Every address that passes at some port or by some protocol. */
export function reachOf({ tcp, udp, vrrp, other }: Allowance): Addresses {
  return unionOf([...tcp.map(({ addresses }) => addresses), ...udp.map(({ addresses }) => addresses), vrrp, other]);
}

/**
 * The same flows seen from the other end: what one end says about any address of `at`, as if said of all addresses of
 * `as`. A packet is of one family, so each family stands for itself.
 */
export function across(allowance: Allowance, at: Addresses, as: Addresses): Allowance {
  const turned = (addresses: Addresses): Addresses => {
    const hit = intersect(addresses, at);
    return { v4: hit.v4.length > 0 ? as.v4 : [], v6: hit.v6.length > 0 ? as.v6 : [] };
  };
  const ports = (slices: readonly PortSlice[]): readonly PortSlice[] =>
    slices.map((slice) => ({ ...slice, addresses: turned(slice.addresses) }));
  return {
    tcp: ports(allowance.tcp),
    udp: ports(allowance.udp),
    vrrp: turned(allowance.vrrp),
    other: turned(allowance.other),
  };
}

/** Only the part of an allowance that concerns these addresses. */
export function within(allowance: Allowance, addresses: Addresses): Allowance {
  const ports = (slices: readonly PortSlice[]): readonly PortSlice[] =>
    slices.map((slice) => ({ ...slice, addresses: intersect(slice.addresses, addresses) }));
  return {
    tcp: ports(allowance.tcp),
    udp: ports(allowance.udp),
    vrrp: intersect(allowance.vrrp, addresses),
    other: intersect(allowance.other, addresses),
  };
}

/**
 * Rules without what is taken out of them. No rule can say "any protocol but TCP, UDP and VRRP": what remains of that at
 * an address of which something is taken out goes as well.
 */
export function cutRules(rules: readonly FirewallRule[], cut: Allowance): readonly FirewallRule[] {
  if (isEmptyAllowance(cut)) return rules;
  return rules.flatMap((rule) => {
    const whole = allowanceOf([rule], rule.direction);
    const rest = minusAllowance(whole, cut);
    if (sameAllowance(whole, rest)) return [rule];
    return slicesOf(rest).flatMap(({ match, addresses }) =>
      match.protocol === "other" || isEmpty(addresses) ? [] : [{ ...rule, match, peers: peersOf(addresses) }],
    );
  });
}
