import type { DiscoveryAction, HostAddresses } from "../../model/discovery.ts";
import type { Failure } from "../../model/errors.ts";
import type { Operation } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import { epochProblem, hostProblem } from "../claims.ts";
import { sameAddresses } from "../diff.ts";
import type { HostRecords, ZoneFacts } from "../facts.ts";
import { noAddresses } from "../facts.ts";
import { hostName, hostOwnerName } from "../names.ts";
import type { AddressRecord } from "../normalize.ts";
import { addressRecord } from "../normalize.ts";
import type { OwnerRecord } from "../owner.ts";
import type { Rewrite, SetChange } from "../render.ts";
import { renderUpdate } from "../render.ts";
import { nextOwner } from "./services.ts";
import type { Decision } from "./swap.ts";
import { swap } from "./swap.ts";

type Addresses = Extract<DiscoveryAction, { kind: "dns.addresses" }>;

/** What a server says of a host; nothing where it says nothing. */
export function hostFound(facts: ZoneFacts, host: string): HostRecords {
  return facts.hosts.get(host) ?? noAddresses(host);
}

/** The message that brings a host's addresses to `after`; `next`: its owner record then, null for none. */
export function hostRewrite(
  zone: string,
  found: HostRecords,
  goal: {
    readonly after: readonly AddressRecord[];
    readonly next: OwnerRecord | null;
    readonly ttl: number;
    readonly needs: SetChange["needs"];
  },
): Rewrite {
  const { host, owner, records } = found;
  const name = hostName(host, zone);
  const sets = (["A", "AAAA"] as const).map((type): SetChange => ({
    name,
    type,
    before: records.filter((record) => record.type === type),
    after: goal.after.filter((record) => record.type === type),
    needs: goal.needs,
  }));
  return { zone, owner: { name: hostOwnerName(host, zone), ttl: goal.ttl, found: owner, next: goal.next }, sets };
}

/** See `dns.addresses`: a message per host, and one look around for all of them. */
export function* publishAddresses(action: Addresses): Operation {
  const { zone, hosts } = action;
  return yield* swap({
    zone,
    names: { apps: [], hosts: hosts.map(({ host }) => host) },
    decide: (facts, warrant) => decideAddresses(action, facts, warrant),
    removes: false,
  });
}

function isSo({ addresses }: HostAddresses, found: HostRecords, ttl: number): boolean {
  return sameAddresses(addresses, found.addresses) && found.records.every((record) => record.ttl === ttl);
}

function decideAddresses({ zone, hosts, ttl }: Addresses, facts: ZoneFacts, warrant: Warrant): Decision {
  const problems = hosts.flatMap(({ host }): readonly Failure[] => {
    const found = hostFound(facts, host);
    const problem = hostProblem(found) ?? epochProblem(host, found.owner, warrant.epoch);
    return problem === null ? [] : [problem];
  });
  const [problem] = problems;
  // All of them are looked at before the first is changed.
  if (problem !== undefined) return { kind: "refuse", failure: problem };
  const differing = hosts.filter((each) => !isSo(each, hostFound(facts, each.host), ttl));
  if (differing.length === 0) return { kind: "same" };
  const updates = differing.map(({ host, addresses }) => {
    const found = hostFound(facts, host);
    const name = hostName(host, zone.zone);
    const after = addresses.map((address) => addressRecord(name, address, ttl));
    const next = nextOwner(found.owner, zone.owner, warrant);
    const needs = found.owner.kind === "ours" ? "held" : "free";
    return renderUpdate(hostRewrite(zone.zone, found, { after, next, ttl, needs }));
  });
  return { kind: "write", updates, what: `it has other addresses of ${differing.map(({ host }) => host).join(", ")}` };
}
