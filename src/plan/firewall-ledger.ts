import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { FirewallDebt, FirewallLedger } from "../model/firewall.ts";
import type { Topology } from "../model/topology.ts";

const EMPTY: FirewallLedger = { owners: {}, debts: [] };

/** An address that a host had when the fleet was last in line, and that it has no more. */
export interface Released {
  readonly address: string;
  readonly formerly: string;
  /** Who has it by now; null: nobody of the inventory. */
  readonly now: string | null;
}

/** Addresses that changed hands since every firewall was last in line, or that some host still owes, sorted. */
export function releasedAddresses(topology: Topology, ledger: FirewallLedger | null): readonly Released[] {
  const owners = ownersOf(topology);
  const { owners: known, debts } = ledger ?? EMPTY;
  const former = new Map([
    ...Object.entries(known),
    ...debts.map(({ address, formerly }): [string, string] => [address, formerly]),
  ]);
  return [...former]
    .map(([address, formerly]) => ({ address, formerly, now: owners[address] ?? null }))
    .filter(({ formerly, now }) => now !== formerly)
    .toSorted((left, right) => (left.address < right.address ? -1 : 1));
}

/**
 * What to remember after a run. Hosts that are `behind` may still let in what released addresses were let in for: they owe
 * it, and until it is paid nobody else may have the address.
 */
export function ledgerAfter(
  topology: Topology,
  before: FirewallLedger | null,
  { behind, now }: { readonly behind: readonly string[]; readonly now: string },
): FirewallLedger {
  const { debts } = before ?? EMPTY;
  const hosts = topology.hosts.map(({ name }) => name).filter((name) => behind.includes(name));
  const owed = hosts.toSorted().flatMap((host) =>
    releasedAddresses(topology, before).map(({ address, formerly }): FirewallDebt => {
      const known = debts.find((debt) => debt.host === host && debt.address === address);
      return known ?? { host, address, formerly, since: now };
    }),
  );
  return { owners: ownersOf(topology), debts: owed };
}

/** Addresses that a host of the inventory has now and that another still owes: nothing of that host may begin. */
export function quarantined(
  topology: Topology,
  ledger: FirewallLedger | null,
  hosts: readonly string[],
): readonly Failure[] {
  return releasedAddresses(topology, ledger).flatMap(({ address, formerly, now }) => {
    if (now === null || !hosts.includes(now)) return [];
    const debtors = (ledger ?? EMPTY).debts.filter((debt) => debt.address === address).map(({ host }) => host);
    const who = debtors.length === 0 ? "firewalls may" : `${debtors.join(", ")} may`;
    return [
      failure(
        "address-quarantined",
        `${address} of ${now} was ${formerly}'s, and ${who} still let in for it what was meant for ${formerly}`,
        "bring every firewall into line first: drover apply; or give it another address",
      ),
    ];
  });
}

/** Hosts by name, and sets of balancers for their VIPs: what was let in for a VIP is not meant for the next who has it. */
function ownersOf({ hosts, balancers }: Topology): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [
      ...hosts.flatMap(({ name, addresses }) => addresses.map((address): [string, string] => [address, name])),
      ...balancers.flatMap(({ name, vips }) => vips.map(({ address }): [string, string] => [address, `VIP ${name}`])),
    ].toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}
