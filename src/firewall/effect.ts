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
import { type Addresses, intersect, isEmpty, peersOf, type Span, unionOf } from "./prefixes.ts";

/** What one end of a flow lets pass: a flow passes where its source lets it out and its destination lets it in. */
export interface Effect {
  readonly in: Allowance;
  readonly out: Allowance;
}

/** Models do not change, and each is asked about several times. */
const effects = new WeakMap<FirewallModel, Effect>();

const OPEN: Effect = { in: EVERYTHING, out: EVERYTHING };

/** What a host lets pass under a model; null: it is not managed, and lets everything pass. */
export function effectOf(model: FirewallModel | null): Effect {
  if (model === null) return OPEN;
  const known = effects.get(model);
  if (known !== undefined) return known;
  const effect = {
    in: allowanceOf(model.rules, "in"),
    out: model.egress ? allowanceOf(model.rules, "out") : EVERYTHING,
  };
  effects.set(model, effect);
  return effect;
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

function touchesSpans(spans: readonly Span[], few: readonly Span[]): boolean {
  return few.some(({ from, to }) => {
    let [low, high] = [0, spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const span = spans[middle];
      if (span !== undefined && span.to < from) low = middle + 1;
      else high = middle;
    }
    const found = spans[low];
    return found !== undefined && found.from <= to;
  });
}

/** Whether two sets have an address in common; quick where the second is small, whatever the first is. */
export function touches(addresses: Addresses, few: Addresses): boolean {
  return touchesSpans(addresses.v4, few.v4) || touchesSpans(addresses.v6, few.v6);
}

function meetPorts(
  [a, atA]: readonly [readonly PortSlice[], Addresses],
  [b, atB]: readonly [readonly PortSlice[], Addresses],
): boolean {
  const mine = a.filter(({ addresses }) => touches(addresses, atA));
  return (
    mine.length > 0 &&
    b.some(
      ({ from, to, addresses }) =>
        mine.some((slice) => slice.from <= to && from <= slice.to) && touches(addresses, atB),
    )
  );
}

/** Whether there is any flow that one allowance names by an address of `atA` and the other by one of `atB`. */
export function doMeet([a, atA]: readonly [Allowance, Addresses], [b, atB]: readonly [Allowance, Addresses]): boolean {
  return (
    meetPorts([a.tcp, atA], [b.tcp, atB]) ||
    meetPorts([a.udp, atA], [b.udp, atB]) ||
    (touches(a.vrrp, atA) && touches(b.vrrp, atB)) ||
    (touches(a.other, atA) && touches(b.other, atB))
  );
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
