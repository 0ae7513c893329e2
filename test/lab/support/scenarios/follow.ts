// What happens to a service that balancers follow by name, under load that does not retry.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { startLoad } from "../../../../lab/demo/load.ts";
import type { LoadTotals } from "../../../../lab/demo/load.ts";
import type { Followed } from "../followed.ts";
import { areUp, COUNT, NAMESERVER, raiseFollowed, seenBy, SRV } from "../followed.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { balancers, expectDrover } from "../shop.ts";

/** The balancers' own addresses. */
export const ADDRESSES: readonly string[] = ["192.168.56.11", "192.168.56.12"];

/** Two balancers that follow the service under two routes, and nothing that drover rolls out. */
export interface FollowBench {
  readonly lab: Lab;
  readonly service: Followed;
}

/** Writes the set's line of drover.yaml; `more`: keys besides. */
async function writeSet(lab: Lab, more = ""): Promise<void> {
  const path = join(lab.fleet, "drover.yaml");
  const text = await readFile(path, "utf8");
  const billing = `{srv: ${SRV}, servers: 100, nameservers: ["${NAMESERVER}"], health: {http: /healthz}, routes: [{host: billing.lab.internal}]}`;
  const ledger = `{srv: ${SRV}, servers: 100, nameservers: ["${NAMESERVER}"], health: {interval: 3s}, routes: [{port: 7000}]}`;
  const set = `  edge: {hosts: "role=lb", follow: {billing: ${billing}, ledger: ${ledger}}${more}}`;
  await writeFile(path, text.replace(/^ {2}edge: .*$/m, set));
}

/** Brings the lab up, the service and its zone, and the balancers that follow it. */
export async function raiseFollow(lab: Lab): Promise<FollowBench> {
  await lab.down();
  await lab.up("--only", "lb1,lb2,app2,dns1");
  await rm(join(lab.fleet, "apps/shop.yaml"));
  const service = await raiseFollowed(lab);
  await writeSet(lab);
  await expectDrover(lab, 0, "apply", "--yes");
  return { lab, service };
}

/** Waits until each balancer has so many instances that its health checks call up. */
export async function expectUp({ lab }: FollowBench, count: number): Promise<void> {
  await Promise.all(balancers.map((balancer) => areUp(lab, balancer, count)));
}

/** Waits until each balancer has an instance, or has it no more; when the last one did. */
async function seenByAll({ lab }: FollowBench, number: number, wanted: boolean): Promise<number> {
  return Math.max(...(await Promise.all(balancers.map((balancer) => seenBy(lab, balancer, number, wanted)))));
}

/** Presses on both balancers meanwhile, a hundred requests a second each; nobody retries, and nobody fails. */
async function pressed<T>(lab: Lab, least: number, during: () => Promise<T>): Promise<T> {
  const common = { lab: lab.name, host: "billing.lab.internal", connections: 4, delay: 40, limit: 120 };
  const loads = ADDRESSES.map((address) => startLoad({ ...common, address }));
  const stopped = (): Promise<readonly LoadTotals[]> => Promise.all(loads.map((load) => load.stop()));
  const result = await during().catch(async (error: unknown) => {
    await stopped();
    throw error;
  });
  for (const { requests, failed, report } of await stopped()) {
    expect(requests, report).toBeGreaterThan(least);
    expect(failed, report).toBe(0);
  }
  return result;
}

/** Instances leave DNS, end as by kill -9, come back and are published, one after the other. */
export async function leaveAndReturn(bench: FollowBench, numbers: readonly number[]): Promise<void> {
  const { lab, service } = bench;
  const times = await pressed(lab, 60 * numbers.length, async () => {
    const each = [];
    for (const number of numbers) {
      /* oxlint-disable no-await-in-loop -- one after the other is the point */
      const gone = seenByAll(bench, number, false);
      const withdrawn = await service.withdraw(number);
      const left = (await gone) - withdrawn;
      // What was under way ends within these answers' milliseconds; the rest asks elsewhere.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await service.requests(number);
      await service.stop(number);
      await service.start(number);
      const quiet = await service.requests(number);
      const there = seenByAll(bench, number, true);
      const published = await service.publish(number);
      each.push({ number, left, came: (await there) - published, quiet });
      await until(`${String(number)} has traffic`, async () => (await service.requests(number)) > 0);
      /* oxlint-enable no-await-in-loop */
    }
    return each;
  });
  console.info(JSON.stringify(times));
  for (const { left, came, quiet } of times) {
    expect(left).toBeLessThan(2000);
    expect(came).toBeLessThan(3000);
    expect(quiet).toBe(0);
  }
}

/** A reload, for another `maxConnections`, while one instance is down and another one is being withdrawn. */
export async function reloadMeanwhile(bench: FollowBench, maxConnections: number): Promise<void> {
  const { lab, service } = bench;
  await service.stop(50);
  await expectUp(bench, COUNT - 1);
  await pressed(lab, 100, async () => {
    await writeSet(lab, `, maxConnections: ${String(maxConnections)}`);
    const applied = expectDrover(lab, 0, "apply", "--yes");
    await service.withdraw(60);
    await applied;
    await seenByAll(bench, 60, false);
  });
  await expectDrover(lab, 0, "lb", "verify");
  await expectUp(bench, COUNT - 2);
  await service.start(50);
  await service.publish(60);
  await expectUp(bench, COUNT);
}

/** DNS is killed for so many milliseconds, under load: servers stay, and changes are seen when it is back. */
export async function dnsGone(bench: FollowBench, silence: number): Promise<void> {
  const { lab, service } = bench;
  await pressed(lab, 100, async () => {
    await service.killDns();
    const began = Date.now();
    await expectDrover(lab, 0, "lb", "verify");
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, silence - (Date.now() - began))));
    await expectUp(bench, COUNT);
    await service.startDns();
  });
  const gone = seenByAll(bench, 3, false);
  await service.withdraw(3);
  await gone;
  await service.publish(3);
  await seenByAll(bench, 3, true);
}
