import { expect, test } from "vitest";
import { ruleChanges, sourceOf } from "../../../src/firewall/rule-changes.ts";
import { driftWords } from "../../../src/firewall/drift.ts";
import { chainsOf, setsOf, terminalAhead } from "../../../src/firewall/normalize.ts";
import type { FirewallPrinted } from "../../../src/firewall/normalize.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import { hosts, incoming, model, tcp } from "../../golden/firewall/cases.ts";

const MODEL = model(
  incoming("fleet/ssh:0", ["192.168.56.1/32"], tcp(22)),
  incoming("orders-db:0", hosts(9), tcp(5432)),
  incoming("shop:0", ["10.0.0.1/32", "10.0.0.2/32"], tcp(80)),
);
const TEXTS = renderFirewall(MODEL, 3);

/** As iptables prints it: chains first, the rules of others among ours. */
function printedFrom(text: string): string {
  const rules = text.split("\n").filter((line) => line.startsWith("-A "));
  const chains = [...text.matchAll(/^:(\S+)/gm)].map(([, name = ""]) => `-N ${name}`);
  const jumps = ["-A INPUT -s 10.66.0.0/16 -j f2b-sshd", "-A INPUT -j DRV-INPUT", "-A OUTPUT -j DRV-OUTPUT"];
  return ["-P INPUT ACCEPT", "-N DRV-SEVER-I", "-N DRV-SEVER-O", "-N f2b-sshd", ...chains, ...jumps, ...rules].join(
    "\n",
  );
}

const MEMBERS = hosts(9).map((host) => host.replace(/\/(32|128)$/, ""));
const V4_SET = /drv4\.[0-9a-f]{12}/.exec(TEXTS.sets)?.[0] ?? "";
const V6_SET = /drv6\.[0-9a-f]{12}/.exec(TEXTS.sets)?.[0] ?? "";

function printedSets(members: readonly string[], order = members): string {
  const add = order
    .filter((one) => members.includes(one))
    .map((one) => `add ${one.includes(":") ? V6_SET : V4_SET} ${one}`);
  return [`create ${V4_SET} hash:net family inet hashsize 64`, `create ${V6_SET} hash:net family inet6`, ...add].join(
    "\n",
  );
}

const LOADED: FirewallPrinted = { v4: printedFrom(TEXTS.v4), v6: printedFrom(TEXTS.v6), sets: printedSets(MEMBERS) };

function drift(change: (v4: string) => string): readonly string[] {
  return driftWords(LOADED, { ...LOADED, v4: change(LOADED.v4) });
}

test("what is as it was loaded has not drifted, in whatever order sets are printed", () => {
  expect(driftWords(LOADED, LOADED)).toEqual([]);
  expect(driftWords(LOADED, { ...LOADED, sets: printedSets(MEMBERS, MEMBERS.toReversed()) })).toEqual([]);
});

test("chains and sets of others, and generations that no packet passes, are not looked at", () => {
  const others = ["-N DRV-I-g2", "-A DRV-I-g2 -j ACCEPT", "-A f2b-sshd -j DROP", "-A FORWARD -j ACCEPT"].join("\n");
  expect(drift((v4) => `${v4}\n${others}`)).toEqual([]);
  expect(driftWords(LOADED, { ...LOADED, sets: `${LOADED.sets}\ncreate bans hash:ip\nadd bans 10.0.0.1` })).toEqual([]);
});

test("a family that the host does not have, and chains that were not looked at, have not drifted", () => {
  const seen = (text: string): string => text.replaceAll(/^-N DRV-SEVER-.*\n/gm, "");
  const alone = { v4: seen(LOADED.v4), v6: "", sets: LOADED.sets };
  expect(driftWords(alone, alone)).toEqual([]);
  expect(driftWords(alone, { ...alone, v4: `${alone.v4}\n-A DRV-SEVER-I -j ACCEPT` })).toEqual([
    "INPUT: a rule was added by hand: -A DRV-SEVER-I -j ACCEPT",
  ]);
});

test.for<[string, (v4: string) => string, readonly string[]]>([
  [
    "a rule that is gone",
    (v4) => v4.replace(/^.* orders-db:0.*\n/m, ""),
    [
      `INPUT: the rule of orders-db:0 was deleted: -p tcp -m tcp --dport 5432 -m set --match-set ${V4_SET} src -j ACCEPT`,
    ],
  ],
  [
    "a rule that came",
    (v4) => `${v4}\n-A DRV-I-g3 -s 10.9.9.9/32 -j ACCEPT`,
    ["INPUT: a rule was added by hand: -A DRV-I-g3 -s 10.9.9.9/32 -j ACCEPT"],
  ],
  ["a rule twice", (v4) => `${v4}\n-A DRV-I-g3 -j DROP`, ["INPUT: a rule was added by hand: -A DRV-I-g3 -j DROP"]],
  [
    "a rule that says something else under its comment",
    (v4) => v4.replace("--dport 22", "--dport 23"),
    [
      "INPUT: the rule of fleet/ssh:0 was edited: it is now -A DRV-I-g3 -s 192.168.56.1/32 -p tcp -m tcp --dport 23 -j ACCEPT",
    ],
  ],
  [
    "a rule without a comment that was edited",
    (v4) => v4.replace("--ctstate INVALID -j DROP", "--ctstate INVALID -j ACCEPT"),
    [
      "INPUT: the rule -m conntrack --ctstate INVALID -j DROP was edited: it is now -A DRV-I-g3 -m conntrack --ctstate INVALID -j ACCEPT",
    ],
  ],
  [
    "a generation's chain that is gone",
    (v4) => v4.replaceAll(/^.*DRV-O-g3.*(\n|$)/gm, ""),
    ["OUTPUT: the rule -j DRV-O-g3 was deleted", "OUTPUT: the chain DRV-O-g3 is missing"],
  ],
  [
    "all that is drover's gone",
    (v4) => v4.replaceAll(/^.*DRV-.*(\n|$)/gm, ""),
    [
      "INPUT: the jump to DRV-INPUT is missing",
      ...["DRV-INPUT", "DRV-SEVER-I", "DRV-I-g3"].map((chain) => `INPUT: the chain ${chain} is missing`),
      "OUTPUT: the jump to DRV-OUTPUT is missing",
      ...["DRV-OUTPUT", "DRV-SEVER-O", "DRV-O-g3"].map((chain) => `OUTPUT: the chain ${chain} is missing`),
    ],
  ],
  [
    "a jump with a condition",
    (v4) => v4.replace("-A INPUT -j DRV-INPUT", "-A INPUT ! -s 10.0.0.0/8 -j DRV-INPUT"),
    ["INPUT: the jump to DRV-INPUT was edited: it is now -A INPUT ! -s 10.0.0.0/8 -j DRV-INPUT"],
  ],
])("%s is named", ([, change, words]) => {
  expect(drift(change)).toEqual(words);
});

test("a set that is gone, or has other members, is named with the rule that uses it", () => {
  const less = driftWords(LOADED, { ...LOADED, sets: printedSets([...MEMBERS.slice(1), "10.7.0.0/16"]) });
  expect(less).toEqual([
    `the set ${V4_SET} of orders-db:0 has lost 10.0.9.1`,
    `the set ${V4_SET} of orders-db:0 was given 10.7.0.0/16 by hand`,
  ]);
  const without = LOADED.sets.replaceAll(new RegExp(`^.*${V6_SET}.*$`, "gm"), "");
  expect(driftWords(LOADED, { ...LOADED, sets: without })).toEqual([`the set ${V6_SET} of orders-db:0 is missing`]);
});

test("two rules that changed places: one moved", () => {
  expect(ruleChanges(["a", "b", "c", "d"], ["a", "c", "b", "d"])).toHaveLength(1);
  expect(ruleChanges(["a", "b", "c", "d"], ["d", "a", "b", "c"])).toEqual([{ kind: "moved", rule: "d" }]);
  expect(ruleChanges(["a", "a", "b"], ["a", "b"])).toEqual([{ kind: "deleted", rule: "a" }]);
  expect(ruleChanges(["a", "b"], ["a", "x", "y"])).toEqual([
    { kind: "edited", from: "b", to: "x" },
    { kind: "added", rule: "y" },
  ]);
});

test("versions of iptables that print another word mean the same", () => {
  const rules = (text: string): unknown => chainsOf(text).get("X");
  expect(rules("-A X -p 112 -j ACCEPT")).toEqual(rules("-A X -p vrrp -j ACCEPT"));
  expect(rules("-A X -p icmpv6 -j ACCEPT")).toEqual(rules("-A X -p ipv6-icmp -j ACCEPT"));
  expect(rules("-A X -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")).toEqual(
    rules("-A X -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
  );
  expect(setsOf("create a hash:net\nadd a 10.0.0.1/32\nadd a fd00::1/128")).toEqual(
    setsOf("create a hash:net\nadd a fd00::1\nadd a 10.0.0.1"),
  );
});

test("a rule's source is what its comment says", () => {
  expect(sourceOf('-p tcp -m comment --comment "drv:0123456789ab app/shop/talksTo:0" -j ACCEPT')).toBe(
    "app/shop/talksTo:0",
  );
  expect(sourceOf('-p tcp -m comment --comment "docker" -j ACCEPT')).toBeNull();
});

test("rules of others count as ahead until ours is reached, all of them where it never is", () => {
  const other = "-A INPUT -p tcp -m tcp --dport 9999 -j ACCEPT";
  expect(terminalAhead(`${other}\n${LOADED.v4}`)).toEqual([other]);
  expect(terminalAhead(`${LOADED.v4}\n${other}`)).toEqual([]);
  expect(terminalAhead(`-A INPUT -j LOG\n${other}\n-A INPUT -i lo -j ACCEPT`)).toEqual([other]);
});
