import type { HostEndpoints } from "../model/discovery.ts";
import type { Draft } from "../model/plan.ts";
import type { AppService } from "../discovery/desired.ts";
import { serviceOf } from "../discovery/desired.ts";
import { diffService } from "../discovery/diff.ts";
import type { AppRecords } from "../discovery/facts.ts";
import { forget, outlastTtl, publishHosts, withdrawHosts } from "../discovery/steps.ts";
import type { DraftStages } from "../lb/steps.ts";
import { probeInstance } from "../release/steps.ts";
import { longestTtl, ownRecords } from "./dns-view.ts";
import type { PlanInput } from "./input.ts";
import type { Situation } from "./situation.ts";

/** How long an instance that runs already may take to show that it is healthy before it is published, in milliseconds. */
const GLANCE = 15_000;

/** One app's place in DNS: who is in it before its plan, and the steps that change that. */
export interface Publication {
  /** Hosts that clients may be told of once the prologue is over, without those that it starts. */
  readonly settled: readonly HostEndpoints[];
  /** Of them, hosts that are no instances of the app: they stay until its new instances are in, and go at the end. */
  readonly guests: readonly string[];
  /** True where the app is in DNS and is not to be any more. */
  readonly leaves: boolean;
  /** What is put right before any instance that serves is touched, after `gates`. */
  readonly gates: readonly Draft[];
  readonly correct: DraftStages;
  readonly reasons: readonly string[];
  /**
   * Takes hosts out and waits until nobody remembers them; nothing where they are not in. On the way back those that were
   * ready are let in again, after `gates`.
   */
  readonly withdraw: (hosts: readonly string[], gates: DraftStages) => DraftStages;
  /** Lets hosts in with what the files say; nothing where they are drained. */
  readonly publish: (hosts: readonly string[]) => DraftStages;
  /** Takes away what is left of an app that nobody is told of any more. */
  readonly forget: () => DraftStages;
}

/** Where no zone is written to, or the app has nothing in it. */
const UNPUBLISHED: Publication = {
  settled: [],
  guests: [],
  leaves: false,
  gates: [],
  correct: [],
  reasons: [],
  withdraw: () => [],
  publish: () => [],
  forget: () => [],
};

/** Works out an app's place in DNS. The zone's records must be known. */
export function publicationOf(situation: Situation, input: PlanInput): Publication {
  const { dns, topology } = input;
  const found = ownRecords(situation.name, input);
  const service = situation.app === null ? null : serviceOf(topology, situation.app);
  if (dns === null || (service === null && found === null)) return UNPUBLISHED;
  const work: Work = { situation, input, service, found, zone: dns.zone };
  const own = service === null ? hostsIn(found) : settledHosts(service, work);
  const guests = service === null || own.length > 0 ? [] : guestsOf(service, work);
  const settled = [...own, ...guests];
  return {
    ...correction(service, settled, work),
    settled,
    guests: guests.map(({ host }) => host),
    leaves: service === null,
    ...stepsOf(settled, new Set(guests.map(({ host }) => host)), work),
  };
}

interface Work {
  readonly situation: Situation;
  readonly input: PlanInput;
  readonly service: AppService | null;
  readonly found: AppRecords | null;
  readonly zone: NonNullable<PlanInput["dns"]>["zone"];
}

function hostsIn(found: AppRecords | null): readonly HostEndpoints[] {
  return found?.hosts ?? [];
}

/**
 * Who is in before the first lane. Instances that change or leave stay as they were found; those that are as they should
 * be are in with what the files say, if they are ready or were in; whoever is drained, or is no instance, is out.
 */
function settledHosts(service: AppService, { situation, input, found }: Work): readonly HostEndpoints[] {
  const { changed, leaving, same, ready } = situation;
  const later = new Set([...changed.map(({ desired }) => desired.host), ...leaving.map(({ host }) => host)]);
  const staying = new Set(same.map(({ host }) => host));
  const before = new Map(hostsIn(found).map((each) => [each.host, each]));
  const wanted = new Map(service.hosts.map((each) => [each.host, each]));
  return input.topology.hosts.flatMap(({ name }): readonly HostEndpoints[] => {
    const was = before.get(name);
    const goal = wanted.get(name);
    if (input.drains[name] !== undefined) return [];
    if (later.has(name)) return was === undefined ? [] : [was];
    return goal !== undefined && staying.has(name) && (ready.has(name) || was !== undefined) ? [goal] : [];
  });
}

/**
 * Where drover begins with an app that others have run so far, and whose records it took over: whoever is told of and is not
 * to be an instance goes on to be, until the first of the new instances can take over.
 */
function guestsOf(service: AppService, { situation, input, found }: Work): readonly HostEndpoints[] {
  const coming = situation.fresh.filter(({ host }) => input.drains[host] === undefined);
  const instances = new Set(service.hosts.map(({ host }) => host));
  const others = hostsIn(found).filter(({ host }) => !instances.has(host) && input.drains[host] === undefined);
  return coming.length === 0 ? [] : others;
}

/** The one step that puts right what is there, if anything is wrong with it. */
function correction(
  service: AppService | null,
  settled: readonly HostEndpoints[],
  work: Work,
): Pick<Publication, "gates" | "correct" | "reasons"> {
  const { found, zone, situation } = work;
  const nothing = { gates: [], correct: [], reasons: [] };
  if (service === null) return nothing;
  const diff = diffService(settled, service.ttl, found);
  if (diff.kind === "same") return nothing;
  const { name: app } = situation;
  const before = hostsIn(found);
  const known = new Set(before.map(({ host }) => host));
  const coming = situation.same.filter(({ host }) => !known.has(host) && settled.some((each) => each.host === host));
  const { health, rollout } = situation.app ?? {};
  const common = { zone, app, ttl: service.ttl };
  const glance = { minHealthyTime: 0, healthyDeadline: Math.min(GLANCE, rollout?.healthyDeadline ?? GLANCE) };
  return {
    gates: health === undefined ? [] : coming.map((each) => probeInstance(each, { health, ...glance })),
    correct:
      settled.length === 0
        ? nobody(before, work)
        : [...publishHosts({ ...common, hosts: settled, only: true, before }), ...outlasting(service, work)],
    reasons: diff.reasons,
  };
}

/** A shorter TTL counts from when nobody remembers the longer one. Lanes of the same plan wait for what was found anyway. */
function outlasting({ ttl }: AppService, { situation, found }: Work): DraftStages {
  const former = longestTtl(found, 0);
  const isLeft = situation.changed.length + situation.leaving.length > 0;
  return former <= ttl || isLeft ? [] : outlastTtl(situation.name, former);
}

/** Whoever is in goes, and nobody is left; only where that was allowed. */
function nobody(hosts: readonly HostEndpoints[], { situation, found, zone }: Work): DraftStages {
  const oldTtl = longestTtl(found, 0);
  return withdrawHosts({ zone, app: situation.name, hosts, back: [], floor: 0, ttl: oldTtl, oldTtl, gates: [] });
}

function stepsOf(
  settled: readonly HostEndpoints[],
  guests: ReadonlySet<string>,
  { situation, input, service, found, zone }: Work,
): Pick<Publication, "withdraw" | "publish" | "forget"> {
  const { name: app } = situation;
  const ttl = service?.ttl ?? 0;
  const oldTtl = longestTtl(found, ttl);
  const floor = input.allowEmpty ? 0 : 1;
  return {
    withdraw: (names, gates) => {
      const hosts = settled.filter(({ host }) => names.includes(host));
      if (hosts.length === 0) return [];
      // Guests are told of again as they were found: whoever runs them, nothing has touched them.
      const back = hosts.filter(({ host }) => situation.ready.has(host) || guests.has(host));
      return withdrawHosts({ zone, app, hosts, back, floor, oldTtl, ttl: service?.ttl ?? oldTtl, gates });
    },
    publish: (hosts) => {
      const comers = (service?.hosts ?? []).filter(
        ({ host }) => hosts.includes(host) && input.drains[host] === undefined,
      );
      if (comers.length === 0) return [];
      return publishHosts({ zone, app, ttl, hosts: comers, only: false, before: [] });
    },
    forget: () => (found === null ? [] : forget("contract", { zone, subject: { kind: "app", app }, oldTtl: 0 })),
  };
}
