import { DroverError, failure } from "../model/errors.ts";

/** Sets of addresses of both families, exact, as sorted spans: everything here is linear in their number. */

/** Addresses of one family from one to another, inclusive. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

/** A set of addresses; spans sorted, apart from each other by at least one address. */
export interface Addresses {
  readonly v4: readonly Span[];
  readonly v6: readonly Span[];
}

type Family = keyof Addresses;

const BITS: Readonly<Record<Family, number>> = { v4: 32, v6: 128 };
const LAST: Readonly<Record<Family, bigint>> = { v4: (1n << 32n) - 1n, v6: (1n << 128n) - 1n };

/** No address at all. */
export const NOBODY: Addresses = { v4: [], v6: [] };

/** Every address of both families. */
export const ANYONE: Addresses = { v4: [{ from: 0n, to: LAST.v4 }], v6: [{ from: 0n, to: LAST.v6 }] };

function numberOfV4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) < 256)) return null;
  return BigInt(parts.reduce((sum, part) => sum * 256 + Number(part), 0));
}

function groupsOf(half: string): readonly number[] | null {
  if (half === "") return [];
  const groups = half.split(":");
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.map((group) => Number.parseInt(group, 16));
}

function numberOfV6(text: string): bigint | null {
  const halves = text.split("::");
  const [head, tail] = [groupsOf(halves[0] ?? ""), groupsOf(halves[1] ?? "")];
  if (head === null || tail === null || halves.length > 2) return null;
  const missing = 8 - head.length - tail.length;
  // RFC 5952 §4.2.2: `::` stands for two groups or more, RFC 4291 allowed it for one.
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

/** What a prefix or a bare address stands for; null where it is neither. Bits beyond the prefix do not count. */
export function parsePrefix(text: string): Addresses | null {
  const [address = "", digits, ...rest] = text.split("/");
  const family: Family = address.includes(":") ? "v6" : "v4";
  const first = family === "v4" ? numberOfV4(address) : numberOfV6(address);
  if (first === null || rest.length > 0 || !/^(0|[1-9][0-9]{0,2})$/.test(digits ?? "0")) return null;
  const length = digits === undefined ? BITS[family] : Number(digits);
  if (length > BITS[family]) return null;
  const host = (1n << BigInt(BITS[family] - length)) - 1n;
  return { ...NOBODY, [family]: [{ from: first & ~host, to: first | host }] };
}

function compareSpans(a: Span, b: Span): number {
  if (a.from === b.from) return 0;
  return a.from < b.from ? -1 : 1;
}

/** Joins spans sorted by their start where they overlap or touch. */
function joined(sorted: readonly Span[]): readonly Span[] {
  const spans: Span[] = [];
  for (const span of sorted) {
    const last = spans.at(-1);
    if (last === undefined || span.from > last.to + 1n) spans.push(span);
    else if (span.to > last.to) spans[spans.length - 1] = { from: last.from, to: span.to };
  }
  return spans;
}

/** All that is in any of these sets. */
export function unionOf(sets: readonly Addresses[]): Addresses {
  if (sets.length < 2) return sets[0] ?? NOBODY;
  return {
    v4: joined(sets.flatMap(({ v4 }) => v4).toSorted(compareSpans)),
    v6: joined(sets.flatMap(({ v6 }) => v6).toSorted(compareSpans)),
  };
}

/** The set that prefixes (`10.0.0.0/8`) and bare addresses stand for. Throws a DroverError where one is neither. */
export function parseAddresses(prefixes: readonly string[]): Addresses {
  return unionOf(
    prefixes.map((prefix) => {
      const addresses = parsePrefix(prefix);
      if (addresses === null) throw new DroverError(failure("bug", `${prefix} is no prefix and no address`));
      return addresses;
    }),
  );
}

function complement(spans: readonly Span[], family: Family): readonly Span[] {
  const gaps: Span[] = [];
  let next = 0n;
  for (const { from, to } of spans) {
    if (from > next) gaps.push({ from: next, to: from - 1n });
    next = to + 1n;
  }
  return next <= LAST[family] ? [...gaps, { from: next, to: LAST[family] }] : gaps;
}

function common(a: readonly Span[], b: readonly Span[]): readonly Span[] {
  const spans: Span[] = [];
  for (let i = 0, j = 0; ;) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined || other === undefined) return spans;
    const from = one.from > other.from ? one.from : other.from;
    const to = one.to < other.to ? one.to : other.to;
    if (from <= to) spans.push({ from, to });
    if (one.to < other.to) i += 1;
    else j += 1;
  }
}

/** What is in either. */
export function union(a: Addresses, b: Addresses): Addresses {
  if (a === b || isEmpty(b)) return a;
  return isEmpty(a) ? b : unionOf([a, b]);
}

/** What is in both. */
export function intersect(a: Addresses, b: Addresses): Addresses {
  if (a === b || b === ANYONE) return a;
  return a === ANYONE ? b : { v4: common(a.v4, b.v4), v6: common(a.v6, b.v6) };
}

/** What is in the first and not in the second. */
export function minus(a: Addresses, b: Addresses): Addresses {
  if (isEmpty(b)) return a;
  return { v4: common(a.v4, complement(b.v4, "v4")), v6: common(a.v6, complement(b.v6, "v6")) };
}

/** Whether no address is in it. */
export function isEmpty({ v4, v6 }: Addresses): boolean {
  return v4.length === 0 && v6.length === 0;
}

function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  return a.length === b.length && a.every(({ from, to }, index) => from === b[index]?.from && to === b[index].to);
}

/** Whether two sets are the same. */
export function isSame(a: Addresses, b: Addresses): boolean {
  return a === b || (sameSpans(a.v4, b.v4) && sameSpans(a.v6, b.v6));
}

/** Whether it is every address of both families. */
export function isAnyone(addresses: Addresses): boolean {
  return isSame(addresses, ANYONE);
}

/** Whether all of the second is in the first. */
export function covers(a: Addresses, b: Addresses): boolean {
  return isEmpty(minus(b, a));
}

function includesSpans(spans: readonly Span[], parts: readonly Span[]): boolean {
  return parts.every((part) => spans.some(({ from, to }) => from <= part.from && part.to <= to));
}

/** Whether an address (or all of a prefix) is in it; false for what is neither. */
export function holds(addresses: Addresses, address: string): boolean {
  const one = parsePrefix(address);
  return one !== null && includesSpans(addresses.v4, one.v4) && includesSpans(addresses.v6, one.v6);
}

function textOfV4(address: bigint): string {
  const number = Number(address);
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

/** RFC 5952 §4: lower case, no leading zeros, the first of the longest runs of two zero groups or more as `::`. */
function textOfV6(address: bigint): string {
  const digits = address.toString(16).padStart(32, "0");
  const groups = [0, 4, 8, 12, 16, 20, 24, 28].map((at) => digits.slice(at, at + 4).replace(/^0{1,3}/, ""));
  let [start, length] = [0, 1];
  for (let from = 0; from < 8; from += 1) {
    const end = groups.findIndex((group, index) => index >= from && group !== "0");
    const run = (end === -1 ? 8 : end) - from;
    if (run > length) [start, length] = [from, run];
  }
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The largest block that begins at an address and ends within the span; a span is thereby cut into the fewest. */
function blockAt(from: bigint, to: bigint, bits: number): number {
  let size = 0;
  while (size < bits) {
    const host = (2n << BigInt(size)) - 1n;
    if ((from & host) !== 0n || (from | host) > to) break;
    size += 1;
  }
  return size;
}

function prefixesOf(spans: readonly Span[], family: Family): readonly string[] {
  const prefixes: string[] = [];
  const text = family === "v4" ? textOfV4 : textOfV6;
  for (const { from, to } of spans) {
    for (let next = from; next <= to;) {
      const size = blockAt(next, to, BITS[family]);
      prefixes.push(`${text(next)}/${String(BITS[family] - size)}`);
      next += 1n << BigInt(size);
    }
  }
  return prefixes;
}

/** The fewest prefixes that make up a set, in the order of their addresses, IPv4 first. Single addresses: /32 and /128. */
export function toPrefixes({ v4, v6 }: Addresses): readonly string[] {
  return [...prefixesOf(v4, "v4"), ...prefixesOf(v6, "v6")];
}

/** Lists of peers do not change, and many rules share one. */
const parsed = new WeakMap<readonly string[], Addresses>();

/** The set that a rule's peers stand for. Throws a DroverError where one is no prefix. */
export function addressesOfPeers(peers: "anyone" | readonly string[]): Addresses {
  if (peers === "anyone") return ANYONE;
  const known = parsed.get(peers) ?? parseAddresses(peers);
  parsed.set(peers, known);
  return known;
}

/** A set as a rule's peers. */
export function peersOf(addresses: Addresses): "anyone" | readonly string[] {
  return isAnyone(addresses) ? "anyone" : toPrefixes(addresses);
}
