import { describe, expect, test } from "vitest";
import { resolverFact } from "../../../src/resolver/facts.ts";
import { fileFacts, plainFacts, printed, printFacts, resolvedFacts } from "./models.ts";

const file = { text: "nameserver 192.0.2.1\n", sha256: "ab", mode: "0644", owner: "0:0" };
const others = (config: string, uplinks: string, more: Readonly<Record<string, string>> = {}): unknown =>
  resolverFact.parse(printed({ link: "/run/systemd/resolve/stub-resolv.conf", resolved: config, uplinks, ...more }))
    .resolved?.others;

test.for([
  ["a host of its own", plainFacts()],
  ["a plain file of drover's", fileFacts()],
  ["systemd-resolved with drover's drop-in", resolvedFacts()],
  ["another program's symlink", plainFacts({ resolvConf: { kind: "symlink", target: "/run/resolvconf/resolv.conf" } })],
  ["none at all", plainFacts({ resolvConf: { kind: "missing" } })],
] as const)("%s", ([, facts]) => {
  expect(resolverFact.parse(printFacts(facts))).toEqual(facts);
});

test("a cut-off change is seen", () => {
  expect(resolverFact.parse(printed({ ...file, pending: "yes" })).interrupted).toBe(true);
});

describe("servers that systemd-resolved asks whatever the link", () => {
  test("are those of its configuration; an empty assignment begins anew", () => {
    expect(others("#DNS=192.0.2.9\n[Resolve]\nDNS=192.0.2.1\n DNS = 192.0.2.2#a.test 192.0.2.3\n", "")).toEqual([
      "192.0.2.1",
      "192.0.2.2#a.test",
      "192.0.2.3",
    ]);
    expect(others("DNS=192.0.2.1\nDNS=\n", "")).toEqual([]);
  });

  test("are not those of drover's own drop-in", () => {
    const dropin = "# Written by drover\n[Resolve]\nDNS=192.0.2.5 fd00::1\n";
    expect(others(`${dropin}DNS=192.0.2.1\n`, "", { dropin, dropinsum: "ab" })).toEqual(["192.0.2.1"]);
  });

  test("are those it falls back to, where no link has one", () => {
    const config = "FallbackDNS=192.0.2.8 192.0.2.9\n";
    expect(others(config, "nameserver 192.0.2.8\n")).toEqual(["192.0.2.8", "192.0.2.9"]);
    expect(others(config, "nameserver 192.0.2.1\n")).toEqual([]);
  });
});

test.for([
  ["a cut-off answer", "text 61\n", "cut off"],
  ["a torn manifest", printed({ ...file, manifest: '{"mod' }), "does not hold what drover writes"],
  ["a manifest of somebody else", printed({ ...file, manifest: '{"model":{}}' }), "does not hold what drover writes"],
  ["a folder", printed({ mode: "0755", owner: "0:0" }), "neither a file nor a symlink"],
] as const)("%s makes it unknown", ([, stdout, says]) => {
  expect(() => resolverFact.parse(stdout)).toThrow(says);
});
