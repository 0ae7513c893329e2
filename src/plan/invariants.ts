import type { Plan, Step } from "../model/plan.ts";
import type { Action } from "../model/action.ts";
import type { Topology } from "../model/topology.ts";
import type { SimInstance, SimServer, World } from "./world.ts";

/** Says what is wrong, in words for people, or null. */
export type Finding = string | null;

/** How many instances have to serve, by balancer, and how many have to be healthy wherever they serve. */
export interface Floors {
  readonly balancers: ReadonlyMap<string, number>;
  readonly instances: number;
  /** How many instances DNS has to name: one, if it names one that serves. */
  readonly published: number;
}

/** DESIGN §4 (1): never fewer than `minAvailable`, or than there were at the start where there were fewer. */
export function floorsOf(world: World, minAvailable: number, allowEmpty: boolean): Floors {
  const names = new Set([...world.values()].flatMap((instance) => Object.keys(instance.servers)));
  return {
    balancers: new Map([...names].map((name) => [name, Math.min(minAvailable, serving(world, name))])),
    instances: Math.min(minAvailable, healthy(world)),
    published: !allowEmpty && [...world.values()].some((each) => each.published && isHealthy(each)) ? 1 : 0,
  };
}

/** (1). A balancer that no longer lists the app at all has lost its route, not its capacity. */
export function tooFew(world: World, floors: Floors): Finding {
  for (const [balancer, floor] of floors.balancers) {
    const isRouted = [...world.values()].some(({ servers }) => servers[balancer]?.listed === true);
    const count = serving(world, balancer);
    if (isRouted && count < floor) {
      return `${balancer} would send traffic to ${String(count)} instances, and ${String(floor)} have to stay ready`;
    }
  }
  if (published(world) < floors.published) return "nobody who asks DNS would be told of any instance";
  const count = healthy(world);
  return count < floors.instances
    ? `${String(count)} instances would be healthy, and ${String(floors.instances)} have to stay so`
    : null;
}

/** After a lane was taken back its instance serves wherever it did before. */
export function notRestored(before: World, after: World): Finding {
  for (const [host, instance] of before) {
    if (instance.published && after.get(host)?.published !== true)
      return `taking ${host} back would leave it out of DNS`;
    for (const balancer of Object.keys(instance.servers).filter((name) => isServing(instance, name))) {
      const now = after.get(host);
      if (now === undefined || !isServing(now, balancer) || now.servers[balancer]?.marked === true) {
        return `taking ${host} back would leave it drained on ${balancer}`;
      }
    }
  }
  return null;
}

function serving(world: World, balancer: string): number {
  return [...world.values()].filter((instance) => isServing(instance, balancer)).length;
}

function isServing(instance: SimInstance, balancer: string): boolean {
  const server = instance.servers[balancer];
  return isHealthy(instance) && server?.listed === true && server.admin === "ready";
}

function published(world: World): number {
  return [...world.values()].filter((instance) => instance.published).length;
}

function healthy(world: World): number {
  return [...world.values()].filter(isHealthy).length;
}

function isHealthy({ health }: SimInstance): boolean {
  return health === "ready" || health === "proven";
}

/** (3): no server is `ready`, or would be after a reload, whose instance is not proven healthy. */
export function exposed(world: World, host: string): Finding {
  const instance = world.get(host);
  if (instance === undefined) return null;
  for (const [balancer, server] of Object.entries(instance.servers)) {
    const why = server.listed ? unproven(instance, server) : null;
    if (why !== null) return `${balancer} would send traffic to ${host}, ${why}`;
  }
  return told(host, instance);
}

/** (3), of DNS: nobody is told of an instance that is not proven healthy, nor remembers one. */
function told(host: string, { published: isPublished, remembered, health }: SimInstance): Finding {
  if (health !== "unproven" && health !== "gone") return null;
  if (isPublished) return `clients would be told of ${host} by DNS, ${UNFIT[health]}`;
  return remembered > 0 ? `clients would remember ${host} from DNS, ${UNFIT[health]}` : null;
}

const UNFIT = { unproven: "which is not proven healthy", gone: "where nothing runs" } as const;

function unproven({ health }: SimInstance, { admin, marked, passed }: SimServer): Finding {
  const isOpen = admin === "ready" || !marked;
  if (isOpen && (health === "unproven" || health === "gone")) return UNFIT[health];
  // What was found broken keeps its place in the files until its lane begins; HAProxy's own checks keep traffic away.
  return admin === "ready" && !passed ? "before a fresh pass of its own check" : null;
}

/** (4): what several hosts do for each other never changes on all of them at once. */
export function allAtOnce(steps: readonly Step[], { balancers, dns }: Pick<Topology, "balancers" | "dns">): Finding {
  const hostsOf = (changes: (action: Action) => boolean): ReadonlySet<string> =>
    new Set(steps.flatMap(({ action, host }) => (changes(action) && host !== null ? [host] : [])));
  const [configs, firewalls, servers] = [
    hostsOf(({ kind }) => kind === "lb.install" || kind === "lb.restore"),
    hostsOf(({ kind }) => kind.startsWith("firewall.")),
    hostsOf(({ kind }) => kind.startsWith("named.")),
  ];
  const sets = balancers.map(({ name, hosts }) => ({ what: `balancers of ${name}`, hosts }));
  const resolvers = dns?.servers.kind === "hosts" ? [{ what: "DNS servers", hosts: dns.servers.hosts }] : [];
  return (
    covered("haproxy.cfg", configs, sets) ??
    covered("the firewall", firewalls, [...sets, ...resolvers]) ??
    covered("named.conf", servers, resolvers)
  );
}

function covered(
  what: string,
  touched: ReadonlySet<string>,
  groups: readonly { readonly what: string; readonly hosts: readonly string[] }[],
): Finding {
  const hit = groups.find(({ hosts }) => hosts.length > 1 && hosts.every((host) => touched.has(host)));
  return hit === undefined ? null : `${what} would change on all ${hit.what} at once`;
}

/** Actions after which users would notice if they could not be taken back. */
const TRAFFIC: ReadonlySet<string> = new Set([
  "lb.install",
  "lb.drain",
  "lb.ready",
  "release.switch",
  "firewall.apply",
  "dns.publish",
  "named.install",
  "resolver.install",
]);

/** What every step owes: an own id, an end, and a way back where it changes traffic. */
export function malformed(plan: Plan): Finding {
  const lanes = plan.batches.flat();
  const forward = [...plan.prologue, ...lanes.flatMap((each) => each.stages), ...plan.epilogue].flat();
  const back = forward.flatMap((step) => (step.undo.kind === "stages" ? step.undo.stages.flat() : []));
  const seen = new Set<string>();
  for (const { id, says, deadline } of [...forward, ...back]) {
    if (seen.has(id)) return `two steps are called ${id}`;
    seen.add(id);
    if (!Number.isFinite(deadline) || deadline <= 0) return `"${says}" has no deadline`;
  }
  const oneWay = forward.find(({ kind, action, undo }) => {
    return kind === "act" && TRAFFIC.has(action.kind) && undo.kind === "none";
  });
  if (oneWay !== undefined) return `"${oneWay.says}" could not be taken back`;
  const lane = lanes.find(({ host, stages: own }) =>
    own.flat().some((step) => subjects(step).some((each) => each !== host)),
  );
  return lane === undefined ? null : `the lane of ${lane.host} changes another instance`;
}

/** The instances a step is about, by their hosts; none where it only lets time pass. */
function subjects({ action, host }: Step): readonly (string | null)[] {
  switch (action.kind) {
    case "dns.publish":
      return action.hosts.map((each) => each.host);
    case "dns.withdraw":
      return action.hosts;
    case "pause":
      return [];
    default:
      return ["server" in action ? action.server.server : host];
  }
}
