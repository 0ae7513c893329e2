import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DnsChange, DnsQueried, DnsRecord, DnsServer, DnsUpdated } from "../../src/model/dns.ts";
import type { DnsClient } from "../../src/model/ports.ts";
import { createDnsClient } from "../../src/net/dns/client.ts";
import { systemClock } from "../../src/store/clock.ts";
import { sorted } from "./dns.contract.ts";
import { lyingBy } from "./dns-failures.contract.ts";
import { startBind } from "./support/bind.ts";
import { relaxed } from "./support/commands.ts";
import { startDnsProxy } from "./support/dns-proxy.ts";
import { base64Of, ZONE } from "./support/dns-server.ts";
import type { RealDns } from "./support/dns-server.ts";
import { startKnot } from "./support/knot.ts";

// What only real connections and real programs can show, on a real BIND.

let bind: RealDns;
beforeAll(async () => {
  bind = await startBind();
});
afterAll(() => bind.stop());

const at = (label: string): string => `${label}.${ZONE}`;

function txt(label: string, text: string): DnsRecord {
  return { name: at(label), ttl: 15, type: "TXT", texts: [text] };
}

async function withClient<Result>(work: (client: DnsClient) => Promise<Result>, clock = systemClock): Promise<Result> {
  const client = createDnsClient({ clock });
  return work(client).finally(() => void client.close());
}

function write(client: DnsClient, server: DnsServer, records: readonly DnsRecord[]): Promise<DnsUpdated> {
  const changes = records.map((record): DnsChange => ({ kind: "add", record }));
  return client.update(server, { zone: ZONE, prerequisites: [], changes }, bind.key, relaxed());
}

function ask(client: DnsClient, server: DnsServer, label: string): Promise<DnsQueried> {
  return client.query(server, [{ name: at(label), type: "TXT" }], relaxed());
}

describe("connections", () => {
  test("one serves all questions and updates to a server", async () => {
    const proxy = await startDnsProxy(bind.server.port, () => null);
    const server = { ...bind.server, port: proxy.port };
    await withClient(async (client) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const many = Array.from({ length: 5 }, (_, index) => txt("one", `${turn} ${index}`));
        const updated = await Promise.all(many.map((record) => write(client, server, [record])));
        expect(updated).toEqual(many.map(() => ({ kind: "done" })));
        await Promise.all(many.map(() => ask(client, server, "one")));
      }
      expect(await ask(client, server, "one")).toMatchObject({ replies: [{ answers: { length: 25 } }] });
    });
    expect(proxy.made()).toBe(1);
    proxy.close();
  });

  test("one that the server has closed in the meantime is made anew, and nobody notices", async () => {
    const proxy = await startDnsProxy(bind.server.port, () => null);
    const server = { ...bind.server, port: proxy.port };
    await withClient(async (client) => {
      for (let turn = 1; turn <= 3; turn += 1) {
        expect(await write(client, server, [txt("again", `${turn}`)])).toEqual({ kind: "done" });
        proxy.cut();
        expect(await ask(client, server, "again")).toMatchObject({ kind: "answered", replies: [{ rcode: "NOERROR" }] });
        proxy.cut();
        // The end of the connection is on its way to the client.
        await expect.poll(() => ask(client, server, "again")).toMatchObject({ kind: "answered" });
      }
    });
    proxy.close();
  });

  test("a server may have an IPv6 address", async () => {
    const server = { ...bind.server, address: "::1" };
    await withClient(async (client) => {
      expect(await write(client, server, [txt("six", "6")])).toEqual({ kind: "done" });
      expect(await ask(client, server, "six")).toMatchObject({ replies: [{ answers: [txt("six", "6")] }] });
    });
  });

  test("a server that was stopped is said to be so, and used again when it is back", async () => {
    await withClient(async (client) => {
      expect(await write(client, bind.server, [txt("back", "1")])).toEqual({ kind: "done" });
      await bind.halt();
      const queried = await ask(client, bind.server, "back");
      expect(queried).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
      const updated = await write(client, bind.server, [txt("back", "2")]);
      expect(updated).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
      await bind.start();
      expect(await write(client, bind.server, [txt("back", "3")])).toEqual({ kind: "done" });
      const replies = [{ answers: expect.arrayContaining([txt("back", "1"), txt("back", "3")]) }];
      expect(await ask(client, bind.server, "back")).toMatchObject({ replies });
    });
  });
});

test("a refusal that nobody has signed says so", async () => {
  const proxy = await startDnsProxy(bind.server.port, "refuses-unsigned");
  await withClient(async (client) => {
    const updated = await write(client, { ...bind.server, port: proxy.port }, [txt("unsigned", "x")]);
    const message = expect.stringContaining("unauthenticated");
    expect(updated).toMatchObject({ kind: "failed", failure: { code: "dns-refused", message } });
  });
  proxy.close();
});

describe("a server whose own clock is wrong", () => {
  test.for([-600, 600])("by %i s: dns-clock with how far, nothing is done, and a probe says the same", async (skew) => {
    const wrong = await startKnot(skew);
    await withClient(async (client) => {
      const changes = [{ kind: "add", record: txt("clock", "x") } as const];
      const update = { zone: ZONE, prerequisites: [], changes };
      const words = expect.stringMatching(/(59\d|60\d) s ahead of/);
      const failed = { kind: "failed", failure: { code: "dns-clock", message: words } };
      expect(await client.update(wrong.server, update, wrong.key, relaxed())).toMatchObject(failed);
      expect(await client.probe(wrong.server, ZONE, at("_probe"), wrong.key, relaxed())).toMatchObject(failed);
      expect(await ask(client, wrong.server, "clock")).toMatchObject({ replies: [{ rcode: "NXDOMAIN" }] });
    });
    // The same clock here and there is as good as a right one.
    await withClient(async (client) => {
      const probed = await client.probe(wrong.server, ZONE, at("_probe"), wrong.key, relaxed());
      expect(probed).toMatchObject({ kind: "answered", rcode: "NOERROR" });
      if (probed.kind === "answered") expect(Math.abs(probed.skew)).toBeLessThanOrEqual(2);
    }, lyingBy(skew));
    await wrong.stop();
  });
});

describe("other programs", () => {
  /** Runs a program of BIND's against the server; gives what it printed. */
  function runs(command: string, args: readonly string[], input = ""): string {
    const result = spawnSync(command, args, { encoding: "utf8", input });
    if (result.status !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  const hard = ["plain", `it's "q" \\ ; $x`, "é", "a b", ""];

  test("dig reads what drover writes", async () => {
    const address = (host: string, value: string, type: "A" | "AAAA"): DnsRecord => {
      return { name: at(host), ttl: 60, type, address: value };
    };
    const all: readonly DnsRecord[] = [
      { name: at("_dig._tcp"), ttl: 15, type: "SRV", priority: 0, weight: 256, port: 8443, target: at("vm1") },
      address("vm1", "192.0.2.7", "A"),
      address("vm1", "2001:db8::7", "AAAA"),
      { name: at("_drover._dig"), ttl: 15, type: "TXT", texts: hard },
    ];
    await withClient(async (client) => expect(await write(client, bind.server, all)).toEqual({ kind: "done" }));
    const dig = (label: string, type: string): string => {
      const server = ["-p", String(bind.server.port), "@127.0.0.1"];
      const lines = runs("dig", [...server, "+norecurse", "+noall", "+answer", at(label), type]).trim();
      return lines.split(/[\t ]+/).join(" ");
    };
    expect(dig("_dig._tcp", "SRV")).toBe(`${at("_dig._tcp")}. 15 IN SRV 0 256 8443 ${at("vm1")}.`);
    expect(dig("vm1", "A")).toBe(`${at("vm1")}. 60 IN A 192.0.2.7`);
    expect(dig("vm1", "AAAA")).toBe(`${at("vm1")}. 60 IN AAAA 2001:db8::7`);
    expect(dig("_drover._dig", "TXT")).toBe(
      `${at("_drover._dig")}. 15 IN TXT "plain" "it's \\"q\\" \\\\ ; $x" "\\233" "a b" ""`,
    );
  });

  test("drover reads what nsupdate writes, and deletes it record by record", async () => {
    const { key, server } = bind;
    const lines = [
      `server 127.0.0.1 ${server.port}`,
      `zone ${ZONE}`,
      `key ${key.algorithm}:${key.name} ${base64Of(key)}`,
      `add ${at("_by._tcp")} 15 SRV 0 1 80 VM1.${ZONE.toUpperCase()}.`,
      `add ${at("_by._tcp")} 15 SRV 0 1 81 ${at("vm2")}.`,
      `add ${at("_drover._by")} 15 TXT "plain" "it's \\"q\\" \\\\ ; $x" "\\233" "a b" ""`,
      "send",
    ];
    runs("nsupdate", ["-v"], `${lines.join("\n")}\n`);
    const srv = (port: number, host: string): DnsRecord => {
      return { name: at("_by._tcp"), ttl: 15, type: "SRV", priority: 0, weight: 1, port, target: at(host) };
    };
    const texts: DnsRecord = { name: at("_drover._by"), ttl: 15, type: "TXT", texts: hard };
    await withClient(async (client) => {
      const questions = [
        { name: at("_by._tcp"), type: "SRV" } as const,
        { name: at("_drover._by"), type: "TXT" } as const,
      ];
      const before = await client.query(server, questions, relaxed());
      if (before.kind !== "answered") throw new Error(JSON.stringify(before));
      expect(before.replies.map((reply) => sorted(reply.answers))).toEqual([
        sorted([srv(80, "vm1"), srv(81, "vm2")]),
        [texts],
      ]);
      const changes = [srv(80, "vm1"), texts].map((record): DnsChange => ({ kind: "delete-record", record }));
      const prerequisites = [{ kind: "set-equals", records: [texts] } as const];
      expect(await client.update(server, { zone: ZONE, prerequisites, changes }, key, relaxed())).toEqual({
        kind: "done",
      });
      const after = await client.query(server, questions, relaxed());
      expect(after).toMatchObject({ replies: [{ answers: [srv(81, "vm2")] }, { answers: [] }] });
    });
  });
});
