import fc from "fast-check";
import { expect, test } from "vitest";
import { allowanceOf, sameAllowance } from "../../../src/firewall/regions.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import type { FirewallMatch, FirewallModel, FirewallRule, PortRange } from "../../../src/model/firewall.ts";

// What is rendered, read by other code than wrote it, lets pass exactly what the model says.

const PREFIXES = ["10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/24", "10.1.0.1/32", "10.2.0.0/16", "192.168.0.0/16"];
const SINGLE = Array.from({ length: 14 }, (_, index) => `10.1.0.${String(2 * index + 1)}/32`);
const PREFIXES_6 = ["fd00::/16", "fd00:1::/64", "fd00:1::1/128", "2001:db8::/32"];
const SINGLE_6 = Array.from({ length: 12 }, (_, index) => `fd00:1::${(2 * index + 1).toString(16)}/128`);

const anyPeers: fc.Arbitrary<FirewallRule["peers"]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("anyone" as const) },
  { weight: 1, arbitrary: fc.constantFrom(["0.0.0.0/0"], ["::/0"]) },
  { weight: 4, arbitrary: fc.uniqueArray(fc.constantFrom(...PREFIXES, ...PREFIXES_6), { minLength: 1, maxLength: 3 }) },
  { weight: 4, arbitrary: fc.subarray([...SINGLE, ...SINGLE_6], { minLength: 1 }) },
);
const anyPorts: fc.Arbitrary<readonly PortRange[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 24 })
  .map((numbers) =>
    numbers.toSorted((a, b) => a - b).map((port) => ({ from: port * 10, to: port * 10 + (port % 2) * 5 })),
  );
const anyMatch: fc.Arbitrary<FirewallMatch> = fc.oneof(
  fc.record({ protocol: fc.constantFrom("tcp" as const, "udp" as const), ports: fc.option(anyPorts) }),
  fc
    .record({ protocol: fc.constantFrom("tcp" as const, "any" as const, "vrrp" as const) })
    .map(({ protocol }) => (protocol === "tcp" ? { protocol, ports: [{ from: 80, to: 80 }] } : { protocol })),
);
const anyModel: fc.Arbitrary<FirewallModel> = fc
  .array(
    fc.record({
      direction: fc.constantFrom("in" as const, "out" as const),
      peers: anyPeers,
      match: anyMatch,
      source: fc.constantFrom("a:0", "a:1", "b:0", "app/shop/talksTo:1"),
      apps: fc.constant([]),
      sever: fc.constant(false),
    }),
    { maxLength: 14 },
  )
  .map((rules) => ({ rules, egress: true, log: true }));

function readMatch(line: string): FirewallMatch {
  const [, protocol] = /-p (\S+)/.exec(line) ?? [];
  if (protocol === "vrrp") return { protocol };
  if (protocol !== "tcp" && protocol !== "udp") return { protocol: "any" };
  const [, ports] = /--dports? (\S+)/.exec(line) ?? [];
  if (ports === undefined) return { protocol, ports: null };
  return {
    protocol,
    ports: ports.split(",").map((each) => {
      const [from, to = from] = each.split(":").map(Number);
      return { from: from ?? 0, to: to ?? 0 };
    }),
  };
}

/** Rules of one family as a model of that family alone. */
function readBack(text: string, sets: string, everybody: string): readonly FirewallRule[] {
  return text.split("\n").flatMap((line) => {
    if (!line.includes("--comment")) return [];
    const direction = line.startsWith("-A DRV-I-") ? "in" : "out";
    const [, address] = /-[sd] (\S+)/.exec(line) ?? [];
    const [, set] = /--match-set (\S+)/.exec(line) ?? [];
    const members = [...sets.matchAll(new RegExp(`^add ${String(set)}\\.new (\\S+)`, "gm"))].map(([, one = ""]) => one);
    const peers = set === undefined ? [address ?? everybody] : members;
    return [{ direction, peers, match: readMatch(line), source: "", apps: [], sever: false }];
  });
}

test("what is rendered lets pass what the model says, no more and no less", () => {
  fc.assert(
    fc.property(anyModel, (model) => {
      const { sets, v4, v6 } = renderFirewall(model, 3);
      const back = [...readBack(v4, sets, "0.0.0.0/0"), ...readBack(v6, sets, "::/0")];
      for (const direction of ["in", "out"] as const) {
        expect(sameAllowance(allowanceOf(back, direction), allowanceOf(model.rules, direction))).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

test("no line is needless beside another single one", () => {
  fc.assert(
    fc.property(anyModel, (model) => {
      const { sets, v4, v6 } = renderFirewall(model, 3);
      for (const [text, everybody] of [
        [v4, "0.0.0.0/0"],
        [v6, "::/0"],
      ] as const) {
        const lines = readBack(text, sets, everybody);
        for (const line of lines) {
          for (const other of lines) {
            if (line === other || line.direction !== other.direction) continue;
            const both = allowanceOf([line, other], line.direction);
            expect(sameAllowance(both, allowanceOf([other], line.direction))).toBe(false);
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});
