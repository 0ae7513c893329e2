import { describe, expect, test } from "vitest";
import {
  ANYONE,
  covers,
  holds,
  intersect,
  isAnyone,
  isEmpty,
  minus,
  NOBODY,
  parseAddresses,
  parsePrefix,
  peersOf,
  toPrefixes,
  union,
} from "../../../src/firewall/prefixes.ts";

const after = (...prefixes: readonly string[]): readonly string[] => toPrefixes(parseAddresses(prefixes));

describe("prefixes as sets", () => {
  test("are aggregated, sorted by number, IPv4 first", () => {
    expect(after("fd00::/64", "10.0.0.9", "9.0.0.0/8", "10.0.0.8/32", "10.0.0.8/31")).toEqual([
      "9.0.0.0/8",
      "10.0.0.8/31",
      "fd00::/64",
    ]);
  });

  test("halves make up the whole, in both families", () => {
    expect(after("0.0.0.0/1", "128.0.0.0/1")).toEqual(["0.0.0.0/0"]);
    expect(peersOf(parseAddresses(["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]))).toBe("anyone");
    expect(isAnyone(parseAddresses(["0.0.0.0/0"]))).toBe(false);
  });

  test.for([
    ["2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128"],
    ["0:0:0:0:0:0:0:0", "::/128"],
    ["::1", "::1/128"],
    ["1::", "1::/128"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3/128"],
    ["::/0", "::/0"],
    ["fd00:1::5/32", "fd00:1::/32"],
    ["10.1.2.3/8", "10.0.0.0/8"],
  ])("%s is written %s", ([written = "", canonical]) => {
    expect(after(written)).toEqual([canonical]);
  });

  test.for([
    "",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7:8::",
    "a",
    "::/129",
  ])("%s is no prefix", (text) => {
    expect(parsePrefix(text)).toBeNull();
    expect(() => parseAddresses([text])).toThrow("is no prefix");
  });

  test("what is taken out of a prefix leaves the rest of it", () => {
    const rest = minus(parseAddresses(["10.1.0.0/16"]), parseAddresses(["10.1.9.0/24"]));
    expect(holds(rest, "10.1.8.255")).toBe(true);
    expect(holds(rest, "10.1.9.0")).toBe(false);
    expect(holds(rest, "10.1.10.0")).toBe(true);
    expect(toPrefixes(rest)).toHaveLength(8);
    expect(isEmpty(minus(rest, rest))).toBe(true);
  });

  test("nobody and anyone are the two ends", () => {
    const some = parseAddresses(["10.0.0.0/8", "fd00::/8"]);
    expect(union(some, NOBODY)).toEqual(some);
    expect(intersect(some, ANYONE)).toEqual(some);
    expect(covers(ANYONE, some)).toBe(true);
    expect(covers(some, ANYONE)).toBe(false);
    expect(minus(ANYONE, ANYONE)).toEqual(NOBODY);
  });

  test("ten thousand addresses are aggregated at once", () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `10.${String(at >> 8)}.${String(at & 255)}.0/24`);
    expect(after(...many).slice(0, 2)).toEqual(["10.0.0.0/11", "10.32.0.0/14"]);
  });
});
