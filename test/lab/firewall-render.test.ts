// What is rendered, given to the real iptables, ip6tables and ipset in a network namespace of this machine.
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { driftWords } from "../../src/firewall/drift.ts";
import { type FirewallPrinted, terminalAhead } from "../../src/firewall/normalize.ts";
import { toPrefixes } from "../../src/firewall/prefixes.ts";
import { renderFirewall } from "../../src/firewall/render.ts";
import type { FirewallMatch, FirewallModel, FirewallRule } from "../../src/model/firewall.ts";
import { CASES, hosts, incoming, model, tcp } from "../golden/firewall/cases.ts";

const NAMESPACE = `drover-render-${String(process.pid)}`;

function why(): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["ip", "iptables", "ip6tables", "ipset"].filter(
    (name) => spawnSync(name, ["-V"]).error !== undefined,
  );
  return missing.length === 0 ? null : `not installed here: ${missing.join(", ")}`;
}

const skipped = why();
if (skipped !== null) console.log(`not asked: the real iptables (${skipped})`);

function run(argv: readonly string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", NAMESPACE, ...argv], {
    encoding: "utf8",
    input,
  });
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return stdout;
}

function loadModel(wanted: FirewallModel, generation = 3): void {
  const texts = renderFirewall(wanted, generation);
  run(["ipset", "restore"], texts.sets);
  run(["iptables-restore", "--noflush", "-w", "10"], texts.v4);
  run(["ip6tables-restore", "--noflush", "-w", "10"], texts.v6);
}

function printed(): FirewallPrinted {
  return { v4: run(["iptables", "-S"]), v6: run(["ip6tables", "-S"]), sets: run(["ipset", "save"]) };
}

function rulesIn(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.startsWith("-A DRV-"));
}

/** The kernel prints chains sorted, we give them in the order in which they are read. */
function expectAsRendered(wanted: FirewallModel): void {
  const texts = renderFirewall(wanted, 3);
  const live = printed();
  for (const family of ["v4", "v6"] as const) {
    for (const chain of ["DRV-INPUT", "DRV-OUTPUT", "DRV-I-g3", "DRV-O-g3"]) {
      const of = (text: string): readonly string[] => rulesIn(text).filter((line) => line.startsWith(`-A ${chain} `));
      expect(of(live[family])).toEqual(of(texts[family]));
    }
  }
}

function emptied(): void {
  for (const program of ["iptables", "ip6tables"]) {
    run([program, "-F"]);
    run([program, "-X"]);
    run([program, "-N", "DRV-SEVER-I"]);
    run([program, "-N", "DRV-SEVER-O"]);
    for (const [from, to] of [
      ["INPUT", "DRV-INPUT"],
      ["OUTPUT", "DRV-OUTPUT"],
    ] as const) {
      run([program, "-N", to]);
      run([program, "-A", from, "-j", to]);
    }
  }
  run(["ipset", "destroy"]);
}

const anyV4 = fc.tuple(fc.bigInt(0n, (1n << 32n) - 1n), fc.integer({ min: 1, max: 32 })).map(([at, length]) => {
  const host = (1n << BigInt(32 - length)) - 1n;
  return { v4: [{ from: at & ~host, to: at | host }], v6: [] };
});
const anyV6 = fc.tuple(fc.bigInt(0n, (1n << 128n) - 1n), fc.integer({ min: 1, max: 128 })).map(([at, length]) => {
  const host = (1n << BigInt(128 - length)) - 1n;
  return { v4: [], v6: [{ from: at & ~host, to: at | host }] };
});
const anyPeers = fc.oneof(
  fc.constant("anyone" as const),
  fc
    .uniqueArray(
      fc.oneof(anyV4, anyV6).map((addresses) => toPrefixes(addresses).join()),
      { minLength: 1, maxLength: 24 },
    )
    .map((prefixes): readonly string[] => prefixes),
);
const anyPorts = fc
  .uniqueArray(fc.integer({ min: 0, max: 65_535 }), { minLength: 2, maxLength: 60 })
  .map((numbers) => numbers.toSorted((a, b) => a - b))
  .map((numbers) =>
    numbers.flatMap((from, index) => {
      const to = numbers[index + 1];
      return index % 2 === 0 && to !== undefined ? [{ from, to: from % 3 === 0 ? from : to }] : [];
    }),
  );
const anyMatch: fc.Arbitrary<FirewallMatch> = fc.oneof(
  fc.record({ protocol: fc.constantFrom("tcp" as const, "udp" as const), ports: fc.option(anyPorts) }),
  fc.record({ protocol: fc.constantFrom("any" as const, "vrrp" as const) }),
);
const anyModel: fc.Arbitrary<FirewallModel> = fc
  .record({
    rules: fc.array(
      fc.record({
        direction: fc.constantFrom("in" as const, "out" as const),
        peers: anyPeers,
        match: anyMatch,
        source: fc.constantFrom("a:0", "app/shop/talksTo:1", "fleet/vrrp/edge:0"),
        apps: fc.constant([]),
        sever: fc.boolean(),
      }),
      { maxLength: 30 },
    ),
    egress: fc.boolean(),
    log: fc.boolean(),
  })
  .map(({ rules, egress, log }) => {
    const own = rules.filter((rule: FirewallRule) => egress || rule.direction === "in");
    return { rules: own, egress, log };
  });

describe.skipIf(skipped !== null)("the real iptables", () => {
  beforeAll(() => {
    expect(spawnSync("ip", ["netns", "add", NAMESPACE]).status).toBe(0);
  });
  afterAll(() => {
    spawnSync("ip", ["netns", "del", NAMESPACE]);
  });
  beforeEach(emptied);

  test.for(Object.keys(CASES))("%s is taken, and printed as it was given", (name) => {
    const wanted = CASES[name] ?? model();
    loadModel(wanted);
    expectAsRendered(wanted);
    const loaded = printed();
    loadModel(wanted);
    expect(driftWords(loaded, printed())).toEqual([]);
  });

  test("whatever can be rendered is printed as it was given", () => {
    for (const wanted of fc.sample(anyModel, { seed: 4, numRuns: 25 })) {
      emptied();
      loadModel(wanted);
      expectAsRendered(wanted);
    }
    expect.assertions(25 * 8);
  });

  test("a set that was changed by hand is put right while rules use it", () => {
    const wanted = model(incoming("db:0", hosts(9), tcp(5432)));
    loadModel(wanted);
    const loaded = printed();
    const [name = ""] = /drv4\.[0-9a-f]{12}/.exec(loaded.sets) ?? [];
    run(["ipset", "add", name, "10.66.0.0/16"]);
    run(["ipset", "del", name, "10.0.9.1"]);
    expect(driftWords(loaded, printed())).toEqual([
      `the set ${name} of db:0 has lost 10.0.9.1`,
      `the set ${name} of db:0 was given 10.66.0.0/16 by hand`,
    ]);
    loadModel(wanted, 4);
    loadModel(wanted, 3);
    expect(driftWords(loaded, printed())).toEqual([]);
  });

  test.for<[string, readonly string[][], readonly string[]]>([
    ["a deleted rule", [["-D", "DRV-I-g3", "8"]], ["INPUT: the rule of c:0 was deleted: -s 10.3.0.0/16 -j ACCEPT"]],
    [
      "an added rule",
      [["-I", "DRV-I-g3", "1", "-s", "10.9.9.9", "-j", "ACCEPT"]],
      ["INPUT: a rule was added by hand: -A DRV-I-g3 -s 10.9.9.9/32 -j ACCEPT"],
    ],
    [
      "an edited rule",
      [["-R", "DRV-I-g3", "6", "-s", "10.0.0.0/7", "-p", "tcp", "--dport", "80", "-j", "ACCEPT"]],
      ["INPUT: the rule of a:0 was edited: it is now -A DRV-I-g3 -s 10.0.0.0/7 -p tcp -m tcp --dport 80 -j ACCEPT"],
    ],
    [
      "a moved rule",
      [
        ["-D", "DRV-I-g3", "-j", "DROP"],
        ["-I", "DRV-I-g3", "1", "-j", "DROP"],
      ],
      ["INPUT: the rule -j DROP was moved"],
    ],
    ["an emptied chain", [["-F", "DRV-I-g3"]], ["INPUT: the chain DRV-I-g3 was emptied"]],
    ["a jump that is gone", [["-D", "INPUT", "-j", "DRV-INPUT"]], ["INPUT: the jump to DRV-INPUT is missing"]],
    ["a jump twice", [["-A", "INPUT", "-j", "DRV-INPUT"]], ["INPUT: the jump to DRV-INPUT is there 2 times"]],
    [
      "another generation",
      [
        ["-N", "DRV-I-g9"],
        ["-R", "DRV-INPUT", "2", "-j", "DRV-I-g9"],
      ],
      ["INPUT: the rule -j DRV-I-g3 was edited: it is now -A DRV-INPUT -j DRV-I-g9"],
    ],
    [
      "a rule left in the chain that cuts",
      [["-A", "DRV-SEVER-I", "-j", "ACCEPT"]],
      ["INPUT: a rule was added by hand: -A DRV-SEVER-I -j ACCEPT"],
    ],
  ])("%s is found and named", ([, commands, words]) => {
    loadModel(CASES["minimal"] ?? model());
    const loaded = printed();
    for (const command of commands) run(["iptables", ...command]);
    expect(driftWords(loaded, printed())).toEqual(words);
    for (const command of commands) {
      if (command[0] !== "-N") run(["ip6tables", ...command.map((word) => word.replace(/^10\..*/, "fd00::9"))]);
      else run(["ip6tables", ...command]);
    }
    const both = driftWords(loaded, printed());
    expect(both.filter((line) => line.startsWith("INPUT:"))).toEqual(words);
    expect(both.filter((line) => line.startsWith("INPUT of IPv6:"))).toHaveLength(1);
  });

  test("rules of others ahead of ours are named when they decide themselves", () => {
    loadModel(model());
    run(["iptables", "-N", "f2b-sshd"]);
    for (const rule of [
      ["-p", "tcp", "--dport", "9999", "-j", "ACCEPT"],
      ["-p", "tcp", "--dport", "22", "-j", "f2b-sshd"],
      ["-i", "lo", "-j", "ACCEPT"],
    ]) {
      run(["iptables", "-I", "INPUT", ...rule]);
    }
    run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8888", "-j", "ACCEPT"]);
    run(["iptables", "-I", "OUTPUT", "-d", "10.0.0.1", "-j", "REJECT"]);
    expect(terminalAhead(run(["iptables", "-S"]))).toEqual([
      "-A INPUT -p tcp -m tcp --dport 9999 -j ACCEPT",
      "-A OUTPUT -d 10.0.0.1/32 -j REJECT --reject-with icmp-port-unreachable",
    ]);
  });
});
