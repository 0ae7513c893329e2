import { describe, expect, test } from "vitest";
import { firewallHash, renderFirewall } from "../../../src/firewall/render.ts";
import { ruleComment, safePorts, safePrefix } from "../../../src/firewall/syntax.ts";
import type { FirewallModel } from "../../../src/model/firewall.ts";
import { hosts, incoming, model, outgoing, tcp, udp } from "../../golden/firewall/cases.ts";

const DB = incoming("orders-db:0", hosts(9), tcp(5432, [8000, 8010]));
const SYSLOG = incoming("syslog:0", ["10.0.0.1/32", "fd00::1/128"], udp(5140));

function accepted(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.includes("--comment"));
}

test("the order of rules, peers and ports changes no byte", () => {
  const turned: FirewallModel = model(SYSLOG, {
    ...DB,
    peers: hosts(9).toReversed(),
    match: tcp([8000, 8010], 5432),
  });
  expect(renderFirewall(turned, 3)).toEqual(renderFirewall(model(DB, SYSLOG), 3));
});

describe("the hash", () => {
  test("is the same whoever a rule is for, and whatever the generation", () => {
    const labelled = model({ ...DB, apps: ["orders"], sever: true }, SYSLOG);
    expect(firewallHash(labelled)).toBe(firewallHash(model(DB, SYSLOG)));
  });

  test.for<[string, FirewallModel]>([
    ["another peer", model({ ...DB, peers: hosts(10) }, SYSLOG)],
    ["another port", model(DB, { ...SYSLOG, match: udp(5141) })],
    ["another source", model(DB, { ...SYSLOG, source: "syslog:1" })],
    ["no log", { ...model(DB, SYSLOG), log: false }],
    ["egress that is isolated", { ...model(DB, SYSLOG), egress: true }],
  ])("is another one with %s", ([, other]) => {
    expect(firewallHash(other)).not.toBe(firewallHash(model(DB, SYSLOG)));
  });
});

test("sets are called by their members, whatever else changes", () => {
  const names = (wanted: FirewallModel): readonly string[] =>
    [...renderFirewall(wanted, 3).sets.matchAll(/^create (\S+\.[0-9a-f]{12}) /gm)].map(([, name = ""]) => name);
  expect(names(model(DB))).toHaveLength(2);
  expect(names(model({ ...DB, source: "other:0", match: tcp(80) }))).toEqual(names(model(DB)));
  expect(names(model({ ...DB, peers: hosts(10) }))).not.toEqual(names(model(DB)));
});

test("a set that only a needless rule uses is not made", () => {
  const wide = incoming("office:0", ["10.0.0.0/8", "fd00::/16"], tcp([1, 65_535]));
  expect(renderFirewall(model(DB, wide), 3).sets).toBe("");
});

test("no peer is nobody, no port is none", () => {
  const texts = renderFirewall(model(incoming("a:0", [], tcp(80)), incoming("a:1", "anyone", tcp())), 3);
  expect([...accepted(texts.v4), ...accepted(texts.v6)]).toEqual([]);
});

test("what goes out is left alone on a host that is not isolated", () => {
  expect(renderFirewall(model(), 3).v4).not.toContain("-A DRV-O-g3");
  expect(() => renderFirewall(model(outgoing("a:0", "anyone", tcp(80))), 3)).toThrow("lets everything go out");
});

describe("nothing becomes syntax", () => {
  test.for([
    "",
    "10.0.0.1",
    "10.0.0.1/8",
    "010.0.0.0/8",
    "10.0.0.0/08",
    "10.0.0.0/33",
    "10.0.0.0/8 -j ACCEPT",
    "10.0.0.0/8\n-A INPUT -j ACCEPT",
    "FD00::/64",
    "fd00:0::/64",
    "fd00::1/64",
    "::ffff:10.0.0.1/128",
    "fe80::1%eth0/128",
    "db.example.com",
    "!10.0.0.0/8",
  ])("the peer %j", (peer) => {
    expect(() => safePrefix(peer)).toThrow("is no canonical prefix");
    expect(() => renderFirewall(model(incoming("a:0", [peer], tcp(80))), 3)).toThrow("is no canonical prefix");
  });

  test.for(["", "a", "a:", "a:b", "a:01", ":0", 'a" -j DROP "b:0', "a b:0", "a\n:0", "a//b:0", "/a:0", "ä:0"])(
    "the source %j",
    (source) => {
      expect(() => ruleComment("0123456789ab", source)).toThrow("is no source of a rule");
      expect(() => renderFirewall(model(incoming(source, "anyone", tcp(80))), 3)).toThrow("is no source of a rule");
    },
  );

  test.for([
    [-1, 1],
    [1, 65_536],
    [2, 1],
    [1.5, 2],
    [Number.NaN, 1],
  ] as const)("the ports %j", ([from, to]) => {
    expect(() => safePorts({ from, to })).toThrow("is no range of ports");
    expect(() => renderFirewall(model(incoming("a:0", "anyone", tcp([from, to]))), 3)).toThrow("is no range of ports");
  });

  test.for([0, -1, 1.5, Number.NaN, Infinity])("the generation %d", (generation) => {
    expect(() => renderFirewall(model(), generation)).toThrow("is no generation");
  });

  test("a comment that iptables would cut", () => {
    expect(ruleComment("0123456789ab", `${"a".repeat(236)}:0`)).toHaveLength(255);
    expect(() => ruleComment("0123456789ab", `${"a".repeat(237)}:0`)).toThrow("longer than the 255");
  });
});
