import type { Action } from "../../src/model/action.ts";
import type { HostEndpoints } from "../../src/model/discovery.ts";
import { known } from "../../src/model/known.ts";
import type { Topology } from "../../src/model/topology.ts";
import { zoneRef } from "../../src/discovery/desired.ts";
import type { AppRecords, FoundSet, HostRecords, ZoneFacts } from "../../src/discovery/facts.ts";
import { setName } from "../../src/discovery/names.ts";
import { srvRecord } from "../../src/discovery/normalize.ts";
import type { OwnerState } from "../../src/discovery/owner.ts";
import type { PlanInput } from "../../src/plan/input.ts";

/** A zone as state that actions change: what is in it when every step does what its name says. */
export class PaperZone {
  readonly apps: Map<string, { ttl: number; readonly hosts: Map<string, HostEndpoints> }> = new Map();
  readonly hosts: Map<string, { readonly ttl: number; readonly addresses: readonly string[] }> = new Map();

  /** What the planner is told of it; null where the topology writes to no zone. */
  input(topology: Topology): PlanInput["dns"] {
    const zone = zoneRef(topology);
    if (zone === null) return null;
    const facts: ZoneFacts = {
      serial: 1,
      negativeTtl: 5,
      ttl: 3600,
      apps: new Map([...this.apps.keys()].map((app) => [app, this.#app(app, zone.zone)])),
      hosts: new Map([...this.hosts.keys()].map((host) => [host, this.#host(host, zone.zone)])),
    };
    const view = { primary: { server: zone.servers.primary, facts: known(facts) }, secondaries: [] };
    return { zone, view, fingerprint: "0".repeat(64) };
  }

  /** Hosts that clients are told of, by app. */
  told(): Readonly<Record<string, readonly string[]>> {
    const told = [...this.apps].map(([app, { hosts }]) => [app, [...hosts.keys()].toSorted()] as const);
    return Object.fromEntries(told.filter(([, hosts]) => hosts.length > 0));
  }

  /** Does what an action says; all but those on records are none of its business. */
  act(action: Action): void {
    switch (action.kind) {
      case "dns.publish":
        this.#publish(action);
        return;
      case "dns.withdraw":
        this.#withdraw(action);
        return;
      case "dns.addresses":
        for (const { host, addresses } of action.hosts) this.hosts.set(host, { ttl: action.ttl, addresses });
        return;
      case "dns.forget":
        if (action.subject.kind === "app") this.apps.delete(action.subject.app);
        else this.hosts.delete(action.subject.host);
        return;
      default:
    }
  }

  #publish({ app: name, hosts, ttl, only }: Extract<Action, { kind: "dns.publish" }>): void {
    const app = this.apps.get(name) ?? { ttl, hosts: new Map() };
    if (only) app.hosts.clear();
    for (const each of hosts) app.hosts.set(each.host, each);
    app.ttl = ttl;
    this.apps.set(name, app);
  }

  #withdraw({ app, hosts: gone, floor }: Extract<Action, { kind: "dns.withdraw" }>): void {
    const hosts = this.apps.get(app)?.hosts;
    for (const host of gone) hosts?.delete(host);
    if ((hosts?.size ?? 0) < floor) throw new Error(`nobody would be told of ${app}`);
  }

  #app(app: string, zone: string): AppRecords {
    const { ttl, hosts } = this.apps.get(app) ?? { ttl: 0, hosts: new Map<string, HostEndpoints>() };
    const sets = new Map<string, FoundSet>();
    for (const { host, endpoints } of hosts.values()) {
      for (const endpoint of endpoints) {
        const records = sets.get(endpoint.set)?.records ?? [];
        sets.set(endpoint.set, { ttl, records: [...records, srvRecord(zone, host, endpoint, ttl)] });
      }
    }
    const found = [...hosts.values()].toSorted((left, right) => (left.host < right.host ? -1 : 1));
    return { app, owner: ours([...sets.keys()]), sets, aliases: new Map(), hosts: found, odd: [] };
  }

  #host(host: string, zone: string): HostRecords {
    const { ttl = 0, addresses = [] } = this.hosts.get(host) ?? {};
    const records = addresses.map((address) => ({ name: setName(host, zone), ttl, type: "A" as const, address }));
    return { host, owner: ours([]), ttl, addresses, records, alias: null };
  }
}

function ours(sets: readonly string[]): OwnerState {
  const record = { owner: "test", revision: 1, epoch: 1, run: "run-1", sets };
  return { kind: "ours", record, seen: [] };
}
