import { spawnSync } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operateDiscovery } from "../../src/discovery/operations.ts";
import type { DnsRecord, DnsServer } from "../../src/model/dns.ts";
import type { DiscoveryAction, ZoneRef } from "../../src/model/discovery.ts";
import type { DnsClient } from "../../src/model/ports.ts";
import { createDnsClient } from "../../src/net/dns/client.ts";
import { systemClock } from "../../src/store/clock.ts";
import { sorted } from "./dns.contract.ts";
import { startBind } from "./support/bind.ts";
import { relaxed } from "./support/commands.ts";
import { isUpdate, startDnsProxy } from "./support/dns-proxy.ts";
import type { DnsTroubles } from "./support/dns-proxy.ts";
import { ZONE } from "./support/dns-server.ts";
import type { RealDns } from "./support/dns-server.ts";
import { operateOn } from "./support/operate.ts";
import { listen } from "./support/trouble.ts";

// What drover's records go through when others read them, write them, lose replies and send messages twice: on a real BIND.

const prove = process.env["DROVER_PROVE"] === "1";
const ROUNDS = prove ? 50 : 10;
const REPLACES = prove ? 300 : 100;
const WRITERS = [0, 1, 2, 3] as const;

let bind: RealDns;
beforeAll(async () => {
  bind = await startBind();
});
afterAll(() => bind.stop());

const at = (label: string): string => `${label}.${ZONE}`;

function srv(label: string, host: string, weight: number): DnsRecord {
  return { name: at(label), ttl: 15, type: "SRV", priority: 0, weight, port: 8080, target: at(host) };
}

function owner(label: string, revision: number): DnsRecord {
  return { name: at(label), ttl: 15, type: "TXT", texts: ["heritage=drover", `rev=${revision}`] };
}

/** Records of one set on the server, sorted. */
async function read(client: DnsClient, label: string, type: "SRV" | "TXT"): Promise<readonly DnsRecord[]> {
  const queried = await client.query(bind.server, [{ name: at(label), type }], relaxed());
  if (queried.kind !== "answered") throw new Error(JSON.stringify(queried));
  return sorted(queried.replies.flatMap((reply) => reply.answers));
}

/** The revision in an app's owner record. */
async function revision(client: DnsClient, label: string): Promise<number> {
  const texts = (await read(client, label, "TXT")).flatMap((record) => (record.type === "TXT" ? record.texts : []));
  return Number(texts.find((text) => text.startsWith("rev="))?.slice(4) ?? 0);
}

function zoneRef(server: DnsServer = bind.server): ZoneRef {
  return { zone: ZONE, owner: "test", servers: { primary: server, secondaries: [], onSilent: "stop" } };
}

function publish(app: string, host: string, weight: number, zone = zoneRef()): DiscoveryAction {
  const endpoints = [{ set: `_${app}._tcp`, priority: 0, weight, port: 8080 }];
  return { kind: "dns.publish", zone, app, hosts: [{ host, endpoints }], ttl: 15, only: false };
}

function withdraw(app: string, host: string): DiscoveryAction {
  return { kind: "dns.withdraw", zone: zoneRef(), app, hosts: [host], floor: 0, remembered: 15_000 };
}

async function withClient<Result>(work: (client: DnsClient) => Promise<Result>): Promise<Result> {
  const client = createDnsClient({ clock: systemClock });
  return work(client).finally(() => void client.close());
}

function carryOut(client: DnsClient, action: DiscoveryAction, deadline = 20_000): ReturnType<typeof operateOn> {
  const warrant = { run: "r1", epoch: 7 };
  return operateOn({ client, key: bind.key, warrant, deadline }, operateDiscovery(action));
}

describe("readers while a set is replaced", () => {
  /** The one generation that all records are of; throws for an empty or a mixed answer. */
  const generation = (weights: readonly number[]): number => {
    const [first] = weights;
    if (first === undefined) throw new Error("an empty answer");
    if (weights.length !== 3 || weights.some((each) => each !== first)) throw new Error(`mixed: ${weights.join(" ")}`);
    return first;
  };

  test(`${REPLACES} times: nobody sees it empty, mixed or going back, by drover, by Node or by dig`, async () => {
    const label = "_read._tcp";
    const set = (turn: number): readonly DnsRecord[] => ["vm1", "vm2", "vm3"].map((host) => srv(label, host, turn));
    let isOver = false;
    /** Reads until the writer is done, and once more; gives what it saw. */
    const reader = async (look: () => Promise<readonly number[]>): Promise<readonly number[]> => {
      const seen: number[] = [];
      for (let last = false; !last;) {
        last = isOver;
        seen.push(generation(await look()));
      }
      return seen;
    };
    const write = async (client: DnsClient, turn: number): Promise<void> => {
      const before = { kind: "set-equals", records: [owner("_drover._read._tcp", turn - 1)] } as const;
      const first = { kind: "set-absent", name: at(label), type: "SRV" } as const;
      const changes = [
        { kind: "delete-set", name: at(label), type: "SRV" } as const,
        { kind: "delete-set", name: at("_drover._read._tcp"), type: "TXT" } as const,
        ...[...set(turn), owner("_drover._read._tcp", turn)].map((record) => ({ kind: "add", record }) as const),
      ];
      const update = { zone: ZONE, prerequisites: [turn === 1 ? first : before], changes };
      expect(await client.update(bind.server, update, bind.key, relaxed())).toEqual({ kind: "done" });
    };
    const resolver = new Resolver({ timeout: 2000, tries: 3 });
    resolver.setServers([`127.0.0.1:${bind.server.port}`]);
    const weightsOf = (records: readonly DnsRecord[]): readonly number[] =>
      records.flatMap((record) => (record.type === "SRV" ? [record.weight] : []));
    await withClient(async (client) => {
      await write(client, 1);
      const writing = async (): Promise<void> => {
        for (let turn = 2; turn <= REPLACES; turn += 1) {
          await write(client, turn);
          // The one reader that is a program of its own.
          if (turn % 20 === 0) expect(generation(dig(label))).toBe(turn);
        }
      };
      const readers = await withClient((other) =>
        Promise.all([
          reader(async () => weightsOf(await read(other, label, "SRV"))),
          reader(async () => (await resolver.resolveSrv(at(label))).map((each) => each.weight)),
          writing().finally(() => {
            isOver = true;
          }),
        ]),
      );
      for (const seen of readers.filter((each) => each !== undefined)) {
        expect(seen.length).toBeGreaterThan(REPLACES / 10);
        expect(seen.toSorted((left, right) => left - right)).toEqual(seen);
        expect(seen.at(-1)).toBe(REPLACES);
      }
    });
  });

  /** The weights of a set, as dig prints them over UDP. */
  function dig(label: string): readonly number[] {
    const args = ["+short", "+norecurse", "-p", String(bind.server.port), "@127.0.0.1", at(label), "SRV"];
    const { stdout } = spawnSync("dig", args, { encoding: "utf8" });
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Number(line.split(" ")[1]));
  }
});

describe("messages that come twice", () => {
  test("the same bytes again, which BIND takes as signed well, do no harm: the revision has moved on", async () => {
    const sent: Buffer[] = [];
    const { port } = bind.server;
    const listener = await listen((socket) => {
      const onward = connect(port, "127.0.0.1");
      socket.on("data", (data: Buffer) => {
        if (isUpdate(data.subarray(2))) sent.push(data);
        onward.write(data);
      });
      onward.on("data", (data) => socket.write(data));
      onward.on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
    });
    await withClient(async (client) => {
      const through = zoneRef({ ...bind.server, port: listener.port });
      expect(await carryOut(client, publish("replay", "vm1", 1))).toMatchObject({ kind: "done" });
      expect(await carryOut(client, publish("replay", "vm2", 2, through))).toMatchObject({ kind: "done" });
      expect(await carryOut(client, withdraw("replay", "vm2"))).toMatchObject({ kind: "done" });
      const [old] = sent;
      if (old === undefined) throw new Error("no update came by");
      const reply = await sendBytes(port, old);
      // RFC 2136 §2.2: 8 is NXRRSET. It was believed, and not done.
      expect(reply.readUInt8(3) & 0xf).toBe(8);
      expect(await read(client, "_replay._tcp", "SRV")).toEqual([srv("_replay._tcp", "vm1", 1)]);
      expect(await revision(client, "_drover._replay._tcp")).toBe(3);
    });
    listener.close();
  });

  /** Sends a message, with its length in front, over a connection of its own; gives the reply without it. */
  function sendBytes(port: number, bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
      let held = Buffer.alloc(0);
      socket.on("error", reject);
      socket.on("data", (data) => {
        held = Buffer.concat([held, data]);
        if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
        socket.destroy();
        resolve(held.subarray(2));
      });
    });
  }
});

describe("replies that get lost", () => {
  test.for<readonly [string, () => DnsTroubles]>([
    ["never comes", () => once("loses-replies")],
    ["comes by half", () => once("hangs-up")],
  ])("an operation whose first reply %s reads back, and writes nothing twice", async ([, troubles]) => {
    const app = "lost";
    const proxy = await startDnsProxy(bind.server.port, troubles());
    await withClient(async (client) => {
      const before = await revision(client, `_drover._${app}._tcp`);
      const action = publish(app, `vm${before}`, 3, zoneRef({ ...bind.server, port: proxy.port }));
      const outcome = await carryOut(client, action, 500);
      expect(outcome).toMatchObject({ kind: "done", note: expect.stringContaining("lost") });
      expect(await revision(client, `_drover._${app}._tcp`)).toBe(before + 1);
      expect(await read(client, `_${app}._tcp`, "SRV")).toContainEqual(srv(`_${app}._tcp`, `vm${before}`, 3));
    });
    proxy.close();
  });

  /** Trouble with the first reply to an update. */
  function once(trouble: "loses-replies" | "hangs-up"): DnsTroubles {
    let isOver = false;
    return (reply) => {
      if (isOver || !isUpdate(reply)) return null;
      isOver = true;
      return trouble;
    };
  }

  test("one that is forged ends the operation, however much of it was done", async () => {
    const proxy = await startDnsProxy(bind.server.port, (reply) => (isUpdate(reply) ? "flips-a-bit" : null));
    await withClient(async (client) => {
      const action = publish("forged", "vm1", 1, zoneRef({ ...bind.server, port: proxy.port }));
      const outcome = await carryOut(client, action);
      // Whatever the operation makes of it, it says so; and the records are whole, and written once.
      expect(JSON.stringify(outcome)).toContain("cannot be believed");
      expect(await read(client, "_forged._tcp", "SRV")).toEqual([srv("_forged._tcp", "vm1", 1)]);
      expect(await revision(client, "_drover._forged._tcp")).toBe(1);
    });
    proxy.close();
  });
});

describe("four writers at once", () => {
  const clients: DnsClient[] = [];
  beforeAll(() => {
    clients.push(...WRITERS.map(() => createDnsClient({ clock: systemClock })));
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });

  test(`${ROUNDS} rounds by hand: of four messages that expect the same revision, one is carried out`, async () => {
    const [first] = clients;
    if (first === undefined) throw new Error("no client");
    const name = "_drover._hand._tcp";
    const write = (client: DnsClient, turn: number, writer: number): ReturnType<DnsClient["update"]> => {
      const before = { kind: "set-equals", records: [owner(name, turn - 1)] } as const;
      const changes = [
        { kind: "delete-set", name: at(name), type: "TXT" } as const,
        { kind: "delete-set", name: at("_hand._tcp"), type: "SRV" } as const,
        { kind: "add", record: owner(name, turn) } as const,
        { kind: "add", record: srv("_hand._tcp", `vm${writer}`, turn) } as const,
      ];
      const prerequisites = turn === 1 ? [{ kind: "name-free", name: at(name) } as const] : [before];
      return client.update(bind.server, { zone: ZONE, prerequisites, changes }, bind.key, relaxed());
    };
    for (let turn = 1; turn <= ROUNDS; turn += 1) {
      const updated = await Promise.all(clients.map((client, writer) => write(client, turn, writer)));
      const winners = WRITERS.filter((writer) => updated[writer]?.kind === "done");
      expect(winners).toHaveLength(1);
      expect(updated.filter((each) => each.kind === "unmet")).toHaveLength(3);
      expect(await read(first, "_hand._tcp", "SRV")).toEqual([srv("_hand._tcp", `vm${String(winners[0])}`, turn)]);
    }
    expect(await revision(first, name)).toBe(ROUNDS);
  });

  test(`${ROUNDS} apps that are new to the zone: whoever comes second does not take the first for a stranger`, async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const app = `new${round}`;
      const outcomes = await Promise.all(
        clients.map((client, writer) => carryOut(client, publish(app, `vm${writer}`, 1))),
      );
      expect(outcomes).toEqual(WRITERS.map(() => ({ kind: "done", note: "" })));
    }
  });

  test(`${ROUNDS} rounds by operations: all of them get through, and none undoes another's`, async () => {
    const [first] = clients;
    if (first === undefined) throw new Error("no client");
    for (let round = 1; round <= ROUNDS; round += 1) {
      // In every third round two of them leave, while two others come in anew.
      const leaves = (writer: number): boolean => round % 3 === 0 && writer >= 2;
      const actions = WRITERS.map((writer) =>
        leaves(writer) ? withdraw("race", `vm${writer}`) : publish("race", `vm${writer}`, round),
      );
      const outcomes = await Promise.all(actions.map((action, writer) => carryOut(clients[writer] ?? first, action)));
      expect(outcomes).toEqual(WRITERS.map(() => ({ kind: "done", note: "" })));
      const there = WRITERS.filter((writer) => !leaves(writer));
      const wanted = there.map((writer) => srv("_race._tcp", `vm${writer}`, round));
      expect(await read(first, "_race._tcp", "SRV")).toEqual(sorted(wanted));
      // Each has written once: no update was lost, and none made twice.
      expect(await revision(first, "_drover._race._tcp")).toBe(round * WRITERS.length);
    }
  });
});
