import { describe, expect, test } from "vitest";
import type { DnsReply } from "../../../src/model/dns.ts";
import { failure } from "../../../src/model/errors.ts";
import { furtherQuestions, questionsOf, readZone } from "../../../src/discovery/facts.ts";
import { DNS1, DNS2, ZONE, ZONE_REF, carryOut, publish, shopOn, srv, txt } from "../../support/discovery-zone.ts";
import { factsOf, readFrom, zoneOf } from "./models.ts";

const NAMES = { apps: [{ app: "shop", sets: ["_shop._tcp"] }], hosts: ["app1"] };

test("a server is asked for the SOA first, then for owner records, sets and addresses", () => {
  expect(questionsOf(ZONE_REF, NAMES).map(({ name, type }) => `${name} ${type}`)).toEqual([
    "svc.test SOA",
    "_drover._shop._tcp.svc.test TXT",
    "_drover.app1.svc.test TXT",
    "_shop._tcp.svc.test SRV",
    "app1.svc.test A",
    "app1.svc.test AAAA",
  ]);
});

describe("what a server says", () => {
  test("of an app: its sets, also those that only its owner record names, its hosts and strangers", () => {
    const world = zoneOf();
    carryOut(world, publish([shopOn("app2"), shopOn("app1", 5)]));
    world.dns.put(ZONE, srv("_shop._tcp", "elsewhere.example.com"));
    const shop = factsOf(world).apps.get("shop");
    expect(shop?.owner.kind).toBe("ours");
    expect([...(shop?.sets.keys() ?? [])].toSorted()).toEqual(["_metrics._tcp.shop", "_shop._tcp"]);
    expect(shop?.sets.get("_shop._tcp")?.ttl).toBe(15);
    expect(shop?.hosts).toEqual([shopOn("app1", 5), shopOn("app2")]);
    expect(shop?.odd.map(({ target }) => target)).toEqual(["elsewhere.example.com"]);
  });

  test("of a host: addresses of both families", () => {
    const world = zoneOf(
      { name: `app1.${ZONE}`, ttl: 60, type: "A", address: "10.0.0.1" },
      { name: `app1.${ZONE}`, ttl: 30, type: "AAAA", address: "fd00::1" },
    );
    const { owner, addresses, ttl, alias } = factsOf(world).hosts.get("app1") ?? {};
    expect({ owner, addresses, ttl, alias }).toEqual({
      owner: { kind: "none" },
      addresses: ["10.0.0.1", "fd00::1"],
      ttl: 60,
      alias: null,
    });
  });

  test("of the zone: its serial, and for how long it is remembered that something is not there", () => {
    expect(factsOf(zoneOf(txt("a", "b")))).toMatchObject({ serial: 2, negativeTtl: 5, ttl: 3600 });
  });

  test("of a CNAME is what it stands for, and not the records at its end", () => {
    const world = zoneOf(
      { name: `_shop._tcp.${ZONE}`, ttl: 9, type: "CNAME", target: `other.${ZONE}` },
      srv("other", `app1.${ZONE}`),
      { name: `_drover.app1.${ZONE}`, ttl: 9, type: "CNAME", target: `other.${ZONE}` },
    );
    const facts = factsOf(world);
    expect(facts.apps.get("shop")).toMatchObject({
      sets: new Map(),
      aliases: new Map([["_shop._tcp", `other.${ZONE}`]]),
    });
    expect(facts.hosts.get("app1")?.owner).toEqual({ kind: "foreign", owner: null, seen: [] });
  });

  test("names the sets of another fleet too", () => {
    const world = zoneOf(srv("_admin._tcp.shop", `app1.${ZONE}`));
    world.dns.put(
      ZONE,
      txt("_drover._shop._tcp", "heritage=drover", "owner=other", "rev=1", "epoch=1", "run=x", "set=_admin._tcp.shop"),
    );
    expect([...(factsOf(world).apps.get("shop")?.sets.keys() ?? [])]).toEqual(["_admin._tcp.shop"]);
  });
});

describe("a server that does not speak for the zone is unknown, never empty", () => {
  const empty = { authoritative: true, recursive: false, answers: [], authority: [] };
  const soaAlone = { ...empty, rcode: "NOERROR" } as const;

  test.for([
    ["refuses", "REFUSED", "dns-refused", "dns2 does not answer for the zone svc.test: it answers REFUSED"],
    ["is in trouble", "SERVFAIL", "dns-answer", "it answers SERVFAIL to svc.test SOA"],
    ["does not know it", "NOTAUTH", "dns-answer", "it answers NOTAUTH"],
  ] as const)("it %s", ([, rcode, code, says]) => {
    const world = zoneOf();
    world.dns.server(DNS2).instead = rcode;
    expect(readFrom(world, DNS2)).toEqual({
      kind: "unknown",
      why: expect.objectContaining({ code, message: expect.stringContaining(says) }),
    });
  });

  test.for([
    [
      "it answers one question from a cache",
      (reply: DnsReply): DnsReply => ({ ...reply, authoritative: false }),
      "(no AA flag)",
    ],
    ["it has no SOA", (reply: DnsReply): DnsReply => ({ ...reply, answers: [] }), "it has no SOA record of it"],
  ] as const)("%s", ([, reword, says]) => {
    const world = zoneOf();
    world.dns.reword = (_server, { type }, reply) => (type === "SOA" ? reword(reply) : reply);
    expect(readFrom(world)).toMatchObject({ kind: "unknown", why: { message: expect.stringContaining(says) } });
  });

  test("it does not answer, or not to everything", () => {
    const questions = questionsOf(ZONE_REF, NAMES);
    const why = failure("dns-unreachable", "gone");
    expect(readZone(ZONE_REF, DNS1, [{ questions, queried: { kind: "failed", failure: why } }])).toEqual({
      kind: "unknown",
      why,
    });
    const short = readZone(ZONE_REF, DNS1, [{ questions, queried: { kind: "answered", replies: [soaAlone] } }]);
    expect(short).toMatchObject({ kind: "unknown", why: { message: expect.stringContaining("not every question") } });
    expect(furtherQuestions(ZONE_REF, [{ questions, queried: { kind: "failed", failure: why } }])).toEqual([]);
  });
});
