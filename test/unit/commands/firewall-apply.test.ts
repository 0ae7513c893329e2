import { describe, expect, test } from "vitest";
import { allowanceOf, permits } from "../../../src/firewall/regions.ts";
import { EXIT_CODE } from "../../../src/report/exit-code.ts";
import { type FakeFirewall, fakeFirewall, loseFrom } from "../../fake/firewall.ts";
import { apply as applyFiles, FakeWorld, OPERATOR, Process } from "../../support/fake-world.ts";

const HOSTS = ["lb1", "lb2", "app1", "app2", "app3", "dns1"] as const;
const BLOCK = `{admin: [${OPERATOR}]}`;
const DB = `{admin: [${OPERATOR}], policies: {db: {hosts: "role=app", ingress: [{from: [{hosts: "role=dns"}], ports: [5432]}]}}}`;

/** A world whose app runs everywhere, with these firewalls applied. */
async function worldWith(block: string | null): Promise<FakeWorld> {
  const world = new FakeWorld("1.4.0", "minHealthyTime: 0s");
  world.manage(block);
  expect(await world.run(applyFiles)).toBe(EXIT_CODE.done);
  return world;
}

async function apply(world: FakeWorld, process = new Process()): Promise<{ code: number | null; said: string }> {
  const code = await world.run(applyFiles, process);
  return { code, said: process.lines.join("\n") };
}

function filterOf({ fleet }: FakeWorld, host: string): FakeFirewall {
  return fakeFirewall(fleet, fleet.host(host));
}

/** Whether a host lets TCP from an address in at a port. */
function lets(world: FakeWorld, host: string, address: string, port: number): boolean {
  const model = filterOf(world, host).model();
  return model === null || permits(allowanceOf(model.rules, "in"), { protocol: "tcp", port, address });
}

const pending = (world: FakeWorld): readonly string[] => HOSTS.filter((host) => filterOf(world, host).pending !== null);
const inForce = (world: FakeWorld): readonly (number | null)[] => HOSTS.map((host) => filterOf(world, host).active);

describe("apply, with a firewall", () => {
  test("isolates every host, confirmed, and a further one has nothing to do", async () => {
    const world = await worldWith(BLOCK);
    expect(inForce(world)).not.toContain(null);
    expect(pending(world)).toEqual([]);
    for (const host of HOSTS) {
      expect(lets(world, host, OPERATOR, 22)).toBe(true);
      expect(lets(world, host, "10.9.9.9", 22)).toBe(false);
    }
    expect(lets(world, "app1", "10.0.0.11", 8080)).toBe(true);
    expect(lets(world, "app1", "10.0.0.16", 8080)).toBe(false);
    expect(lets(world, "lb1", "10.9.9.9", 80)).toBe(true);
    const again = await apply(world);
    expect(again).toMatchObject({ code: EXIT_CODE.done, said: expect.stringContaining("no difference") });
    expect(world.store.ledger?.owners).toMatchObject({ "10.0.0.13": "app1" });
  });

  test("changes the hosts concerned only, and takes drover's rules away with the block", async () => {
    const world = await worldWith(BLOCK);
    const before = inForce(world);
    world.manage(DB);
    expect((await apply(world)).code).toBe(EXIT_CODE.done);
    expect(lets(world, "app1", "10.0.0.16", 5432)).toBe(true);
    expect(HOSTS.filter((_, at) => inForce(world)[at] !== before[at])).toEqual(["app1", "app2", "app3"]);
    // Where only something is added, once is enough.
    expect(filterOf(world, "app1").history).toHaveLength(2);
    world.manage(null);
    expect((await apply(world)).code).toBe(EXIT_CODE.done);
    expect(inForce(world)).toEqual(HOSTS.map(() => null));
  });

  test("puts a host right that somebody has changed by hand", async () => {
    const world = await worldWith(BLOCK);
    filterOf(world, "app2").edited = true;
    expect((await apply(world)).code).toBe(EXIT_CODE.done);
    expect(filterOf(world, "app2").edited).toBe(false);
    expect((await apply(world)).said).toContain("no difference");
  });

  test("takes back everywhere what one host refuses", async () => {
    const world = await worldWith(BLOCK);
    filterOf(world, "app3").trouble = "refuses";
    world.manage(DB);
    expect((await apply(world)).code).not.toBe(EXIT_CODE.done);
    for (const host of ["app1", "app2", "app3"]) expect(lets(world, host, "10.0.0.16", 5432)).toBe(false);
    expect(pending(world)).toEqual([]);
    filterOf(world, "app3").trouble = "none";
    expect((await apply(world)).code).toBe(EXIT_CODE.done);
    expect(lets(world, "app3", "10.0.0.16", 5432)).toBe(true);
  });

  test.for(["shuts-out", "reverts"] as const)(
    "stops at the canary when it %s, and nobody else is touched",
    async (trouble) => {
      const world = await worldWith(BLOCK);
      const before = inForce(world);
      for (const host of HOSTS) filterOf(world, host).trouble = trouble;
      world.manage(DB);
      const { code, said } = await apply(world);
      expect(code).not.toBe(EXIT_CODE.done);
      expect(said).toContain("app1");
      expect(inForce(world)).toEqual(before);
      expect(filterOf(world, "app2").history).toHaveLength(1);
    },
  );

  test("refuses at plan time to shut its operator out", async () => {
    const world = await worldWith(BLOCK);
    world.manage("{admin: [10.7.7.7]}");
    const before = inForce(world);
    const { code, said } = await apply(world);
    expect(code).not.toBe(EXIT_CODE.done);
    expect(said).toContain(OPERATOR);
    expect(inForce(world)).toEqual(before);
  });

  test.for(["before", "after"] as const)(
    "a host lost %s its commit goes back by itself, and the next apply goes on",
    async (when) => {
      const world = await worldWith(BLOCK);
      loseFrom(world.fleet, "app2", "firewall.apply", when);
      world.manage(DB);
      expect((await apply(world)).code).not.toBe(EXIT_CODE.done);
      await world.clock.drive(world.clock.sleep(61_000, new AbortController().signal));
      expect(lets(world, "app2", "10.0.0.16", 5432)).toBe(false);
      world.fleet.host("app2").way = { kind: "open" };
      const further = await apply(world);
      expect(further).toMatchObject({ code: EXIT_CODE.done });
      expect(lets(world, "app2", "10.0.0.16", 5432)).toBe(true);
    },
  );
});
