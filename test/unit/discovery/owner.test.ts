import { describe, expect, test } from "vitest";
import type { DnsRecord } from "../../../src/model/dns.ts";
import { printOwner, readOwner } from "../../../src/discovery/owner.ts";

const NAME = "_drover._shop._tcp.svc.test";
const RECORD = { owner: "acme", revision: 3, epoch: 7, run: "20261122-1", sets: ["_metrics._tcp.shop", "_shop._tcp"] };

function txt(...texts: readonly string[]): DnsRecord {
  return { name: NAME, ttl: 15, type: "TXT", texts };
}

const WHOLE = ["heritage=drover", "owner=acme", "rev=3", "epoch=7", "run=r"] as const;

describe("an owner record", () => {
  test("reads as it was written", () => {
    const printed = printOwner(NAME, 15, RECORD);
    expect(readOwner([printed], "acme", "shop")).toEqual({ kind: "ours", record: RECORD, seen: [printed] });
  });

  test("of a later version, with texts of which nothing is known, is still ours", () => {
    expect(readOwner([txt(...WHOLE, "colour=blue")], "acme", "shop")).toMatchObject({ kind: "ours" });
  });

  test("is not there", () => {
    expect(readOwner([], "acme", "shop")).toEqual({ kind: "none" });
  });

  test.for([
    ["of another fleet", [txt("heritage=drover", "owner=other", "rev=1", "epoch=1", "run=x")], "other"],
    ["of something else", [txt("v=spf1 -all")], null],
    ["that names drover and nobody", [txt("heritage=drover", "rev=1")], null],
    ["that names two fleets", [txt(...WHOLE, "owner=other")], null],
    ["without a number", [txt("heritage=drover", "owner=acme", "epoch=1", "run=x")], "acme"],
    ["with a number that is none", [txt("heritage=drover", "owner=acme", "rev=1e9", "epoch=1", "run=x")], "acme"],
    ["with two numbers", [txt(...WHOLE, "rev=4")], "acme"],
    ["with another app's set", [txt(...WHOLE, "set=_other._tcp")], "acme"],
    ["with a set that is none", [txt(...WHOLE, "set=_a.b")], "acme"],
    ["beside another record", [txt(...WHOLE), txt("more")], null],
  ] as const)("%s is another's", ([, records, owner]) => {
    expect(readOwner(records, "acme", "shop")).toEqual({ kind: "foreign", owner, seen: records });
  });

  test("of a host has no sets", () => {
    expect(readOwner([txt(...WHOLE)], "acme", null)).toMatchObject({ kind: "ours", record: { sets: [] } });
    expect(readOwner([txt(...WHOLE, "set=_shop._tcp")], "acme", null)).toMatchObject({ kind: "foreign" });
  });
});
