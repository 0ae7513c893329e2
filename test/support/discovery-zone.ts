import type { DnsQueried, DnsRecord, DnsServer, DnsUpdated } from "../../src/model/dns.ts";
import type { DiscoveryAction, HostEndpoints, ZoneRef } from "../../src/model/discovery.ts";
import { failure } from "../../src/model/errors.ts";
import type { Answer, Ask, Outcome } from "../../src/model/operation.ts";
import type { Clock, Warrant } from "../../src/model/ports.ts";
import { Secret } from "../../src/model/secret.ts";
import { operateDiscovery } from "../../src/discovery/operations.ts";
import { FakeDns } from "../fake/dns.ts";

// A zone in memory, and operations driven against it ask by ask, so that a test decides who goes next and who never again.

export const ZONE = "svc.test";
export const DNS1: DnsServer = { name: "dns1", address: "10.0.0.1", port: 53 };
export const DNS2: DnsServer = { name: "dns2", address: "10.0.0.2", port: 53 };
export const DNS3: DnsServer = { name: "dns3", address: "10.0.0.3", port: 53 };
export const ZONE_REF: ZoneRef = {
  zone: ZONE,
  owner: "acme",
  servers: { primary: DNS1, secondaries: [DNS2, DNS3], onSilent: "stop" },
};
const WARRANT: Warrant = { run: "r1", epoch: 7 };

const KEY = { name: "drover", algorithm: "hmac-sha256", secret: new Secret(new Uint8Array(32)) } as const;

/** What a way that takes its time costs, in milliseconds. */
const PATIENCE = 3000;

/** A clock that goes when it is told to. */
export interface HandClock extends Clock {
  pass: (ms: number) => void;
}

function handClock(): HandClock {
  let now = 1_000_000;
  const pass = (ms: number): void => {
    now += ms;
  };
  return {
    now: () => now,
    pass,
    sleep: (ms) => {
      pass(ms);
      return Promise.resolve();
    },
  };
}

/** The servers with an empty zone, and their clock. */
export interface ZoneWorld {
  readonly dns: FakeDns;
  readonly clock: HandClock;
}

/** A primary and two secondaries, which are `lag` milliseconds behind. */
export function zoneWorld(lag = 0): ZoneWorld {
  const clock = handClock();
  const dns = new FakeDns(clock);
  dns.addZone({
    zone: ZONE,
    primary: DNS1,
    secondaries: [DNS2, DNS3],
    grants: [{ key: KEY, types: ["SRV", "A", "AAAA", "TXT"] }],
  });
  for (const server of [DNS2, DNS3]) dns.server(server).lag = lag;
  return { dns, clock };
}

function query({ dns, clock }: ZoneWorld, { server, questions }: Extract<Ask, { kind: "dns-query" }>): DnsQueried {
  if (dns.server(server).way !== "open") clock.pass(dns.server(server).way === "refused" ? 0 : PATIENCE);
  const replies = questions.flatMap((question) => dns.ask(server, question) ?? []);
  if (replies.length === questions.length) return { kind: "answered", replies };
  return { kind: "failed", failure: failure("dns-unreachable", `${server.name} does not answer`) };
}

function update(
  { dns, clock }: ZoneWorld,
  { server, update: message }: Extract<Ask, { kind: "dns-update" }>,
): DnsUpdated {
  const { name } = server;
  if (dns.server(server).way !== "open")
    return { kind: "failed", failure: failure("dns-unreachable", `${name} does not answer`) };
  const fate = dns.intercept(server, message);
  const rcode = fate === "lose-before" ? null : dns.update(server, message, KEY.name);
  if (fate === "forge") return { kind: "unknown", failure: failure("dns-forged", `${name}: a reply that is not its`) };
  if (fate !== "pass") {
    clock.pass(PATIENCE);
    return { kind: "unknown", failure: failure("dns-lost", `${name}: the reply got lost`) };
  }
  if (rcode === "NOERROR") return { kind: "done" };
  if (rcode !== null && /^[NY]X/.test(rcode)) return { kind: "unmet", rcode };
  return { kind: "failed", failure: failure("dns-refused", `${name} refused the update: ${String(rcode)}`) };
}

/** An action under way: `step` gives the next ask its answer; the outcome when there is none. */
export interface Writer {
  readonly step: () => Outcome | null;
}

/** Begins an action. */
export function writer(world: ZoneWorld, action: DiscoveryAction, warrant: Warrant = WARRANT): Writer {
  const begin = world.clock.now();
  const operation = operateDiscovery(action);
  let answer: Answer | null = null;
  const reply = (ask: Ask): Answer => {
    const elapsed = (): number => world.clock.now() - begin;
    switch (ask.kind) {
      case "dns-query": {
        const queried = query(world, ask);
        world.clock.pass(1);
        return { kind: "dns-query", elapsed: elapsed(), queried, warrant };
      }
      case "dns-update": {
        const updated = update(world, ask);
        return { kind: "dns-update", elapsed: elapsed(), updated };
      }
      case "sleep":
        world.clock.pass(ask.ms);
        return { kind: "sleep", elapsed: elapsed() };
      default:
        throw new Error(`discovery asked for ${ask.kind}`);
    }
  };
  return {
    step: () => {
      const turn = answer === null ? operation.next() : operation.next(answer);
      if (turn.done === true) return turn.value;
      answer = reply(turn.value);
      return null;
    },
  };
}

/** Carries out an action to its end. */
export function carryOut(world: ZoneWorld, action: DiscoveryAction, warrant: Warrant = WARRANT): Outcome {
  const { step } = writer(world, action, warrant);
  for (let turns = 0; turns < 20_000; turns += 1) {
    const outcome = step();
    if (outcome !== null) return outcome;
  }
  throw new Error("the operation does not come to an end");
}

/** A host of shop: its own port and the one for metrics. */
export function shopOn(host: string, weight = 1, port = 8080): HostEndpoints {
  return {
    host,
    endpoints: [
      { set: "_metrics._tcp.shop", priority: 0, weight, port: 9100 },
      { set: "_shop._tcp", priority: 0, weight, port },
    ],
  };
}

/** `dns.publish` of shop. */
export function publish(hosts: readonly HostEndpoints[], only = false, ttl = 15): DiscoveryAction {
  return { kind: "dns.publish", zone: ZONE_REF, app: "shop", hosts, ttl, only };
}

/** `dns.withdraw` of shop. */
export function withdraw(hosts: readonly string[], floor = 1): DiscoveryAction {
  return { kind: "dns.withdraw", zone: ZONE_REF, app: "shop", hosts, floor, remembered: 15_000 };
}

/** An SRV record in the zone. */
export function srv(set: string, target: string, weight = 1, port = 8080): DnsRecord {
  return { name: `${set}.${ZONE}`, ttl: 15, type: "SRV", priority: 0, weight, port, target };
}

/** A TXT record in the zone. */
export function txt(name: string, ...texts: readonly string[]): DnsRecord {
  return { name: `${name}.${ZONE}`, ttl: 15, type: "TXT", texts };
}

/** What a server holds, a line per record: name below the zone, TTL, type and data. */
export function linesOf({ dns }: ZoneWorld, server: DnsServer = DNS1): readonly string[] {
  return dns.records(ZONE, server).map((record) => {
    const name = record.name.slice(0, -ZONE.length - 1);
    return `${name} ${String(record.ttl)} ${record.type} ${dataOf(record)}`;
  });
}

function dataOf(record: DnsRecord): string {
  switch (record.type) {
    case "SRV":
      return [record.priority, record.weight, record.port, record.target.replace(`.${ZONE}`, "")].join(" ");
    case "TXT":
      return record.texts.filter((text) => !text.startsWith("heritage=")).join(" ");
    case "A":
    case "AAAA":
      return record.address;
    default:
      return "target" in record ? record.target : "";
  }
}

/** The hosts in one of the primary's sets, in order. */
export function hostsIn({ dns }: ZoneWorld, set: string): readonly string[] {
  return dns
    .records(ZONE)
    .flatMap((record) => (record.type === "SRV" && record.name === `${set}.${ZONE}` ? [record.target] : []))
    .map((target) => target.replace(`.${ZONE}`, ""));
}

/** What the owner record of shop says after this key; null where there is none. */
export function ownerSays({ dns }: ZoneWorld, key: string): string | null {
  const record = dns.records(ZONE).find(({ name }) => name === `_drover._shop._tcp.${ZONE}`);
  const texts = record?.type === "TXT" ? record.texts : [];
  return texts.find((text) => text.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
}
