import type { Fact, Observation } from "../model/fact.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Fleet } from "../model/fleet.ts";
import type { Known } from "../model/known.ts";
import type { DnsClient, Lease, StateFacts, Store, Transport } from "../model/ports.ts";
import type { Topology } from "../model/topology.ts";
import { gather } from "../exec/gather.ts";
import { firewallFact } from "../firewall/facts.ts";
import { lbFact } from "../lb/facts.ts";
import { namedFact } from "../named/facts.ts";
import { formerFact } from "../plan/former.ts";
import type { HostView } from "../plan/input.ts";
import { lastChangeFact } from "../plan/last-change.ts";
import { withLostManifest } from "../plan/lost-manifest.ts";
import { readFact } from "../plan/observe.ts";
import { vipFact } from "../vip/facts.ts";
import { resolverFact } from "../resolver/facts.ts";
import { platformFact } from "../release/platform.ts";
import { releaseFact } from "../release/facts.ts";
import type { Context } from "./context.ts";

/** What was found out about a fleet: each host's own account, and the store's. */
export interface Survey {
  readonly views: ReadonlyMap<string, HostView>;
  /** Unknown when the state host did not answer. */
  readonly state: Known<StateFacts>;
}

/** The world a command works in, once the fleet's files are known. */
export interface Connected {
  readonly fleet: Fleet;
  readonly topology: Topology;
  readonly transport: Transport;
  readonly store: Store;
  readonly dns: DnsClient;
}

/** Asks every host for all its facts, one exec each, all at once. */
export async function observe(context: Context, { topology, transport, store }: Connected): Promise<Survey> {
  const balancers = new Set(topology.balancers.flatMap((set) => set.hosts));
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const firewall = firewallFact(topology.firewall !== null);
  const factsOf = (host: string): readonly Fact<unknown>[] => [
    lastChangeFact,
    platformFact,
    releaseFact,
    firewall,
    namedFact,
    resolverFact,
    ...(balancers.has(host) ? [lbFact, vipFact] : [formerFact]),
    ...(host === topology.state.host ? [store.fact] : []),
  ];
  const asked = topology.hosts.map(async ({ name }): Promise<[string, Observation]> => {
    return [name, await gather(name, factsOf(name), transport, limits)];
  });
  const observations = new Map(await Promise.all(asked));
  const state = readFact(store.fact, topology.state.host, observations.get(topology.state.host));
  const views = topology.hosts.map(({ name }): [string, HostView] => {
    const observation = observations.get(name);
    const view = {
      lastChange: readFact(lastChangeFact, name, observation),
      platform: readFact(platformFact, name, observation),
      release: readFact(releaseFact, name, observation),
      lb: balancers.has(name) ? readFact(lbFact, name, observation) : null,
      vip: balancers.has(name) ? readFact(vipFact, name, observation) : null,
      firewall: readFact(firewall, name, observation),
      named: readFact(namedFact, name, observation),
      resolver: readFact(resolverFact, name, observation),
      former: balancers.has(name) ? null : readFact(formerFact, name, observation),
    };
    return [name, withLostManifest(topology, name, view)];
  });
  return { views: new Map(views), state };
}

/** What the store tells. Throws a DroverError where it is not known, which is where nothing may be changed. */
export function stateOf({ state }: Pick<Survey, "state">): StateFacts {
  if (state.kind === "known") return state.value;
  throw new DroverError(state.why);
}

/** The lease, or why there is none. */
export type Acquired =
  | { readonly kind: "held"; readonly lease: Lease }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Asks for the right to change the fleet, for as long as this run lasts. */
export async function acquire(context: Context, store: Store, purpose: string): Promise<Acquired> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const who = { run: context.newRunId(), operator: context.operator, purpose };
  const result = await store.acquire(who, limits);
  if (result.kind !== "busy") return result;
  const holder = result.holder;
  const name = holder === null ? "another run" : `${holder.operator} (${holder.purpose}, since ${holder.since})`;
  return {
    kind: "failed",
    failure: failure("lease-held", `the fleet is being changed by ${name}`, "wait until it is done and try again"),
  };
}
