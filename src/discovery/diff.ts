import type { HostAddresses, HostEndpoints } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { appProblem, hostProblem } from "./claims.ts";
import type { AppRecords, DnsView, HostRecords, ServerView, ZoneFacts } from "./facts.ts";
import { noRecords } from "./facts.ts";
import type { SrvRecord } from "./normalize.ts";
import { addressKey, recordKey, sameEndpoints } from "./normalize.ts";

/** What differs between an app's records and what they should be. */
export type ServiceDiff =
  | { readonly kind: "same" }
  | {
      readonly kind: "differs";
      /** Not there at all; as they should be. */
      readonly missing: readonly HostEndpoints[];
      /** There otherwise; as they should be. */
      readonly changed: readonly HostEndpoints[];
      /** Should not be there; as they are. */
      readonly extra: readonly HostEndpoints[];
      /** Targets that are no hosts of the zone. */
      readonly odd: readonly SrvRecord[];
      /** Whether clients remember longer or shorter than they should. */
      readonly ttl: boolean;
      /** Why nothing of it may be written. */
      readonly foreign: Failure | null;
      readonly reasons: readonly string[];
    };

function hostReasons(hosts: readonly HostEndpoints[], what: string): readonly string[] {
  if (hosts.length === 0) return [];
  return [`${hosts.map(({ host }) => host).join(", ")} ${hosts.length === 1 ? "is" : "are"} ${what}`];
}

/** Compares an app's hosts in DNS with those that should be there; TTL in seconds. `found`: null where nothing is there. */
export function diffService(
  wanted: readonly HostEndpoints[],
  ttl: number,
  found: AppRecords | null | undefined,
): ServiceDiff {
  const goal = wanted.filter(({ endpoints }) => endpoints.length > 0);
  const { hosts, odd, sets } = found ?? noRecords("");
  const there = new Map(hosts.map((each) => [each.host, each]));
  const missing = goal.filter(({ host }) => !there.has(host));
  const changed = goal.filter(({ host, endpoints }) => {
    const was = there.get(host);
    return was !== undefined && !sameEndpoints(was.endpoints, endpoints);
  });
  const extra = hosts.filter(({ host }) => !goal.some((each) => each.host === host));
  const ttlDiffers = [...sets.values()].some(({ records }) => records.some((record) => record.ttl !== ttl));
  const foreign = found === null || found === undefined ? null : appProblem(found, setsOf(goal, found));
  const reasons = [
    ...(foreign === null ? [] : [foreign.message]),
    ...hostReasons(missing, "not in DNS"),
    ...hostReasons(changed, "in DNS with another port or weight"),
    ...hostReasons(extra, "in DNS and should not be"),
    ...odd.map(({ target }) => `${target} is in DNS and is no host of the zone`),
    ...(ttlDiffers ? [`the records in DNS have another TTL than ${String(ttl)} s`] : []),
  ];
  if (reasons.length === 0) return { kind: "same" };
  return { kind: "differs", missing, changed, extra, odd, ttl: ttlDiffers, foreign, reasons };
}

function setsOf(wanted: readonly HostEndpoints[], found: AppRecords): ReadonlySet<string> {
  const named = wanted.flatMap(({ endpoints }) => endpoints.map(({ set }) => set));
  return new Set([...named, ...found.sets.keys(), ...found.aliases.keys()]);
}

/** What differs between a host's addresses in DNS and in the inventory. */
export type AddressDiff =
  | { readonly kind: "same" }
  /** `foreign`: why nothing of it may be written. */
  | { readonly kind: "differs"; readonly foreign: Failure | null; readonly reasons: readonly string[] };

/** Whether two lists name the same addresses, in any order. */
export function sameAddresses(left: readonly string[], right: readonly string[]): boolean {
  const key = (addresses: readonly string[]): string =>
    [...new Set(addresses.map((each) => addressKey(each)))].toSorted().join(" ");
  return key(left) === key(right);
}

/** Compares a host's addresses in DNS with those that should be there; TTL in seconds. */
export function diffAddresses(
  { host, addresses }: HostAddresses,
  ttl: number,
  found: HostRecords | null | undefined,
): AddressDiff {
  const foreign = found === null || found === undefined ? null : hostProblem(found);
  const records = found?.records ?? [];
  const reasons = [
    ...(foreign === null ? [] : [foreign.message]),
    ...addressReasons(host, addresses, found?.addresses ?? []),
    ...(records.some((record) => record.ttl !== ttl)
      ? [`${host}: its addresses in DNS have another TTL than ${String(ttl)} s`]
      : []),
  ];
  return reasons.length === 0 ? { kind: "same" } : { kind: "differs", foreign, reasons };
}

function addressReasons(host: string, wanted: readonly string[], found: readonly string[]): readonly string[] {
  if (sameAddresses(wanted, found)) return [];
  if (found.length === 0) return [`${host}: its addresses are not in DNS`];
  return [`${host}: in DNS with ${found.join(", ")}, not ${wanted.join(", ")}`];
}

/** How a secondary differs from the primary. */
export interface Lag {
  readonly view: ServerView;
  /** Where one of the two is not known, why. */
  readonly unknown: Failure | null;
  /** How many changes it is behind, by the zone's serial (RFC 1982); 0: none, or it is ahead of what was read before. */
  readonly behind: number;
  /** Apps and hosts that it tells otherwise, in words. */
  readonly reasons: readonly string[];
}

/** What each secondary says otherwise than the primary, as of when they were asked. */
export function lagOf({ primary, secondaries }: DnsView): readonly Lag[] {
  return secondaries.map((view) => {
    if (primary.facts.kind === "unknown") return { view, unknown: primary.facts.why, behind: 0, reasons: [] };
    if (view.facts.kind === "unknown") return { view, unknown: view.facts.why, behind: 0, reasons: [] };
    const [truth, told] = [primary.facts.value, view.facts.value];
    const ahead = serialsBehind(told.serial, truth.serial);
    const reasons = [...(ahead > 0 ? [aheadWords(ahead)] : []), ...tellings(truth, told)];
    return { view, unknown: null, behind: serialsBehind(truth.serial, told.serial), reasons };
  });
}

/**
 * A secondary with a newer serial than its primary takes nothing from it until the primary has counted past it (RFC 1034
 * §4.3.5), as after a journal that was lost. Where somebody changes the zone meanwhile it looks the same for a moment.
 */
function aheadWords(ahead: number): string {
  return `its serial is ${String(ahead)} ahead of the primary's, and until that has passed it no change arrives`;
}

/** What brings back a secondary that is ahead of its primary. */
export function aheadHint(zone: string, server: string): string {
  return `if nobody changes it just now, the primary has lost changes: on ${server}, as root: rndc retransfer ${zone}`;
}

/** RFC 1982: serials are numbers modulo 2^32; half of them are ahead. */
export function serialsBehind(truth: number, told: number): number {
  const distance = (((truth - told) % 2 ** 32) + 2 ** 32) % 2 ** 32;
  return distance < 2 ** 31 ? distance : 0;
}

function tellings(truth: ZoneFacts, told: ZoneFacts): readonly string[] {
  const apps = new Set([...truth.apps.keys(), ...told.apps.keys()]);
  const hosts = new Set([...truth.hosts.keys(), ...told.hosts.keys()]);
  return [
    ...[...apps].filter((app) => appKey(truth.apps.get(app)) !== appKey(told.apps.get(app))),
    ...[...hosts].filter((host) => hostKey(truth.hosts.get(host)) !== hostKey(told.hosts.get(host))),
  ].map((name) => `it tells something else of ${name}`);
}

function withTtl(record: { readonly ttl: number } & Parameters<typeof recordKey>[0]): string {
  return `${String(record.ttl)} ${recordKey(record)}`;
}

function appKey(found: AppRecords | undefined): string {
  const records = [...(found?.sets.values() ?? [])].flatMap((set) => set.records);
  return [...records.map(withTtl), ...[...(found?.aliases ?? [])].map(String)].toSorted().join("\n");
}

function hostKey(found: HostRecords | undefined): string {
  return [...(found?.records ?? []).map(withTtl), found?.alias ?? ""].toSorted().join("\n");
}
