import { describe, expect, test } from "vitest";
import { canonicalAddress, canonicalVip, isInNetwork } from "../../../src/inventory/addresses.ts";
import { describe as describeValue, quote } from "../../../src/inventory/describe.ts";
import { formatDuration, parseDuration } from "../../../src/inventory/durations.ts";
import { formatPath } from "../../../src/inventory/places.ts";
import { suggest } from "../../../src/inventory/suggest.ts";
import { fillIn } from "../../../src/inventory/template.ts";

test.for([
  ["500ms", 500],
  ["0s", 0],
  ["30s", 30_000],
  ["5m", 300_000],
  ["24h", 86_400_000],
  ["25h", null],
  ["1441m", null],
  ["99999999999999999999h", null],
  ["", null],
  ["5", null],
  ["05s", null],
  ["1.5s", null],
  ["-1s", null],
  ["5 s", null],
  ["5S", null],
  ["5s\n", null],
  ["5d", null],
] as const)("the duration %j is %j milliseconds", ([text, milliseconds]) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.for([
  ["10.0.0.1", "10.0.0.1"],
  ["FD00:0:0::1", "fd00::1"],
  ["fd00::1", "fd00::1"],
  ["::ffff:10.0.0.1", null],
  ["::ffff:a00:1", null],
  ["::fffe:a00:1", "::fffe:a00:1"],
  ["0.0.0.0", null],
  ["::", null],
  ["10.0.0.1/24", null],
  ["10.0.0", null],
  ["010.0.0.1", null],
  ["fe80::1%eth0", null],
  ["[fd00::1]", null],
  ["host", null],
  ["", null],
] as const)("the address %j is %j", ([text, canonical]) => {
  expect(canonicalAddress(text)).toBe(canonical);
});

test.for([0, 1, 999, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000])("%j ms is written and read back", (time) => {
  expect(parseDuration(formatDuration(time))).toBe(time);
});

test("a duration is written in its largest whole unit", () => {
  expect([0, 500, 90_000, 300_000, 3_600_000].map(formatDuration)).toEqual(["0s", "500ms", "90s", "5m", "1h"]);
});

test.for([
  ["192.168.56.10/24", "192.168.56.10", 24],
  ["10.0.0.0/31", "10.0.0.0", 31],
  ["10.0.0.0/32", "10.0.0.0", 32],
  ["FD00::0:9/64", "fd00::9", 64],
  ["fd00::/128", "fd00::", 128],
  ["fd00::ffff:ffff:ffff:ffff/64", "fd00::ffff:ffff:ffff:ffff", 64],
] as const)("%j is a host in its network", ([text, address, prefix]) => {
  expect(canonicalVip(text)).toEqual({ address, prefix });
});

test.for([
  "10.0.0.1",
  "10.0.0.0/24",
  "10.0.0.255/24",
  "10.0.0.1/33",
  "10.0.0.1/0",
  "10.0.0.1/024",
  "10.0.0.1/24/24",
  "fd00::/64",
  "fd00::1/129",
  "fe80::1%eth0/64",
  "host/24",
  "/24",
])("%j is no host in its network", (text) => {
  expect(canonicalVip(text)).toBeNull();
});

test.for([
  ["10.0.0.9", "10.0.0.200", 24, true],
  ["10.0.0.9", "10.0.1.9", 24, false],
  ["10.0.0.9", "10.0.1.9", 23, true],
  ["10.255.255.255", "11.0.0.0", 8, false],
  ["fd00::9", "fd00::ffff:0:0:1", 64, true],
  ["fd00::9", "fd00:0:0:1::9", 64, false],
  ["fd00::9", "fd00:0:0:1::9", 63, true],
  ["::a00:9", "10.0.0.9", 96, false],
] as const)("%s is in the network of %s/%d: %j", ([address, of, prefix, isIn]) => {
  expect(isInNetwork(address, { address: of, prefix })).toBe(isIn);
});

describe("templates", () => {
  const values = { release: "1.4.2", port: 8080 };

  test("fill release and port in, with or without spaces", () => {
    expect(fillIn("a-{{release}}/{{ port }}{{port}}", values)).toEqual({ kind: "ok", text: "a-1.4.2/80808080" });
    expect(fillIn("no names } {", values)).toEqual({ kind: "ok", text: "no names } {" });
  });

  test.for([
    ["x{{host}}", 1, 'expected {{release}} or {{port}}, got "{{host}}"'],
    ["x{{toString}}", 1, 'expected {{release}} or {{port}}, got "{{toString}}"'],
    ["{{port}} {{port", 9, 'expected "}}" after "{{"'],
  ] as const)("refuse %s", ([text, at, message]) => {
    expect(fillIn(text, values)).toEqual({ kind: "error", at, message });
  });

  test("refuse a port the app does not have", () => {
    const filled = fillIn("{{port}}", { release: "1", port: null });
    expect(filled).toEqual({ kind: "error", at: 0, message: "expected no {{port}}: this app has no port" });
  });
});

test("a quoted text cannot move a cursor or hide anything, and is not endless", () => {
  expect(quote("a\u001b[2J\u0085\u202eb\n")).toBe(String.raw`"a\u001b[2J\u0085\u202eb\n"`);
  expect(quote("x".repeat(1000))).toHaveLength(63);
});

test("what was found is described as it stands in the file", () => {
  expect([undefined, null, "a", 1, true, [], [1], {}].map((value) => describeValue(value, null))).toEqual([
    "nothing",
    "nothing",
    '"a"',
    "1",
    "true",
    "an empty list",
    "a list",
    "a map",
  ]);
  expect(describeValue(1.1, "1.10")).toBe("1.10");
  expect(describeValue(null, "~")).toBe("~");
  expect(describeValue(null, "")).toBe("nothing");
});

test.for([
  ["helth", "health"],
  ["Port", "port"],
  ["prot", "port"],
  ["rollouts", "rollout"],
  ["vip", null],
  ["zzz", null],
  ["", null],
] as const)("for %j we suggest %j", ([word, meant]) => {
  expect(suggest(word, ["health", "port", "rollout", "env"])).toBe(meant);
});

test("paths read as a person would write them", () => {
  expect(formatPath(["routes", 0, "lb"])).toBe("routes[0].lb");
  expect(formatPath(["hosts", "app1.example", "tags", "team/owner"])).toBe('hosts."app1.example".tags.team/owner');
  expect(formatPath([])).toBe("");
});
