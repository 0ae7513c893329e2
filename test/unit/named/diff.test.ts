import { expect, test } from "vitest";
import type { NamedModel } from "../../../src/model/named.ts";
import { diffNamed } from "../../../src/named/diff.ts";
import type { NamedFacts } from "../../../src/named/facts.ts";
import { configOf, factsWith, PRIMARY, SECONDARY } from "./models.ts";

test.for([PRIMARY, SECONDARY])("what was installed and runs is the same: $role", (model) => {
  expect(diffNamed(model, configOf(model), factsWith(model))).toEqual({ kind: "same" });
});

test.for<readonly [string, Partial<NamedFacts>]>([
  ["named.conf is missing", { sha256: null }],
  ["named.conf was not written by drover", { sha256: "1", manifest: null }],
  ["named.conf was changed by hand", { sha256: "1" }],
  ["the manifest does not match named.conf", { manifest: null }],
  ["the key's file is missing", { key: "missing" }],
  ["the key's file is not the one that was installed", { key: "changed" }],
  ["BIND is not running", { active: false }],
  ["BIND is not started at boot", { enabled: false }],
  ["an earlier change of BIND was cut off", { interrupted: true }],
])("%s", ([says, changes]) => {
  expect(diffNamed(PRIMARY, configOf(PRIMARY), factsWith(PRIMARY, changes))).toEqual({
    kind: "install",
    reasons: [says],
    creates: false,
    inherits: false,
  });
});

test.for<readonly [string, NamedModel]>([
  ["another secondary", { ...PRIMARY, peers: [...PRIMARY.peers, "192.168.56.33"] }],
  ["another client", { ...PRIMARY, clients: ["10.0.0.0/8"] }],
  ["forwarders", { ...PRIMARY, forwarders: ["9.9.9.9"] }],
  ["a key of another name", { ...PRIMARY, key: { ...PRIMARY.key, name: "other" } }],
  ["another secret behind the key's name", { ...PRIMARY, key: { ...PRIMARY.key, fingerprint: "b2".repeat(32) } }],
  ["another algorithm", { ...PRIMARY, key: { ...PRIMARY.key, algorithm: "hmac-sha512" } }],
])("%s makes another named.conf", ([, model]) => {
  expect(diffNamed(model, configOf(model), factsWith(PRIMARY))).toEqual({
    kind: "install",
    reasons: ["named.conf is older than the files"],
    creates: false,
    inherits: false,
  });
});

test("what only a new zone would have is no difference: the zone is there, and changes by updates", () => {
  const model: NamedModel = { ...PRIMARY, initial: { negativeTtl: 1, addressTtl: 1, owner: "x", servers: [] } };
  expect(diffNamed(model, configOf(model), factsWith(PRIMARY))).toEqual({ kind: "same" });
});

test("a zone without a file has to be created, on a primary alone", () => {
  const reasons = ["the zone svc.lab.internal has no file there yet"];
  expect(diffNamed(PRIMARY, configOf(PRIMARY), factsWith(PRIMARY, { zones: ["x.test"] }))).toEqual({
    kind: "install",
    reasons,
    creates: true,
    inherits: false,
  });
});

test("a secondary becomes the primary with the copy it has", () => {
  expect(diffNamed(PRIMARY, configOf(PRIMARY), factsWith(SECONDARY))).toEqual({
    kind: "install",
    reasons: [
      "named.conf is older than the files",
      "it becomes the primary of svc.lab.internal, with the copy it has as a secondary",
    ],
    creates: true,
    inherits: true,
  });
});

test("a secondary that was the primary still has to let go of the zone's file", () => {
  const facts = factsWith(SECONDARY, { zones: ["svc.lab.internal"] });
  expect(diffNamed(SECONDARY, configOf(SECONDARY), facts)).toMatchObject({ kind: "install", creates: false });
});

test("a host that drover has not touched yet is not told off for having no key", () => {
  const facts = factsWith(PRIMARY, { sha256: "1", manifest: null, key: "missing", zones: [] });
  expect(diffNamed(PRIMARY, configOf(PRIMARY), facts)).toMatchObject({
    reasons: ["named.conf was not written by drover", "the zone svc.lab.internal has no file there yet"],
  });
});
