// docs/service-discovery.md shows what the commands print: the same code prints its examples here, from the page's own fleet.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { dnsShowCommand } from "../../../src/commands/dns-show.ts";
import { dnsVerifyCommand } from "../../../src/commands/dns-verify.ts";
import { doctorCommand } from "../../../src/commands/doctor.ts";
import type { DnsRecord } from "../../../src/model/dns.ts";
import { FakeWorld, NS1, NS2 } from "../../support/fake-world.ts";
import { blocks, codes, page, prose, tableAfter } from "../../support/pages.ts";
import { say } from "../../support/published.ts";

const root = join(import.meta.dirname, "../../..");
const docs = page("docs/service-discovery.md");
const ZONE = "svc.example.com";

/** Each command of the page that is followed by what it prints. */
const shown = [...docs.text.matchAll(/^```sh\n(drover [^\n]*)\n```\n\n```text\n(.*?)^```$/gms)].map(
  ([, command = "", text = ""]) => ({ command, text }),
);

const COMMANDS: Readonly<Record<string, (context: Context) => Promise<number>>> = {
  "drover dns show orders": (context) => dnsShowCommand(context, "orders"),
  "drover dns verify": dnsVerifyCommand,
  "drover doctor": doctorCommand,
};

let world: FakeWorld;

const srv = (set: string, host: string, port: number): DnsRecord => {
  return { name: `${set}.${ZONE}`, ttl: 15, type: "SRV", priority: 0, weight: 1, port, target: `${host}.${ZONE}` };
};

function owner(name: string, revision: number, sets: readonly string[] = []): DnsRecord {
  const texts = ["heritage=drover", "owner=web", `rev=${String(revision)}`, "epoch=41", "run=web/20261122-044119-1573"];
  return {
    name: `_drover.${name}.${ZONE}`,
    ttl: 15,
    type: "TXT",
    texts: [...texts, ...sets.map((set) => `set=${set}`)],
  };
}

/** The page's fleet in memory, some time after its first apply: app3 is drained. */
beforeAll(() => {
  world = new FakeWorld("1.0", "serial: 1");
  // The servers; the page's files name a zone of its own.
  world.publish();
  for (const text of blocks(docs, "yaml")) world.files.texts.set(/^# (\S+)/.exec(text)?.[1] ?? "", text);
  const grants = world.dns.keys(NS1).map((key) => ({ key, types: null }));
  world.dns.addZone({ zone: ZONE, primary: NS1, secondaries: [NS2], grants });
  const address = (host: string, last: number): readonly DnsRecord[] => [
    { name: `${host}.${ZONE}`, ttl: 60, type: "A", address: `10.0.0.${String(last)}` },
    owner(host, 1),
  ];
  world.dns.put(
    ZONE,
    { name: `ns1.${ZONE}`, ttl: 3600, type: "A", address: NS1.address },
    { name: `ns2.${ZONE}`, ttl: 3600, type: "A", address: NS2.address },
    ...["app1", "app2", "app3"].flatMap((host, index) => address(host, index + 13)),
    owner("_shop._tcp", 12, ["_shop._tcp"]),
    ...["app1", "app2"].map((host) => srv("_shop._tcp", host, 8080)),
    owner("_orders._tcp", 7, ["_metrics._tcp.orders", "_orders._tcp"]),
    srv("_orders._tcp", "app2", 8081),
    srv("_metrics._tcp.orders", "app2", 9100),
  );
  world.store.drains.set("app3", { reason: "new disk", operator: "ann@desk", since: "2026-11-22T09:20:01Z" });
  world.store.epoch = 41;
});

test("there are examples, of every command that only looks", () => {
  expect(shown.map(({ command }) => command)).toEqual(Object.keys(COMMANDS));
  expect(blocks(docs, "text").length).toBe(shown.length);
});

test.for(shown)("$command prints what the page shows", async ({ command, text }) => {
  const verb = COMMANDS[command];
  if (verb === undefined) throw new Error(`${command} is none of the page's commands`);
  // For this one the page tells that somebody was at it by hand.
  if (command === "drover dns verify") world.dns.put(ZONE, { ...srv("_shop._tcp", "app3", 8080) });
  const said = await say(world, verb);
  expect(`${said.text}\n`).toBe(text);
});

test("dns verify's codes are all in the page's table, each once", () => {
  const source = readFileSync(join(root, "src/plan/verify/dns-findings.ts"), "utf8");
  const union = /export type DnsFindingCode =(.*?);/s.exec(source)?.[1] ?? "";
  const known = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code);
  expect(known.length).toBeGreaterThan(10);
  // The first table after the mark is that of the findings.
  const told = tableAfter(docs, "drover dns verify\n```").map(([cell = ""]) => codes(cell)[0] ?? "");
  expect(told.toSorted()).toEqual(known.toSorted());
});

test("the tests that the page names are there", () => {
  const named = codes(prose(docs)).filter((code) => code.startsWith("test/"));
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
