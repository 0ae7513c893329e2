import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operateDiscovery } from "../../src/discovery/operations.ts";
import type { DnsRecord, DnsType } from "../../src/model/dns.ts";
import type { DiscoveryAction, HostEndpoints, ZoneRef } from "../../src/model/discovery.ts";
import type { Outcome } from "../../src/model/operation.ts";
import type { DnsClient } from "../../src/model/ports.ts";
import { createDnsClient } from "../../src/net/dns/client.ts";
import { systemClock } from "../../src/store/clock.ts";
import { sorted } from "./dns.contract.ts";
import { startBind } from "./support/bind.ts";
import { relaxed } from "./support/commands.ts";
import { ZONE } from "./support/dns-server.ts";
import type { RealDns } from "./support/dns-server.ts";
import { startKnot } from "./support/knot.ts";
import { operateOn } from "./support/operate.ts";
import { startPdns } from "./support/pdns.ts";

// Every action on a zone's records, on every kind of server: what it leaves there, and that it has nothing to do again.

const DONE = { kind: "done", note: "" };

function at(label: string): string {
  return `${label}.${ZONE}`;
}

function shopOn(host: string, weight = 1): HostEndpoints {
  const endpoint = { priority: 0, weight, port: 8080 };
  return {
    host,
    endpoints: [
      { set: "_shop._tcp", ...endpoint },
      { set: "_metrics._tcp.shop", ...endpoint, port: 9100 },
    ],
  };
}

function srv(set: string, host: string, weight = 1, port = 8080): DnsRecord {
  return { name: at(set), ttl: 15, type: "SRV", priority: 0, weight, port, target: at(host) };
}

describe.for([
  ["BIND", () => startBind()],
  ["Knot", () => startKnot()],
  ["PowerDNS", () => startPdns()],
] as const)("on %s", ([, start]) => {
  let real: RealDns;
  let client: DnsClient;
  let zone: ZoneRef;
  let updates = 0;
  beforeAll(async () => {
    real = await start();
    const plain = createDnsClient({ clock: systemClock });
    client = {
      ...plain,
      update: (...args) => {
        updates += 1;
        return plain.update(...args);
      },
    };
    zone = { zone: ZONE, owner: "test", servers: { primary: real.server, secondaries: [], onSilent: "stop" } };
  });
  afterAll(async () => {
    await client.close();
    await real.stop();
  });

  function carryOut(action: DiscoveryAction): Promise<Outcome> {
    const runner = { client, key: real.key, warrant: { run: "r1", epoch: 7 }, deadline: 10_000 };
    return operateOn(runner, operateDiscovery(action));
  }

  /** Carries an action out, and once more, which may not write anything; gives how many messages it took. */
  async function twice(action: DiscoveryAction): Promise<number> {
    const before = updates;
    expect(await carryOut(action)).toEqual(DONE);
    const taken = updates - before;
    expect(await carryOut(action)).toEqual(DONE);
    expect(updates - before).toBe(taken);
    return taken;
  }

  async function read(...names: readonly (readonly [label: string, type: DnsType])[]): Promise<readonly DnsRecord[]> {
    const questions = names.map(([label, type]) => ({ name: at(label), type }));
    const queried = await client.query(real.server, questions, relaxed());
    if (queried.kind !== "answered") throw new Error(JSON.stringify(queried));
    return sorted(queried.replies.flatMap((reply) => reply.answers));
  }

  const app = "shop";
  const sets = [
    ["_shop._tcp", "SRV"],
    ["_metrics._tcp.shop", "SRV"],
  ] as const;

  test("an app is published, changed, withdrawn and forgotten, each in one message", async () => {
    const publish = { kind: "dns.publish", zone, app, ttl: 15, only: false } as const;
    expect(await twice({ ...publish, hosts: [shopOn("vm1"), shopOn("vm2")] })).toBe(1);
    expect(await twice({ ...publish, hosts: [shopOn("vm2", 4)], ttl: 30 })).toBe(1);
    const changed = (["vm1", "vm2"] as const).flatMap((host, index) => [
      { ...srv("_shop._tcp", host, index * 3 + 1), ttl: 30 },
      { ...srv("_metrics._tcp.shop", host, index * 3 + 1, 9100), ttl: 30 },
    ]);
    expect(await read(...sets)).toEqual(sorted(changed));
    expect(await twice({ kind: "dns.withdraw", zone, app, hosts: ["vm1"], floor: 1, remembered: 0 })).toBe(1);
    expect(await read(...sets)).toEqual(
      sorted(changed.filter((record) => record.type === "SRV" && record.weight === 4)),
    );
    expect(await carryOut({ kind: "dns.withdraw", zone, app, hosts: ["vm2"], floor: 1, remembered: 0 })).toMatchObject({
      kind: "failed",
      failure: { code: "dns-empty" },
    });
    expect(await twice({ kind: "dns.forget", zone, subject: { kind: "app", app }, remembered: 0 })).toBe(1);
    expect(await read(...sets, ["_drover._shop._tcp", "TXT"])).toEqual([]);
  });

  test("hosts get addresses of both families, others, and none", async () => {
    const addresses = { kind: "dns.addresses", zone, ttl: 60 } as const;
    const hosts = [
      { host: "h1", addresses: ["192.0.2.1", "2001:db8::1"] },
      { host: "h2.rack", addresses: ["2001:db8::2"] },
    ];
    expect(await twice({ ...addresses, hosts })).toBe(2);
    expect(await twice({ ...addresses, hosts: [{ host: "h1", addresses: ["2001:db8:0:0:0:0:0:9"] }] })).toBe(1);
    const all = [
      ["h1", "A"],
      ["h1", "AAAA"],
      ["h2.rack", "AAAA"],
    ] as const;
    expect((await read(...all)).map((record) => ("address" in record ? record.address : ""))).toEqual(
      expect.arrayContaining(["2001:db8::9", "2001:db8::2"]),
    );
    for (const { host } of hosts) {
      expect(await twice({ kind: "dns.forget", zone, subject: { kind: "host", host }, remembered: 0 })).toBe(1);
    }
    expect(await read(...all, ["_drover.h1", "TXT"])).toEqual([]);
  });

  test("what somebody else has written is refused, and taken over as it stands", async () => {
    const record = srv("_legacy._tcp", "vm9", 7);
    const changes = [{ kind: "add", record } as const];
    await client.update(real.server, { zone: ZONE, prerequisites: [], changes }, real.key, relaxed());
    const endpoints = [{ set: "_legacy._tcp", priority: 0, weight: 1, port: 8080 }];
    const hosts = [{ host: "vm1", endpoints }];
    const publish = { kind: "dns.publish", zone, app: "legacy", ttl: 15, only: false, hosts } as const;
    expect(await carryOut(publish)).toMatchObject({ kind: "failed", failure: { code: "dns-foreign" } });
    expect(await read(["_legacy._tcp", "SRV"])).toEqual([record]);
    const subject = { kind: "app", app: "legacy" } as const;
    expect(await twice({ kind: "dns.adopt", zone, subject, sets: ["_legacy._tcp"], from: null })).toBe(1);
    expect(await read(["_legacy._tcp", "SRV"])).toEqual([record]);
    expect(await twice(publish)).toBe(1);
    expect(await read(["_legacy._tcp", "SRV"])).toEqual(sorted([record, srv("_legacy._tcp", "vm1")]));
  });

  test("100 hosts go into one message, and out of it again", async () => {
    const hosts = Array.from({ length: 100 }, (_, index) => shopOn(`long-name-of-host-${String(index)}`));
    expect(await twice({ kind: "dns.publish", zone, app, ttl: 15, only: true, hosts })).toBe(1);
    expect(await read(...sets)).toHaveLength(200);
    const gone = hosts.slice(0, 50).map(({ host }) => host);
    expect(await twice({ kind: "dns.withdraw", zone, app, hosts: gone, floor: 50, remembered: 0 })).toBe(1);
    expect(await read(...sets)).toHaveLength(100);
  });
});
