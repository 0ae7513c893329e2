import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { algorithmsFor, judge, knownName, linesFor, parseKnownHosts } from "../../../src/ssh/known-hosts.ts";

const key = (name: string): string => Buffer.from(`key ${name}`).toString("base64");
const shown = (name: string): Uint8Array => Buffer.from(`key ${name}`);
const about = (text: string, ...names: readonly string[]): ReturnType<typeof linesFor> =>
  linesFor(parseKnownHosts("known_hosts", text), names);

test("comments, blank lines and lines that make no sense are passed over; lines keep their numbers", () => {
  const text = `# a comment\n\n  app1 ssh-ed25519 ${key("a")} a comment\r\nonly-a-name\n@unknown app1 ssh-rsa x\n@revoked *\tssh-rsa\t${key("b")}\n`;
  expect(parseKnownHosts("f", text)).toEqual([
    { file: "f", line: 3, marker: "none", names: "app1", type: "ssh-ed25519", key: key("a") },
    { file: "f", line: 6, marker: "revoked", names: "*", type: "ssh-rsa", key: key("b") },
  ]);
});

test("a host is written plainly on port 22 and in brackets elsewhere", () => {
  expect(knownName("App1", 22)).toBe("app1");
  expect(knownName("fd00:56::21", 2222)).toBe("[fd00:56::21]:2222");
});

describe("names", () => {
  const hash = (name: string): string => {
    const salt = Buffer.from("twenty bytes of salt");
    return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
  };
  test.for([
    ["app1", "app1", true],
    ["app1", "app10", false],
    ["APP1", "app1", true],
    ["lb1,app1", "app1", true],
    ["app*", "app1", true],
    ["app?", "app1", true],
    ["app?", "app12", false],
    ["*,!app1", "app1", false],
    ["!app1", "app2", false],
    ["a.c", "abc", false],
    ["192.168.56.*", "192.168.56.21", true],
    ["[app1]:2222", "[app1]:2222", true],
    ["app1", "[app1]:2222", false],
    ["[ab]", "a", false],
    [hash("app1"), "app1", true],
    [hash("app1"), "app2", false],
    ["|2|x|y", "app1", false],
    ["|1|x", "app1", false],
  ] as const)("%s and %s: %s", ([names, name, matches]) => {
    expect(about(`${names} ssh-ed25519 ${key("a")}`, name).length > 0).toBe(matches);
  });
});

describe("verdicts", () => {
  test("a key that stands there is trusted, under any of the host's names", () => {
    const lines = about(`app1 ssh-ed25519 ${key("a")}\n10.0.0.1 ssh-ed25519 ${key("b")}`, "app1", "10.0.0.1");
    expect(judge(lines, shown("b"))).toMatchObject({ kind: "trusted", by: { line: 2 } });
  });
  test("another key than the known ones has changed, whatever its type", () => {
    expect(judge(about(`app1 ssh-rsa ${key("a")}`, "app1"), shown("b"))).toMatchObject({
      kind: "changed",
      known: [{ line: 1 }],
    });
  });
  test("a revoked key is revoked before it is trusted", () => {
    const lines = about(`app1 ssh-ed25519 ${key("a")}\n@revoked * ssh-ed25519 ${key("a")}`, "app1");
    expect(judge(lines, shown("a"))).toMatchObject({ kind: "revoked", by: { line: 2 } });
  });
  test("a revoked line about another key makes nothing known", () => {
    expect(judge(about(`@revoked * ssh-ed25519 ${key("a")}`, "app1"), shown("b"))).toEqual({
      kind: "unknown",
      authorities: [],
    });
  });
  test("an authority's line trusts nothing by itself", () => {
    const lines = about(`@cert-authority * ssh-ed25519 ${key("a")}`, "app1");
    expect(judge(lines, shown("a"))).toMatchObject({ kind: "unknown", authorities: [{ line: 1 }] });
  });
});

test("algorithms of known keys are offered first, RSA without SHA-1", () => {
  const first = (text: string): readonly string[] => algorithmsFor(about(text, "app1")).slice(0, 2);
  expect(first(`app1 ssh-rsa ${key("a")}`)).toEqual(["rsa-sha2-512", "rsa-sha2-256"]);
  expect(first(`app1 ecdsa-sha2-nistp256 ${key("a")}`)).toEqual(["ecdsa-sha2-nistp256", "ssh-ed25519"]);
  expect(first(`@revoked app1 ssh-rsa ${key("a")}`)[0]).toBe("ssh-ed25519");
  expect(new Set(algorithmsFor([])).size).toBe(algorithmsFor([]).length);
});
