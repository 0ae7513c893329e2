import fc from "fast-check";
import type { Action } from "../../src/model/action.ts";
import type { Plan } from "../../src/model/plan.ts";
import { planFleet } from "../../src/plan/fleet-plan.ts";
import { forwardStages } from "../../src/rollout/state.ts";
import type { AppSketch, FleetSketch } from "./fleets.ts";
import { PaperFleet } from "./fleets.ts";
import { exampleZone } from "./zone.ts";

const HOSTS = ["app1", "app2", "app3", "app4", "app5"] as const;
const BALANCERS = { edge: ["lb1", "lb2"], inner: ["lb3", "lb4"] } as const;

/** What went wrong on the fleet by itself before the change was asked for. */
export interface Damage {
  /** Instances that do not run, by app and host. */
  readonly down: readonly { readonly app: string; readonly host: string }[];
  /** Servers that somebody drained by hand. */
  readonly stray: readonly { readonly app: string; readonly host: string; readonly balancer: string }[];
}

/** A fleet as it was, what happened to it, and how it is to be. */
export interface Change {
  readonly before: FleetSketch;
  readonly damage: Damage;
  readonly after: FleetSketch;
}

const rollout: fc.Arbitrary<AppSketch["rollout"]> = fc.record({
  serial: fc.integer({ min: 1, max: 4 }),
  minAvailable: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
  maxFailures: fc.integer({ min: 0, max: 2 }),
  onFailure: fc.constantFrom("pause", "rollback"),
  shutdownDelay: fc.constantFrom(0, 1000),
  batchWait: fc.constantFrom<number | "ask">(0, 0, 1000, "ask"),
});

const sets = fc.oneof(
  { weight: 6, arbitrary: fc.constant(["edge"]) },
  { weight: 3, arbitrary: fc.subarray(["edge", "inner"], { minLength: 1 }) },
);

/** A `minAvailable` that its own batches break is refused when the files are read, so it never reaches a plan. */
function keepable(sketched: AppSketch): AppSketch {
  const left = Math.max(0, sketched.hosts.length - (sketched.rollout.serial ?? 1));
  const wanted = sketched.rollout.minAvailable ?? (left === 0 && sketched.sets.length > 0 ? 0 : null);
  const minAvailable = wanted === null ? null : Math.min(wanted, left);
  return { ...sketched, rollout: { ...sketched.rollout, minAvailable } };
}

function app(name: string): fc.Arbitrary<AppSketch> {
  return fc
    .record({
      name: fc.constant(name),
      release: fc.constantFrom("1.0", "2.0"),
      hosts: fc.subarray([...HOSTS], { minLength: 1 }),
      sets,
      rollout,
      port: fc.constantFrom(8080, 8080, 8081),
    })
    .map(keepable);
}

/** One app before and after; null where it is not there. A worker stays one: ports do not come and go under traffic. */
function appPair(name: string): fc.Arbitrary<readonly [AppSketch | null, AppSketch | null]> {
  const worker = fc.boolean().chain((isWorker) =>
    fc.tuple(app(name), app(name)).map(([before, after]): readonly [AppSketch, AppSketch] => {
      return isWorker
        ? [
            { ...before, sets: [] },
            { ...after, sets: [] },
          ]
        : [before, after];
    }),
  );
  return fc.tuple(worker, fc.integer({ min: 0, max: 9 })).map(([[before, after], which]) => {
    if (which === 0) return [null, after];
    return which === 1 ? [before, null] : [before, after];
  });
}

/** What is the same before and after a change. */
type Around = Pick<FleetSketch, "zone" | "allowEmpty">;

function sketch(apps: readonly (AppSketch | null)[], around: Around): FleetSketch {
  return { hosts: HOSTS, balancers: BALANCERS, apps: apps.filter((each) => each !== null), ...around };
}

/** A fleet that publishes its apps, or none. It stays one: a zone that goes takes everything along. */
const around: fc.Arbitrary<Around> = fc.constantFrom(
  {},
  { zone: exampleZone({ resolver: false }) },
  { zone: exampleZone({ resolver: false, ttl: 1000 }), allowEmpty: true },
);

/** Any fleet and any change of it: releases, instances and routes that come and go, hosts that broke in between. */
export const change: fc.Arbitrary<Change> = fc
  .tuple(appPair("shop"), appPair("orders"), around)
  .chain(([shop, orders, rest]) => {
    const before = sketch([shop[0], orders[0]], rest);
    const instances = before.apps.flatMap((each) => each.hosts.map((host) => ({ app: each.name, host })));
    const servers = before.apps.flatMap((each) =>
      each.sets.flatMap((set) =>
        BALANCERS[set === "edge" ? "edge" : "inner"].flatMap((balancer) =>
          each.hosts.map((host) => ({ app: each.name, host, balancer })),
        ),
      ),
    );
    return fc.record({
      before: fc.constant(before),
      damage: fc.record({
        down: fc.subarray(instances, { maxLength: Math.min(2, instances.length) }),
        stray: fc.subarray(servers, { maxLength: Math.min(1, servers.length) }),
      }),
      after: fc.constant(sketch([shop[1], orders[1]], rest)),
    });
  });

/** Every action of a plan in order, as if all went well. */
export function actionsOf(plan: Plan): readonly Action[] {
  return forwardStages(plan).flatMap((stage) => stage.map((step) => step.action));
}

/** A fleet brought from nothing to `before` by drover's own plans, and then damaged. */
export function prepare({ before, damage }: Change): PaperFleet {
  const fleet = new PaperFleet();
  carryOut(fleet, before);
  for (const { app: name, host } of damage.down) {
    const running = fleet.machine(host).apps.get(name);
    if (running !== undefined) running.isUp = false;
  }
  for (const { app: name, host, balancer } of damage.stray) {
    fleet.act({ kind: "lb.drain", balancer, server: { backend: name, server: host }, floor: 0 });
  }
  return fleet;
}

/** Plans towards a sketch and does it all; gives the plans. Throws where there is a problem. */
export function carryOut(fleet: PaperFleet, towards: FleetSketch): readonly Plan[] {
  const { plans, problems } = planFleet(fleet.input(towards), { kind: "fleet" });
  if (problems[0] !== undefined) throw new Error(`${problems[0].code}: ${problems[0].message}`);
  for (const plan of plans) for (const action of actionsOf(plan)) fleet.act(action);
  return plans;
}
