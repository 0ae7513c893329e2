import type { Action } from "../model/action.ts";
import type { LbModel, ServerRef } from "../model/lb.ts";
import { normalizeHaproxy, refName } from "../lb/normalize.ts";
import type { AdminState } from "../lb/parse.ts";
import { ownRecords } from "./dns-view.ts";
import type { PlanInput } from "./input.ts";
import { balancersOf } from "./situation.ts";
import type { Situation } from "./situation.ts";

/** One server of one balancer, as far as the simulation cares. */
export interface SimServer {
  /** False where the balancer's file does not hold it; then the rest is what it was when it left the file. */
  readonly listed: boolean;
  readonly admin: AdminState;
  /** `disabled` in the file: then a reload or restart does not let it in. */
  readonly marked: boolean;
  /** HAProxy's own check has passed since it was last taken out or what is behind it last changed. */
  readonly passed: boolean;
}

/** One instance and its servers by balancer. */
export interface SimInstance {
  /** `ready` and `broken` are as found; the others are what steps made of it. */
  readonly health: "ready" | "broken" | "unproven" | "proven" | "gone";
  readonly servers: Readonly<Record<string, SimServer>>;
  /** Clients that ask DNS are told of it. */
  readonly published: boolean;
  /** Clients that were told of it before may remember it for so many milliseconds. */
  readonly remembered: number;
}

/** All instances of one app, by host: what a step of its plan can change, and nothing else. */
export type World = ReadonlyMap<string, SimInstance>;

/** The world before the plan: everything as it was observed. */
export function observedWorld(situation: Situation, input: PlanInput): World {
  const { name, fresh, changed, same, leaving, ready } = situation;
  const found = [...changed.map(({ desired }) => desired), ...same, ...leaving].map(({ host }) => host);
  const balancers = balancersOf(name, input);
  const published = new Set((ownRecords(name, input)?.hosts ?? []).map(({ host }) => host));
  const inDns = (host: string): Pick<SimInstance, "published" | "remembered"> => {
    return { published: published.has(host), remembered: 0 };
  };
  const servers = (host: string): SimInstance["servers"] => {
    const ref = refName({ backend: name, server: host });
    const known = balancers.filter(({ facts }) => lists(facts.stable.manifest?.model, name, host));
    return Object.fromEntries(
      known.map(({ balancer, facts: { stable } }): [string, SimServer] => {
        const admin = stable.admin?.[ref] ?? "ready";
        return [balancer, { listed: true, admin, marked: stable.disabled.includes(ref), passed: true }];
      }),
    );
  };
  return new Map([
    ...found.map((host): [string, SimInstance] => {
      return [host, { health: ready.has(host) ? "ready" : "broken", servers: servers(host), ...inDns(host) }];
    }),
    ...fresh.map(({ host }): [string, SimInstance] => [
      host,
      { health: "gone", servers: servers(host), ...inDns(host) },
    ]),
  ]);
}

function lists(model: LbModel | null | undefined, app: string, host: string): boolean {
  return model?.apps[app]?.servers.some(({ name }) => name === host) === true;
}

/** What an action makes of the world; the same rules forwards and backwards. Waiting and looking change nothing. */
export function act(world: World, app: string, action: Action): World {
  switch (action.kind) {
    case "lb.install": {
      const marks = normalizeHaproxy(action.config).disabled;
      return mapServers(world, action.balancer, (server, host) => {
        const ref = refName({ backend: app, server: host });
        return listed(server, lists(action.model, app, host), marks.has(ref));
      });
    }
    case "lb.restore":
      return mapServers(world, action.balancer, (server, host) =>
        server === undefined ? undefined : { ...server, listed: lists(action.model, app, host) },
      );
    case "release.switch":
      return turn(world, action.host, "unproven");
    case "release.probe":
      return turn(world, action.host, "proven");
    case "release.remove":
      return turn(world, action.host, "gone");
    case "dns.publish":
      return published(world, action);
    case "dns.withdraw":
      return forgotten(world, (host) => action.hosts.includes(host), action.remembered);
    case "dns.forget":
      return forgotten(world, () => action.subject.kind === "app", action.remembered);
    case "pause":
      return rested(world, action.ms);
    default:
      return "server" in action ? change(world, action, becomes(action)) : world;
  }
}

/** Who is named is in; with `only` all others are out, and nobody waits until they are forgotten. */
function published(world: World, { hosts, only }: Extract<Action, { readonly kind: "dns.publish" }>): World {
  const named = new Set(hosts.map(({ host }) => host));
  return new Map(
    [...world].map(([host, instance]): [string, SimInstance] => {
      return [host, { ...instance, published: named.has(host) || (instance.published && !only) }];
    }),
  );
}

function forgotten(world: World, isOut: (host: string) => boolean, remembered: number): World {
  return new Map(
    [...world].map(([host, instance]): [string, SimInstance] => {
      if (!isOut(host) || !instance.published) return [host, instance];
      return [host, { ...instance, published: false, remembered }];
    }),
  );
}

function rested(world: World, ms: number): World {
  return new Map(
    [...world].map(([host, instance]): [string, SimInstance] => {
      return [host, { ...instance, remembered: Math.max(0, instance.remembered - ms) }];
    }),
  );
}

/** What an action on one server makes of it. */
function becomes(action: Extract<Action, { readonly server: ServerRef }>): Partial<SimServer> {
  switch (action.kind) {
    case "lb.mark":
      return { marked: action.disabled };
    case "lb.drain":
      return { admin: "drain", passed: false };
    case "lb.maint":
      return { admin: "maint", passed: false };
    // What a check says of it, it said of another place.
    case "lb.move":
      return { passed: false };
    case "lb.prove":
      return { admin: "drain", passed: true };
    case "lb.ready":
      return { admin: "ready" };
    // Ready and down: HAProxy sends nothing before its own fresh pass.
    case "lb.rejoin":
      return { admin: "ready", passed: true };
    case "lb.quiesce":
    case "lb.hold":
      return {};
  }
}

/** A server the file names without a mark is let in by the reload, whatever it was; a new one with a mark is not. */
function listed(server: SimServer | undefined, inFile: boolean, marked: boolean): SimServer | undefined {
  if (!inFile) return server === undefined ? undefined : { ...server, listed: false };
  const before: SimServer = server ?? { listed: true, admin: "maint", marked, passed: false };
  return { ...before, listed: true, marked, admin: marked ? before.admin : "ready" };
}

function mapServers(
  world: World,
  balancer: string,
  to: (server: SimServer | undefined, host: string) => SimServer | undefined,
): World {
  return new Map(
    [...world].map(([host, instance]) => {
      const server = to(instance.servers[balancer], host);
      return [host, server === undefined ? instance : withServer(instance, balancer, server)];
    }),
  );
}

function withServer(instance: SimInstance, balancer: string, server: SimServer): SimInstance {
  return { ...instance, servers: { ...instance.servers, [balancer]: server } };
}

function change(
  world: World,
  { balancer, server: { server: host } }: { readonly balancer: string; readonly server: ServerRef },
  to: Partial<SimServer>,
): World {
  const instance = world.get(host);
  const server = instance?.servers[balancer];
  if (instance === undefined || server === undefined) return world;
  return new Map(world).set(host, withServer(instance, balancer, { ...server, ...to }));
}

/** What stands behind a server changed: HAProxy's earlier checks say nothing any more. A probe leaves them as they are. */
function turn(world: World, host: string, health: SimInstance["health"]): World {
  const before = world.get(host);
  if (before === undefined) return world;
  const servers = Object.entries(before.servers).map(([balancer, server]): [string, SimServer] => {
    return [balancer, health === "proven" ? server : { ...server, passed: false }];
  });
  return new Map(world).set(host, { ...before, health, servers: Object.fromEntries(servers) });
}

/** An instance in the middle of its lane: still listed by balancers, not told of by DNS, and of no use to anybody. */
export function away(instance: SimInstance): SimInstance {
  return { ...instance, health: "unproven", published: false };
}
