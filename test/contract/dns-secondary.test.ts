import { afterAll, beforeAll, expect, test } from "vitest";
import { operateDiscovery } from "../../src/discovery/operations.ts";
import type { DnsRecord, DnsServer } from "../../src/model/dns.ts";
import type { DiscoveryAction } from "../../src/model/discovery.ts";
import type { Outcome } from "../../src/model/operation.ts";
import type { DnsClient } from "../../src/model/ports.ts";
import { createDnsClient } from "../../src/net/dns/client.ts";
import { systemClock } from "../../src/store/clock.ts";
import { sorted } from "./dns.contract.ts";
import { startBindPair } from "./support/bind.ts";
import { relaxed } from "./support/commands.ts";
import { ZONE } from "./support/dns-server.ts";
import type { RealDns } from "./support/dns-server.ts";
import { operateOn } from "./support/operate.ts";

// Two real BIND, one behind the other, as drover's operations see them.

let pair: { readonly primary: RealDns; readonly secondary: RealDns };
let client: DnsClient;
beforeAll(async () => {
  pair = await startBindPair();
  client = createDnsClient({ clock: systemClock });
});
afterAll(async () => {
  await client.close();
  await pair.secondary.stop();
  await pair.primary.stop();
});

function zoneRef(onSilent: "stop" | "skip" = "stop"): DiscoveryAction["zone"] {
  const servers = { primary: pair.primary.server, secondaries: [pair.secondary.server], onSilent };
  return { zone: ZONE, owner: "test", servers };
}

function publish(host: string, weight: number, app = "shop", zone = zoneRef()): Promise<Outcome> {
  const endpoints = [{ set: `_${app}._tcp`, priority: 0, weight, port: 8080 }];
  return carryOut({ kind: "dns.publish", zone, app, hosts: [{ host, endpoints }], ttl: 15, only: false });
}

function withdraw(host: string): Promise<Outcome> {
  return carryOut({ kind: "dns.withdraw", zone: zoneRef(), app: "shop", hosts: [host], floor: 0, remembered: 15_000 });
}

function carryOut(action: DiscoveryAction): Promise<Outcome> {
  const runner = { client, key: pair.primary.key, warrant: { run: "r1", epoch: 1 }, deadline: 2000 };
  return operateOn(runner, operateDiscovery(action));
}

async function read(server: DnsServer, app = "shop"): Promise<readonly DnsRecord[]> {
  const queried = await client.query(server, [{ name: `_${app}._tcp.${ZONE}`, type: "SRV" }], relaxed());
  if (queried.kind !== "answered") throw new Error(JSON.stringify(queried));
  expect(queried.replies).toMatchObject([{ authoritative: true }]);
  return sorted(queried.replies.flatMap((reply) => reply.answers));
}

function srv(host: string, weight: number, app = "shop"): DnsRecord {
  const target = `${host}.${ZONE}`;
  return { name: `_${app}._tcp.${ZONE}`, ttl: 15, type: "SRV", priority: 0, weight, port: 8080, target };
}

test("what an operation has done stands on every server when it ends, well before BIND's own five seconds", async () => {
  const started = performance.now();
  for (let weight = 1; weight <= 5; weight += 1) {
    for (const host of ["vm1", "vm2"]) {
      expect(await publish(host, weight)).toEqual({ kind: "done", note: "" });
      expect(await read(pair.secondary.server)).toContainEqual(srv(host, weight));
    }
    expect(await withdraw("vm2")).toEqual({ kind: "done", note: "" });
    expect(await read(pair.secondary.server)).toEqual([srv("vm1", weight)]);
  }
  expect((performance.now() - started) / 15).toBeLessThan(1000);
});

test("updates go to the primary: a secondary refuses them", async () => {
  const { key, server } = pair.secondary;
  const changes = [{ kind: "delete-set", name: `_shop._tcp.${ZONE}`, type: "SRV" } as const];
  const updated = await client.update(server, { zone: ZONE, prerequisites: [], changes }, key, relaxed());
  expect(updated).toMatchObject({ kind: "failed", failure: { code: "dns-refused" } });
  expect(await read(server)).toEqual([srv("vm1", 5)]);
});

test("a secondary that is stopped is named: nothing is withdrawn behind its back, or it is passed over", async () => {
  expect(await publish("vm2", 10)).toEqual({ kind: "done", note: "" });
  await pair.secondary.halt();
  const [stopped, skipped] = await Promise.all([withdraw("vm2"), publish("vm3", 1, "other", zoneRef("skip"))]);
  const failure = { code: "dns-unreachable", message: expect.stringContaining("bind2") };
  expect(stopped).toMatchObject({ kind: "failed", failure });
  expect(await read(pair.primary.server)).toEqual(sorted([srv("vm1", 5), srv("vm2", 10)]));
  expect(skipped).toMatchObject({ kind: "done", note: expect.stringMatching(/passed over: .*bind2/) });
  expect(await read(pair.primary.server, "other")).toEqual([srv("vm3", 1, "other")]);
  await pair.secondary.start();
  expect(await publish("vm4", 1, "other")).toEqual({ kind: "done", note: "" });
  const all = sorted([srv("vm3", 1, "other"), srv("vm4", 1, "other")]);
  expect(await read(pair.secondary.server, "other")).toEqual(all);
});

test("a primary that is stopped stops everything, and the secondary goes on answering as before", async () => {
  const before = await read(pair.secondary.server);
  await pair.primary.halt();
  const failure = { code: "dns-unreachable", message: expect.stringContaining("bind (") };
  expect(await withdraw("vm2")).toMatchObject({ kind: "failed", failure });
  expect(await publish("vm4", 1, "shop", zoneRef("skip"))).toMatchObject({ kind: "failed", failure });
  expect(await read(pair.secondary.server)).toEqual(before);
  await pair.primary.start();
  expect(await withdraw("vm2")).toEqual({ kind: "done", note: "" });
  expect(await read(pair.secondary.server)).toEqual(
    before.filter((each) => each.type === "SRV" && !each.target.startsWith("vm2")),
  );
});
