import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiscoveryAction } from "../../../src/model/discovery.ts";
import type { DnsFate } from "../../fake/dns.ts";
import type { ZoneWorld } from "../../support/discovery-zone.ts";
import {
  DNS2,
  DNS3,
  ZONE,
  carryOut,
  hostsIn,
  linesOf,
  ownerSays,
  publish,
  shopOn,
  srv,
  txt,
  withdraw,
  writer,
  zoneWorld,
} from "../../support/discovery-zone.ts";

// Several writers at one zone, in any order of their questions and messages, with secondaries that lag, replies that get
// lost, and writers that are never heard of again.

const HOSTS = ["app1", "app2", "app3", "app4", "app5"] as const;
const SETS = ["_metrics._tcp.shop", "_shop._tcp"] as const;

/** What one writer does about one host; each host has one writer. */
interface Intent {
  readonly host: string;
  readonly kind: "publish" | "withdraw";
  readonly weight: number;
}

const intents: fc.Arbitrary<readonly Intent[]> = fc
  .uniqueArray(fc.constantFrom(...HOSTS), { minLength: 2, maxLength: 4 })
  .chain((hosts) =>
    fc.tuple(
      ...hosts.map((host) =>
        fc.record({
          host: fc.constant(host),
          kind: fc.constantFrom("publish", "withdraw"),
          weight: fc.integer({ min: 1, max: 3 }),
        }),
      ),
    ),
  );

const lag = fc.constantFrom(0, 5, 120);
const order = fc.infiniteStream(fc.nat(99)).map((stream) => {
  const iterator = stream[Symbol.iterator]();
  return (count: number): number => (iterator.next().value ?? 0) % count;
});

function actionOf({ host, kind, weight }: Intent, floor = 0): DiscoveryAction {
  return kind === "publish" ? publish([shopOn(host, weight)]) : withdraw([host], floor);
}

/** A zone with two hosts that nobody touches, so that no set is ever empty, and some that may change. */
function startedWorld(delay: number, before: readonly string[] = ["app1", "app2"]): ZoneWorld {
  const world = zoneWorld(delay);
  carryOut(world, publish(["base1", "base2", ...before].map((host) => shopOn(host))));
  return world;
}

/** Both sets name the same hosts, and both of those that stay. */
function isWhole(world: ZoneWorld): boolean {
  const [metrics = [], own = []] = SETS.map((set) => hostsIn(world, set));
  const staying = ["base1", "base2"].every((host) => own.includes(host));
  return staying && [...metrics].toSorted().join() === [...own].toSorted().join();
}

function expectedHosts(all: readonly Intent[], before: readonly string[] = ["app1", "app2"]): readonly string[] {
  const touched = new Set(all.map(({ host }) => host));
  const untouched = before.filter((host) => !touched.has(host));
  const published = all.filter(({ kind }) => kind === "publish").map(({ host }) => host);
  return ["base1", "base2", ...untouched, ...published].toSorted();
}

function runAll(
  world: ZoneWorld,
  actions: readonly DiscoveryAction[],
  pick: (count: number) => number,
  check: () => void = () => undefined,
): void {
  const running = actions.map((action) => ({ action, step: writer(world, action).step }));
  let seen = 0;
  while (running.length > 0) {
    const index = pick(running.length);
    const outcome = running[index]?.step() ?? null;
    if (world.dns.updates.length > seen) check();
    seen = world.dns.updates.length;
    if (outcome === null) continue;
    expect(outcome).toMatchObject({ kind: "done" });
    running.splice(index, 1);
  }
}

describe("several writers", () => {
  test("lose no update, and no set is ever mixed, whatever the order of their messages", () => {
    fc.assert(
      fc.property(intents, lag, order, (all, delay, pick) => {
        const world = startedWorld(delay);
        runAll(
          world,
          all.map((each) => actionOf(each)),
          pick,
          () => {
            if (!isWhole(world)) throw new Error(`mixed: ${linesOf(world).join(" | ")}`);
          },
        );
        for (const set of SETS) expect(hostsIn(world, set).toSorted()).toEqual(expectedHosts(all));
        // Each message that was taken counts, and no other.
        const taken = world.dns.updates.filter(({ rcode }) => rcode === "NOERROR").length;
        expect(ownerSays(world, "rev")).toBe(String(taken));
        for (const server of [DNS2, DNS3]) expect(linesOf(world, server)).toEqual(linesOf(world));
      }),
      { numRuns: 50 },
    );
  });

  test("never leave fewer hosts than one of them has to", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), order, (floor, pick) => {
        const world = zoneWorld();
        carryOut(world, publish(HOSTS.map((host) => shopOn(host))));
        const running = HOSTS.map((host) => writer(world, withdraw([host], floor)));
        const refused: string[] = [];
        while (running.length > 0) {
          const index = pick(running.length);
          const outcome = running[index]?.step() ?? null;
          expect(hostsIn(world, "_shop._tcp").length).toBeGreaterThanOrEqual(floor);
          if (outcome === null) continue;
          if (outcome.kind === "failed") refused.push(outcome.failure.code);
          running.splice(index, 1);
        }
        expect(hostsIn(world, "_shop._tcp")).toHaveLength(floor);
        expect(refused).toEqual(Array.from({ length: floor }, () => "dns-empty"));
      }),
      { numRuns: 25 },
    );
  });

  test("and replies that get lost, whether or not the change was made, come to the same end", () => {
    const fates = fc.array(fc.constantFrom<DnsFate>("pass", "pass", "lose-before", "lose-after", "hang-up"), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(intents, lag, order, fates, (all, delay, pick, ways) => {
        const world = startedWorld(delay);
        const left = [...ways];
        // A writer gives up when three of its replies in a row get lost.
        let losses = 2;
        world.dns.intercept = () => {
          const fate = left.shift() ?? "pass";
          if (fate !== "pass") losses -= 1;
          return losses < 0 ? "pass" : fate;
        };
        runAll(
          world,
          all.map((each) => actionOf(each)),
          pick,
        );
        for (const set of SETS) expect(hostsIn(world, set).toSorted()).toEqual(expectedHosts(all));
        expect(isWhole(world)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a writer that is killed between any two messages", () => {
  test("comes to the same end when it begins again, with a newer epoch", () => {
    fc.assert(
      fc.property(intents, lag, fc.nat(20), (all, delay, at) => {
        const [first] = all;
        if (first === undefined) return;
        const plain = startedWorld(0);
        carryOut(plain, actionOf(first));
        const world = startedWorld(delay);
        const { step } = writer(world, actionOf(first));
        for (let turn = 0; turn < at && step() === null; turn += 1);
        expect(isWhole(world)).toBe(true);
        expect(carryOut(world, actionOf(first), { run: "r2", epoch: 8 })).toMatchObject({ kind: "done" });
        const records = (each: ZoneWorld): readonly string[] => linesOf(each).filter((line) => line.includes(" SRV "));
        expect(records(world)).toEqual(records(plain));
      }),
      { numRuns: 50 },
    );
  });
});

describe("what is another's", () => {
  const foreign = [
    txt("_shop._tcp", "a note of somebody's"),
    txt("notes", "heritage=drover", "owner=acme"),
    srv("_mail._tcp", "mx.example.com"),
    srv("_admin._tcp.shop", "app1.example.com"),
    { name: `app9.${ZONE}`, ttl: 77, type: "A", address: "10.9.9.9" } as const,
    txt("_drover._mail._tcp", "heritage=drover", "owner=other", "rev=1", "epoch=1", "run=x", "set=_mail._tcp"),
    txt("_drover.app9", "heritage=drover", "owner=other", "rev=1", "epoch=1", "run=x"),
  ];
  const zone = publish([]).zone;
  const anything: fc.Arbitrary<DiscoveryAction> = fc.oneof(
    intents.map(([first]) => actionOf(first ?? { host: "app1", kind: "publish", weight: 1 })),
    fc.constantFrom<DiscoveryAction>(
      { kind: "dns.forget", zone, subject: { kind: "app", app: "shop" }, remembered: 0 },
      { kind: "dns.forget", zone, subject: { kind: "app", app: "mail" }, remembered: 0 },
      { kind: "dns.forget", zone, subject: { kind: "host", host: "app9" }, remembered: 0 },
      { kind: "dns.addresses", zone, hosts: [{ host: "app9", addresses: ["10.0.0.9"] }], ttl: 60 },
      { kind: "dns.addresses", zone, hosts: [{ host: "app1", addresses: ["10.0.0.1", "fd00::1"] }], ttl: 60 },
      { kind: "dns.publish", zone, app: "mail", hosts: [shopOn("app1")], ttl: 15, only: true },
      { kind: "dns.withdraw", zone, app: "mail", hosts: ["app1"], floor: 0, remembered: 0 },
      { kind: "dns.adopt", zone, subject: { kind: "app", app: "mail" }, sets: ["_mail._tcp"], from: null },
      publish([shopOn("app1")], true),
    ),
  );

  test("outlives whatever drover does", () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 6 }), (actions) => {
        const world = zoneWorld();
        world.dns.put(ZONE, ...foreign);
        const before = linesOf(world);
        for (const action of actions) carryOut(world, action);
        expect(linesOf(world)).toEqual(expect.arrayContaining([...before]));
      }),
      { numRuns: 50 },
    );
  });
});
