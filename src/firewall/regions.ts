import type { FirewallMatch, FirewallRule, PortRange } from "../model/firewall.ts";
import {
  type Addresses,
  addressesOfPeers,
  ANYONE,
  holds,
  intersect,
  isEmpty,
  isSame,
  minus,
  NOBODY,
  union,
  unionOf,
} from "./prefixes.ts";

/** What passes in one direction of one host, as exact algebra: who asked for it and in how many rules plays no part. */

/** These addresses at each of these ports. */
export interface PortSlice extends PortRange {
  readonly addresses: Addresses;
}

/** Port slices are sorted and make up all ports, 0 to 65535, also those at which nobody passes; neighbours differ. */
export interface Allowance {
  readonly tcp: readonly PortSlice[];
  readonly udp: readonly PortSlice[];
  readonly vrrp: Addresses;
  /** Any other protocol. */
  readonly other: Addresses;
}

/** One packet that opens a flow; the address is that of the other end, the port is the destination's. */
export type FirewallPacket =
  | { readonly protocol: "tcp" | "udp"; readonly port: number; readonly address: string }
  | { readonly protocol: "vrrp"; readonly address: string }
  | { readonly protocol: "other"; readonly address: string };

/** What a rule can match, and `other`: any protocol but TCP, UDP and VRRP, which is only ever left by a subtraction. */
export type RegionMatch = FirewallMatch | { readonly protocol: "other" };

/** A part of an allowance. */
export interface Region {
  readonly match: RegionMatch;
  readonly addresses: Addresses;
}

type Combine = (a: Addresses, b: Addresses) => Addresses;

const LAST_PORT = 65_535;

function everyPort(addresses: Addresses): readonly PortSlice[] {
  return [{ from: 0, to: LAST_PORT, addresses }];
}

/** Whatever comes. */
export const EVERYTHING: Allowance = { tcp: everyPort(ANYONE), udp: everyPort(ANYONE), vrrp: ANYONE, other: ANYONE };

/** Nothing at all. */
export const NOTHING: Allowance = { tcp: everyPort(NOBODY), udp: everyPort(NOBODY), vrrp: NOBODY, other: NOBODY };

function push(slices: PortSlice[], next: PortSlice): void {
  const last = slices.at(-1);
  if (last !== undefined && isSame(last.addresses, next.addresses))
    slices[slices.length - 1] = { ...last, to: next.to };
  else slices.push(next);
}

interface Part {
  readonly ports: readonly PortRange[] | null;
  readonly addresses: Addresses;
}

function partsOf(regions: readonly Region[], protocol: "tcp" | "udp"): readonly Part[] {
  return regions.flatMap(({ match, addresses }) => {
    if (match.protocol === "any") return [{ ports: null, addresses }];
    return match.protocol === protocol ? [{ ports: match.ports, addresses }] : [];
  });
}

function slicesBy(parts: readonly Part[]): readonly PortSlice[] {
  const borders = parts.flatMap(({ ports }) => (ports ?? []).flatMap(({ from, to }) => [from, to + 1]));
  const starts = [...new Set([0, ...borders])].filter((port) => port <= LAST_PORT).toSorted((a, b) => a - b);
  const slices: PortSlice[] = [];
  for (const [index, from] of starts.entries()) {
    const here = parts.filter(({ ports }) => ports?.some((range) => range.from <= from && from <= range.to) ?? true);
    const to = (starts[index + 1] ?? LAST_PORT + 1) - 1;
    push(slices, { from, to, addresses: unionOf(here.map(({ addresses }) => addresses)) });
  }
  return slices;
}

/** What passes by any of these parts, which may overlap; those without addresses add nothing. */
export function allowanceOfRegions(regions: readonly Region[]): Allowance {
  const of = (...protocols: readonly RegionMatch["protocol"][]): Addresses =>
    unionOf(regions.filter(({ match }) => protocols.includes(match.protocol)).map(({ addresses }) => addresses));
  return {
    tcp: slicesBy(partsOf(regions, "tcp")),
    udp: slicesBy(partsOf(regions, "udp")),
    vrrp: of("vrrp", "any"),
    other: of("other", "any"),
  };
}

/** What rules let pass in a direction. What every host lets pass (loopback, replies, ping) is not part of it. */
export function allowanceOf(rules: readonly FirewallRule[], direction: FirewallRule["direction"]): Allowance {
  const own = rules.filter((rule) => rule.direction === direction);
  return allowanceOfRegions(own.map(({ match, peers }) => ({ match, addresses: addressesOfPeers(peers) })));
}

function combinePorts(a: readonly PortSlice[], b: readonly PortSlice[], combine: Combine): readonly PortSlice[] {
  const slices: PortSlice[] = [];
  let from = 0;
  for (let i = 0, j = 0; ;) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined || other === undefined) return slices;
    const to = Math.min(one.to, other.to);
    push(slices, { from, to, addresses: combine(one.addresses, other.addresses) });
    if (one.to === to) i += 1;
    if (other.to === to) j += 1;
    from = to + 1;
  }
}

function combineAllowances(a: Allowance, b: Allowance, combine: Combine): Allowance {
  return {
    tcp: combinePorts(a.tcp, b.tcp, combine),
    udp: combinePorts(a.udp, b.udp, combine),
    vrrp: combine(a.vrrp, b.vrrp),
    other: combine(a.other, b.other),
  };
}

/** What passes by either. */
export function unionAllowance(a: Allowance, b: Allowance): Allowance {
  return combineAllowances(a, b, union);
}

/** What passes by the first and not by the second. */
export function minusAllowance(a: Allowance, b: Allowance): Allowance {
  return combineAllowances(a, b, minus);
}

/** What passes by both. */
export function intersectAllowance(a: Allowance, b: Allowance): Allowance {
  return combineAllowances(a, b, intersect);
}

/** Whether nothing passes. */
export function isEmptyAllowance({ tcp, udp, vrrp, other }: Allowance): boolean {
  return [...tcp, ...udp].every(({ addresses }) => isEmpty(addresses)) && isEmpty(vrrp) && isEmpty(other);
}

function sameSlices(a: readonly PortSlice[], b: readonly PortSlice[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ to, addresses }, index) => {
    const other = b[index];
    return other !== undefined && to === other.to && isSame(addresses, other.addresses);
  });
}

/** Whether the same passes by both. */
export function sameAllowance(a: Allowance, b: Allowance): boolean {
  return sameSlices(a.tcp, b.tcp) && sameSlices(a.udp, b.udp) && isSame(a.vrrp, b.vrrp) && isSame(a.other, b.other);
}

/** Whether a packet passes. */
export function permits(allowance: Allowance, packet: FirewallPacket): boolean {
  const { address } = packet;
  if (packet.protocol === "vrrp" || packet.protocol === "other") return holds(allowance[packet.protocol], address);
  const { protocol, port } = packet;
  const slice = allowance[protocol].find(({ from, to }) => from <= port && port <= to);
  return slice !== undefined && holds(slice.addresses, address);
}

function everywhere(slices: readonly PortSlice[]): Addresses {
  return slices.reduce((rest, { addresses }) => intersect(rest, addresses), ANYONE);
}

/** One protocol's regions without what is said already; ports with the same addresses together. */
function regionsOfPorts(protocol: "tcp" | "udp", slices: readonly PortSlice[], said: Addresses): readonly Region[] {
  const rest = combinePorts(slices, everyPort(said), minus);
  const everyPorts = everywhere(rest);
  const groups: { readonly ports: PortRange[]; readonly addresses: Addresses }[] = [];
  for (const { from, to, addresses } of combinePorts(rest, everyPort(everyPorts), minus)) {
    const group = groups.find((one) => isSame(one.addresses, addresses));
    if (group === undefined) groups.push({ ports: [{ from, to }], addresses });
    else group.ports.push({ from, to });
  }
  return [
    { match: { protocol, ports: null }, addresses: everyPorts },
    ...groups.map(({ ports, addresses }) => ({ match: { protocol, ports }, addresses })),
  ];
}

/**
 * An allowance in few parts that have nothing in common, the same for the same allowance: first whoever may everything,
 * then TCP, UDP (whoever may every port, then ports with the same addresses together), VRRP, the rest. None is empty.
 */
export function slicesOf({ tcp, udp, vrrp, other }: Allowance): readonly Region[] {
  const any = [vrrp, other, everywhere(udp)].reduce(intersect, everywhere(tcp));
  const regions: readonly Region[] = [
    { match: { protocol: "any" }, addresses: any },
    ...regionsOfPorts("tcp", tcp, any),
    ...regionsOfPorts("udp", udp, any),
    { match: { protocol: "vrrp" }, addresses: minus(vrrp, any) },
    { match: { protocol: "other" }, addresses: minus(other, any) },
  ];
  return regions.filter(({ addresses }) => !isEmpty(addresses));
}
