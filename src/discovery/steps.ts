import type { DiscoveryAction, HostAddresses, HostEndpoints, ServiceSubject, ZoneRef } from "../model/discovery.ts";
import type { Draft, DraftUndo, Phase } from "../model/plan.ts";
import { LAG_LIMIT } from "./verify.ts";

/** Drafts side by side, stage after stage. */
export type DraftStages = readonly (readonly Draft[])[];

/** Until every server says the same, and time for the write before and for a loaded machine. */
const DEADLINE = LAG_LIMIT + 40_000;
/** How much longer than its time a plain pause may take. */
const SLACK = 10_000;
/** How many names a sentence holds. */
const MOST_NAMES = 4;

function none(reason: string): DraftUndo {
  return { kind: "none", reason };
}

const INVERSE = none("it is itself an undo");

function act(phase: Phase, says: string, action: DiscoveryAction): Omit<Draft, "undo"> {
  return { phase, kind: "act", host: null, says, action, deadline: DEADLINE };
}

function namesOf(hosts: readonly string[]): string {
  if (hosts.length === 0) return "no host";
  const shown = hosts.length > MOST_NAMES ? hosts.slice(0, MOST_NAMES - 1) : hosts;
  return shown.length === hosts.length
    ? shown.join(", ")
    : `${shown.join(", ")} and ${String(hosts.length - shown.length)} more hosts`;
}

function waiting(app: string, hosts: readonly string[], ttl: number, undo: DraftUndo): Draft {
  const says = `wait until nobody remembers ${app} on ${namesOf(hosts)} (${String(ttl)} s)`;
  const action = { kind: "pause", ms: ttl * 1000 } as const;
  return { phase: "withdraw", kind: "wait", host: null, says, action, deadline: ttl * 1000 + SLACK, undo };
}

/**
 * Waits until nobody remembers an app's records as they were before their TTL became shorter: whoever withdraws a host later
 * waits for the TTL that is there then. `ttl`: the former one, in seconds.
 */
export function outlastTtl(app: string, ttl: number): DraftStages {
  const says = `wait until nobody remembers ${app} with its former TTL (${String(ttl)} s)`;
  const action = { kind: "pause", ms: ttl * 1000 } as const;
  const undo = none("it only waits");
  return [[{ phase: "publish", kind: "wait", host: null, says, action, deadline: ttl * 1000 + SLACK, undo }]];
}

/** Hosts of one app that come into DNS, in seconds. */
export interface PublishInput {
  readonly zone: ZoneRef;
  readonly app: string;
  /** Of the record sets, in seconds. */
  readonly ttl: number;
  readonly hosts: readonly HostEndpoints[];
  /** Whether everything else goes from the app's sets. */
  readonly only: boolean;
  /** What was there of these hosts before, for the way back; hosts that are not among them go again. */
  readonly before: readonly HostEndpoints[];
  /** How many hosts the way back leaves in DNS at least; 0 where not said, for that is what was there. */
  readonly floor?: number;
}

function publishing(input: Omit<PublishInput, "before">, undo: DraftUndo): Draft {
  const { zone, app, ttl, hosts, only } = input;
  const says = `publish ${app} on ${namesOf(hosts.map(({ host }) => host))}${only ? " alone" : ""}`;
  return { ...act("publish", says, { kind: "dns.publish", zone, app, hosts, ttl, only }), undo };
}

function withdrawing(input: Pick<WithdrawInput, "zone" | "app" | "floor" | "oldTtl">, hosts: readonly string[]): Draft {
  const { zone, app, floor, oldTtl } = input;
  const says = `withdraw ${app} on ${namesOf(hosts)}`;
  const action: DiscoveryAction = { kind: "dns.withdraw", zone, app, hosts, floor, remembered: oldTtl * 1000 };
  return { ...act("withdraw", says, action), undo: INVERSE };
}

/** Hosts of an app are in, seen on every server; taken back, what was there of them is there again, and nothing else. */
export function publishHosts(input: PublishInput): DraftStages {
  const { zone, app, ttl, hosts, before, floor = 0 } = input;
  const was = before.filter(({ endpoints }) => endpoints.length > 0);
  const fresh = hosts.map(({ host }) => host).filter((host) => !was.some((each) => each.host === host));
  const back: DraftStages = [
    ...(was.length === 0 ? [] : [[publishing({ zone, app, ttl, hosts: was, only: false }, INVERSE)]]),
    ...(fresh.length === 0
      ? []
      : [[withdrawing({ zone, app, floor, oldTtl: ttl }, fresh)], [waiting(app, fresh, ttl, INVERSE)]]),
  ];
  return [[publishing(input, back.length === 0 ? none("it changes no host") : { kind: "stages", stages: back })]];
}

/** Hosts of one app that leave DNS for a while; TTLs in seconds. */
export interface WithdrawInput {
  readonly zone: ZoneRef;
  readonly app: string;
  readonly hosts: readonly HostEndpoints[];
  /** As found: what is published again on the way back; hosts that were not healthy are not. */
  readonly back: readonly HostEndpoints[];
  /** How many hosts have to stay in DNS. */
  readonly floor: number;
  /** Of the record sets on the way back. */
  readonly ttl: number;
  /** As found: how long the others may remember. */
  readonly oldTtl: number;
  /** What has to be so before they are published again on the way back. */
  readonly gates: DraftStages;
}

/** Hosts of an app are out on every server, and then so long that nobody remembers them. */
export function withdrawHosts(input: WithdrawInput): DraftStages {
  const { zone, app, hosts, back, ttl, oldTtl, gates } = input;
  const names = hosts.map(({ host }) => host);
  const found = back.filter(({ endpoints }) => endpoints.length > 0);
  const undo: DraftUndo =
    found.length === 0
      ? none("nothing that was healthy was in DNS")
      : {
          kind: "stages",
          stages: [...gates, [publishing({ zone, app, ttl, hosts: found, only: false }, INVERSE)]],
        };
  return [[{ ...withdrawing(input, names), undo }], [waiting(app, names, oldTtl, none("it only waits"))]];
}

/** Addresses of hosts; TTL in seconds. */
export interface AddressesInput {
  readonly zone: ZoneRef;
  readonly hosts: readonly HostAddresses[];
  readonly ttl: number;
  /** What was there of these hosts before, for the way back. */
  readonly before: readonly HostAddresses[];
}

/** The hosts' addresses are in DNS, on every server, before anything refers to them. */
export function publishAddresses({ zone, hosts, ttl, before }: AddressesInput): DraftStages {
  const addressing = (each: readonly HostAddresses[], undo: DraftUndo): Draft => {
    const says = `publish the addresses of ${namesOf(each.map(({ host }) => host))}`;
    return { ...act("publish", says, { kind: "dns.addresses", zone, hosts: each, ttl }), undo };
  };
  const was = before.filter(({ addresses }) => addresses.length > 0);
  const undo: DraftUndo =
    was.length === 0
      ? none("an address that nothing refers to leads nobody anywhere")
      : { kind: "stages", stages: [[addressing(was, INVERSE)]] };
  return [[addressing(hosts, undo)]];
}

/** An app or a host that the files do not know any more; TTL in seconds. */
export interface ForgetInput {
  readonly zone: ZoneRef;
  readonly subject: ServiceSubject;
  /** As found: how long others may remember. */
  readonly oldTtl: number;
}

/** Everything drover has written for an app or a host goes, and is waited for until nobody remembers it. */
export function forget(phase: Phase, { zone, subject, oldTtl }: ForgetInput): DraftStages {
  const name = nameOf(subject);
  const undo = none("the files do not know it any more");
  const action: DiscoveryAction = { kind: "dns.forget", zone, subject, remembered: oldTtl * 1000 };
  const forgetting = { ...act(phase, `take ${name} out of DNS`, action), undo };
  if (oldTtl === 0) return [[forgetting]];
  const says = `wait until nobody remembers ${name} (${String(oldTtl)} s)`;
  const pause = { kind: "pause", ms: oldTtl * 1000 } as const;
  return [
    [forgetting],
    [{ phase, kind: "wait", host: null, says, action: pause, deadline: oldTtl * 1000 + SLACK, undo }],
  ];
}

/** What is taken over, and from whom. */
export interface AdoptInput {
  readonly zone: ZoneRef;
  readonly subject: ServiceSubject;
  /** Of an app: its record sets below the zone. */
  readonly sets: readonly string[];
  /** The fleet that has it; null: nobody. */
  readonly from: string | null;
}

/** Takes over records as they stand: no answer changes. */
export function adopt({ zone, subject, sets, from }: AdoptInput): DraftStages {
  const says = `take over ${nameOf(subject)} in DNS${from === null ? "" : ` from ${from}`}`;
  const action: DiscoveryAction = { kind: "dns.adopt", zone, subject, sets, from };
  return [[{ ...act("publish", says, action), undo: none("it changes no answer") }]];
}

function nameOf(subject: ServiceSubject): string {
  return subject.kind === "app" ? subject.app : subject.host;
}
