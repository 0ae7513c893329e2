import { describe, expect, test } from "vitest";
import { renderDropIn, renderResolvConf } from "../../../src/resolver/render.ts";
import { MODEL, PLAIN } from "./models.ts";

const lines = (original: string, servers = MODEL.servers): readonly string[] =>
  renderResolvConf({ ...MODEL, servers }, original)
    .split("\n")
    .slice(1, -1);

test("systemd-resolved is told of the zone alone", () => {
  expect(renderDropIn(MODEL).split("\n").slice(1)).toEqual([
    "[Resolve]",
    "DNS=192.168.56.31 192.168.56.32",
    "Domains=~svc.lab.internal",
    "",
  ]);
});

describe("resolv.conf", () => {
  test("has the fleet's servers first, then its own; search and options are kept", () => {
    expect(lines(PLAIN)).toEqual([
      "search example.test",
      "nameserver 192.168.56.31",
      "nameserver 192.168.56.32",
      "nameserver 192.0.2.1",
      "options edns0 timeout:1 attempts:2",
    ]);
  });

  test("names three servers at most, none twice", () => {
    const original = "nameserver 192.168.56.32\nnameserver\t192.0.2.1\nnameserver 192.0.2.2\n";
    const servers = (text: readonly string[]): readonly string[] =>
      text.filter((line) => line.startsWith("nameserver"));
    expect(servers(lines(original))).toEqual([
      "nameserver 192.168.56.31",
      "nameserver 192.168.56.32",
      "nameserver 192.0.2.1",
    ]);
    expect(servers(lines(original, ["fd00::1", "fd00::2", "fd00::3"]))).toHaveLength(3);
  });

  test("keeps comments and all other lines; several lines of options become one", () => {
    const original =
      "; mine\r\n# nameserver 192.0.2.9\ndomain a.test\nsortlist 10.0.0.0\noptions edns0\noptions ndots:2 edns0";
    expect(lines(original, ["192.0.2.5"])).toEqual([
      "; mine\r",
      "# nameserver 192.0.2.9",
      "domain a.test",
      "sortlist 10.0.0.0",
      "nameserver 192.0.2.5",
      "options edns0 ndots:2 timeout:1 attempts:2",
    ]);
  });

  test("of nothing is the fleet's alone", () => {
    expect(lines("", ["fd00::1"])).toEqual(["nameserver fd00::1", "options timeout:1 attempts:2"]);
  });
});

test.for([
  ["a zone with a line end", { ...MODEL, zone: "a.test\nnameserver 192.0.2.1" }],
  ["no zone", { ...MODEL, zone: "" }],
  ["an address with more behind it", { ...MODEL, servers: ["192.0.2.1 192.0.2.2"] }],
  ["a name for an address", { ...MODEL, servers: ["dns1"] }],
  ["no server", { ...MODEL, servers: [] }],
  ["four", { ...MODEL, servers: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] }],
] as const)("%s is never written", ([, model]) => {
  expect(() => renderDropIn(model)).toThrow("cannot be written");
  expect(() => renderResolvConf(model, "")).toThrow("cannot be written");
});
