import type { DnsQuestion, DnsRecord, DnsServer } from "../../../src/model/dns.ts";
import type { DnsZone } from "../../../src/model/zone.ts";
import type { Known } from "../../../src/model/known.ts";
import type { Topology, TopologyApp } from "../../../src/model/topology.ts";
import type { ZoneFacts } from "../../../src/discovery/facts.ts";
import { furtherQuestions, questionsOf, readZone } from "../../../src/discovery/facts.ts";
import { DNS1, ZONE, ZONE_REF, zoneWorld } from "../../support/discovery-zone.ts";
import type { ZoneWorld } from "../../support/discovery-zone.ts";
import { topologyOf } from "../../support/fleets.ts";
import { exampleZone } from "../../support/zone.ts";

/** Settings of the zone, as the files have them by default. */
export const SETTINGS: DnsZone = exampleZone({ name: ZONE });

/** Two hosts that run shop, one that runs orders, and a DNS server; with changes to all of it and to shop. */
export function topologyWith(changes: Partial<Topology> = {}, shop: Partial<TopologyApp> = {}): Topology {
  const topology = topologyOf({
    hosts: ["app1", "app2", "app3"],
    balancers: { edge: ["lb1"] },
    apps: [
      { name: "orders-db", release: "1", hosts: ["app3"], sets: ["edge"], rollout: {} },
      { name: "shop", release: "1", hosts: ["app1", "app2"], sets: ["edge"], rollout: {} },
    ],
  });
  const apps = topology.apps.map((app) => (app.name === "shop" ? { ...app, ...shop } : app));
  const dns = { servers: { kind: "hosts", hosts: ["dns1"] }, zone: SETTINGS } as const;
  return { ...topology, apps, dns, ...changes };
}

/** The app of that name. */
export function appOf(topology: Topology, name: string): TopologyApp {
  const app = topology.apps.find((each) => each.name === name);
  if (app === undefined) throw new Error(`no app ${name}`);
  return app;
}

/** A zone that somebody has written these records into. */
export function zoneOf(...records: readonly DnsRecord[]): ZoneWorld {
  const world = zoneWorld();
  world.dns.put(ZONE, ...records);
  return world;
}

const NAMES = { apps: [{ app: "shop", sets: ["_shop._tcp"] }], hosts: ["app1"] };

/** What a server says of shop and of app1. */
export function readFrom({ dns }: ZoneWorld, server: DnsServer = DNS1): Known<ZoneFacts> {
  const ask = (questions: readonly DnsQuestion[]): Parameters<typeof readZone>[2][number] => ({
    questions,
    queried: { kind: "answered", replies: questions.flatMap((question) => dns.ask(server, question) ?? []) },
  });
  const first = ask(questionsOf(ZONE_REF, NAMES));
  return readZone(ZONE_REF, server, [first, ask(furtherQuestions(ZONE_REF, [first]))]);
}

/** As {@link readFrom}, where it is known. */
export function factsOf(world: ZoneWorld, server: DnsServer = DNS1): ZoneFacts {
  const facts = readFrom(world, server);
  if (facts.kind === "unknown") throw new Error(facts.why.message);
  return facts.value;
}
