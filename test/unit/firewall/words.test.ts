import { describe, expect, test } from "vitest";
import { changesInWords, namingOf } from "../../../src/firewall/words.ts";
import type { FirewallModel } from "../../../src/model/firewall.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const naming = namingOf(
  new Map([
    ["lb1", ["10.0.0.1", "10.0.0.100", "fd00::1"]],
    ["lb2", ["10.0.0.2", "10.0.0.100"]],
    ["app1", ["10.0.0.4"]],
    ["app2", ["10.0.0.5"]],
  ]),
);

function words(host: string, before: FirewallModel | null, after: FirewallModel | null): readonly string[] {
  return changesInWords(host, before, after, naming);
}

const EDGE = ["10.0.0.1/32", "10.0.0.2/32", "10.0.0.100/32"];
const nothing = modelWith([]);
const shop = modelWith([ruleFor("app/shop/routes:0", EDGE, { match: match("tcp", 8080) })]);

describe("what changes, in words", () => {
  test("who is let in, at what, and for which rule; the VIP is no third balancer", () => {
    expect(words("app2", nothing, shop)).toEqual(["app2 lets lb1, lb2 in at tcp 8080 (app/shop/routes:0)"]);
  });

  test("who is not let in any more", () => {
    expect(words("app1", shop, nothing)).toEqual(["app1 no longer lets lb1, lb2 in at tcp 8080"]);
  });

  test("nothing where the same passes for another reason", () => {
    const renamed = modelWith([ruleFor("edge:0", EDGE, { match: match("tcp", 8080) })]);
    expect(words("app1", shop, renamed)).toEqual([]);
    expect(words("app1", null, null)).toEqual([]);
  });

  test("a host that comes under rules: what is left of everything", () => {
    const model = modelWith([
      ...shop.rules,
      ruleFor("fleet/dns:0", ["10.0.0.4/31"], { direction: "out", match: match("udp", 53) }),
    ]);
    expect(words("db1", null, model)).toEqual([
      "db1 no longer lets anyone in",
      "db1 still lets lb1, lb2 in at tcp 8080 (app/shop/routes:0)",
      "db1 may no longer open connections to anyone",
      "db1 may still open connections to app1, app2 at udp 53 (fleet/dns:0)",
    ]);
    expect(words("db1", model, shop)).toEqual(["db1 may open connections to anyone"]);
    expect(words("db1", shop, null)).toEqual(["db1 lets anyone in"]);
  });

  test("strangers as prefixes, what one rule gives the same peers together, and long lists counted", () => {
    const many = Array.from({ length: 20 }, (_, index) => `10.7.${String(index)}.0/30`);
    const model = modelWith([
      ruleFor("a:0", ["192.0.2.0/24", "198.51.100.7/32"], { match: match("tcp", 80) }),
      ruleFor("a:0", ["192.0.2.0/24", "198.51.100.7/32"], { match: match("udp") }),
      ruleFor("b:0", many, { match: { protocol: "vrrp" } }),
      ruleFor("c:0", ["fd00::1/128"], { match: { protocol: "tcp", ports: [{ from: 8000, to: 8010 }] } }),
    ]);
    expect(words("app1", nothing, model)).toEqual([
      "app1 lets 192.0.2.0/24, 198.51.100.7 in at tcp 80 and at any udp port (a:0)",
      "app1 lets 10.7.0.0/30, 10.7.1.0/30, 10.7.2.0/30, 10.7.3.0/30, 10.7.4.0/30, 10.7.5.0/30 and 14 more in with VRRP (b:0)",
      "app1 lets lb1 in at tcp 8000-8010 (c:0)",
    ]);
  });

  test("only the difference, and almost anyone by who is left out", () => {
    const wide = modelWith([ruleFor("web:0", "anyone")]);
    const narrow = modelWith([ruleFor("web:0", ["10.0.0.4/32"])]);
    expect(words("lb1", wide, narrow)).toEqual(["lb1 no longer lets anyone but app1 in at tcp 80"]);
    expect(words("lb1", narrow, wide)).toEqual(["lb1 lets anyone but app1 in at tcp 80 (web:0)"]);
  });

  test("what two rules open is said once, for the first", () => {
    const model = modelWith([ruleFor("a:0", ["10.0.0.4/31"]), ruleFor("b:0", ["10.0.0.5/32", "10.0.0.9/32"])]);
    expect(words("lb1", nothing, model)).toEqual([
      "lb1 lets app1, app2 in at tcp 80 (a:0)",
      "lb1 lets 10.0.0.9 in at tcp 80 (b:0)",
    ]);
  });
});
