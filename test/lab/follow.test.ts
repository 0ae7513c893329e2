// Balancers that follow an SRV name: 90 records over TCP from a real named, instances that leave and come back under load
// that does not retry, reloads in between, and DNS that is gone or empty.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLoad } from "../../lab/demo/load.ts";
import type { LoadTotals } from "../../lab/demo/load.ts";
import type { Followed } from "./support/followed.ts";
import { COUNT, NAMESERVER, raiseFollowed, seenBy, SRV } from "./support/followed.ts";
import { lab as makeLab, until } from "./support/lab.ts";
import { balancers, expectDrover } from "./support/shop.ts";

const lab = makeLab("follow");
const ADDRESSES = ["192.168.56.11", "192.168.56.12"];
/** More than HAProxy's own 30 s, after which it would take its servers away. */
const LONG_SILENCE = 33_000;
let service: Followed;

/** Writes the set's line of drover.yaml; `more`: keys besides. */
async function writeSet(more = ""): Promise<void> {
  const path = join(lab.fleet, "drover.yaml");
  const text = await readFile(path, "utf8");
  const billing = `{srv: ${SRV}, servers: 100, nameservers: ["${NAMESERVER}"], health: {http: /healthz}, routes: [{host: billing.lab.internal}]}`;
  const ledger = `{srv: ${SRV}, servers: 100, nameservers: ["${NAMESERVER}"], routes: [{port: 7000}]}`;
  const set = `  edge: {hosts: "role=lb", follow: {billing: ${billing}, ledger: ${ledger}}${more}}`;
  await writeFile(path, text.replace(/^ {2}edge: .*$/m, set));
}

beforeAll(async () => {
  await lab.down();
  await lab.up("--only", "lb1,lb2,app1,app2,dns1");
  service = await raiseFollowed(lab);
  await writeSet();
  await expectDrover(lab, 0, "apply", "--yes");
}, 180_000);

afterAll(() => lab.down());

interface Shown {
  readonly sets: readonly {
    readonly follow: readonly {
      readonly service: string;
      readonly balancer: string;
      readonly places: { readonly all: number; readonly filled: number } | null;
      readonly servers: readonly { readonly target: string; readonly state: string }[];
    }[];
  }[];
}

/** How many servers of billing are up, by balancer. */
async function up(): Promise<readonly number[]> {
  const { sets } = JSON.parse(await expectDrover(lab, 0, "lb", "show", "--output", "json")) as Shown;
  const [edge] = sets;
  return balancers.map((name) => {
    const found = edge?.follow.find(({ service: one, balancer }) => one === "billing" && balancer === name);
    return found?.servers.filter(({ state }) => state === "UP").length ?? 0;
  });
}

/** Presses on both balancers meanwhile; nobody retries. */
async function pressed<T>(during: () => Promise<T>): Promise<{ readonly result: T; readonly totals: LoadTotals[] }> {
  const host = "billing.lab.internal";
  const loads = ADDRESSES.map((address) =>
    startLoad({ lab: lab.name, address, host, connections: 8, delay: 40, limit: 120 }),
  );
  try {
    const result = await during();
    return { result, totals: await Promise.all(loads.map((load) => load.stop())) };
  } catch (error) {
    await Promise.allSettled(loads.map((load) => load.stop()));
    throw error;
  }
}

function expectServed(totals: readonly LoadTotals[], least: number): void {
  for (const { requests, failed, report } of totals) {
    expect(requests, report).toBeGreaterThan(least);
    expect(failed, report).toBe(0);
  }
}

test("90 records come over TCP, whatever their weight; drover finds nothing to change in what DNS does", async () => {
  await until("both balancers have all", async () => (await up()).every((count) => count === COUNT));
  const shown = await expectDrover(lab, 0, "lb", "show");
  expect(shown).toContain(`billing on lb1 follows ${SRV}: 90 servers, room for 100`);
  const port = await lab.run(["curl", "-sf", `http://${ADDRESSES[0] ?? ""}:7000/`]);
  expect(Number(port.stdout)).toBeGreaterThan(0);
  expect(await expectDrover(lab, 0, "lb", "verify")).toMatch(/^verified: /);
  expect(await expectDrover(lab, 0, "plan")).toBe("no difference\n");
});

test("an instance leaves DNS, ends as by kill -9, comes back and is published: nobody sees a failure", async () => {
  const { result, totals } = await pressed(async () => {
    const times = [];
    for (const number of [7, 30, 88]) {
      /* oxlint-disable no-await-in-loop -- one after the other is the point */
      const gone = Promise.all(balancers.map((balancer) => seenBy(lab, balancer, number, false)));
      const withdrawn = await service.withdraw(number);
      const left = Math.max(...(await gone)) - withdrawn;
      // What was under way ends within these answers' milliseconds; the rest asks elsewhere.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await service.requests(number);
      await service.stop(number);
      await service.start(number);
      const quiet = await service.requests(number);
      const there = Promise.all(balancers.map((balancer) => seenBy(lab, balancer, number, true)));
      const published = await service.publish(number);
      times.push({ number, left, came: Math.max(...(await there)) - published, quiet });
      await until(`${String(number)} has traffic`, async () => (await service.requests(number)) > 0);
      /* oxlint-enable no-await-in-loop */
    }
    return times;
  });
  console.info(JSON.stringify(result), totals.map(({ requests }) => requests).join("+"), "requests");
  for (const { left, came, quiet } of result) {
    expect(left).toBeLessThan(2000);
    expect(came).toBeLessThan(3000);
    expect(quiet).toBe(0);
  }
  expectServed(totals, 300);
});

test("reloads: no request fails, a server that is down stays down, and one withdrawn meanwhile does not come back", async () => {
  await service.stop(50);
  await until("both see it is down", async () => (await up()).every((count) => count === COUNT - 1));
  const { totals } = await pressed(async () => {
    await writeSet(", maxConnections: 3000");
    const applied = expectDrover(lab, 0, "apply", "--yes");
    await service.withdraw(60);
    await applied;
    await Promise.all(balancers.map((balancer) => seenBy(lab, balancer, 60, false)));
  });
  expectServed(totals, 100);
  await expectDrover(lab, 0, "lb", "verify");
  expect(await up()).toEqual([COUNT - 2, COUNT - 2]);
  await service.start(50);
  await service.publish(60);
  await until("both have all again", async () => (await up()).every((count) => count === COUNT));
});

test("DNS is gone for longer than HAProxy would wait: servers stay, and changes are seen when it is back", async () => {
  const { totals } = await pressed(async () => {
    await service.killDns();
    const began = Date.now();
    await until("the time is over", () => Promise.resolve(Date.now() - began > LONG_SILENCE), LONG_SILENCE + 5000);
    expect(await up()).toEqual([COUNT, COUNT]);
    await expectDrover(lab, 0, "lb", "verify");
    await service.startDns();
  });
  expectServed(totals, 1000);
  await service.withdraw(3);
  await Promise.all(balancers.map((balancer) => seenBy(lab, balancer, 3, false)));
  await service.publish(3);
});
