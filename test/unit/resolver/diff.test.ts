import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/model/hash.ts";
import type { ResolverModel } from "../../../src/model/resolver.ts";
import { diffResolver } from "../../../src/resolver/diff.ts";
import type { ResolverFacts } from "../../../src/resolver/facts.ts";
import { fileFacts, MODEL, PLAIN, plainFacts, resolvedFacts } from "./models.ts";

const file = (text: string): ResolverFacts["resolvConf"] => ({
  kind: "file",
  text,
  sha256: sha256(text),
  mode: "0644",
  owner: "0:0",
});
const OLDER: ResolverModel = { ...MODEL, servers: ["192.168.56.31"] };
const STUB = file("nameserver 127.0.0.53\noptions edns0\n");

test("what was installed is the same", () => {
  expect(diffResolver("app1", MODEL, fileFacts())).toEqual({ kind: "same" });
  expect(diffResolver("app1", MODEL, resolvedFacts())).toEqual({ kind: "same" });
  expect(diffResolver("app1", { ...MODEL, recursive: false }, resolvedFacts())).toMatchObject({ kind: "install" });
});

test.for<readonly [string, ResolverFacts]>([
  ["/etc/resolv.conf does not name the fleet's servers", plainFacts()],
  ["/etc/resolv.conf is missing", plainFacts({ resolvConf: { kind: "missing" } })],
  ["/etc/resolv.conf is older than the files", fileFacts(OLDER)],
  ["/etc/resolv.conf was changed by hand", fileFacts(MODEL, { resolvConf: file("# Written by drover: mine\n") })],
  ["/etc/resolv.conf was replaced by another program or by hand", fileFacts(MODEL, { resolvConf: file(PLAIN) })],
  ["the manifest does not match", { ...fileFacts(), manifest: { ...orThrow(fileFacts().manifest), model: OLDER } }],
  ["an earlier change was cut off", fileFacts(MODEL, { interrupted: true })],
  ["a drop-in of systemd-resolved is left over", fileFacts(MODEL, { dropIn: resolvedFacts().dropIn })],
  ["systemd-resolved is not told of the zone", resolvedFacts(MODEL, { dropIn: null })],
  ["systemd-resolved is not told of the zone", plainFacts({ resolvConf: STUB, resolved: { others: [] } })],
  ["systemd-resolved's drop-in is older than the files", resolvedFacts(OLDER)],
  [
    "systemd-resolved's drop-in was changed by hand",
    resolvedFacts(MODEL, { dropIn: { text: "# Written by drover: mine\n", sha256: "1" } }),
  ],
])("%s", ([says, facts]) => {
  expect(diffResolver("app1", MODEL, facts)).toEqual({ kind: "install", reasons: [says] });
});

function orThrow<T>(value: T | null): T {
  if (value === null) throw new Error("the test needs it");
  return value;
}

describe("left alone", () => {
  test.for<readonly [string, ResolverModel, ResolverFacts]>([
    ["is a symlink to /run/other", MODEL, plainFacts({ resolvConf: { kind: "symlink", target: "/run/other" } })],
    ["asks systemd-resolved, which does not run", MODEL, plainFacts({ resolvConf: { kind: "stub" } })],
    ["has servers of no link (192.0.2.1)", MODEL, resolvedFacts(MODEL, { resolved: { others: ["192.0.2.1"] } })],
    ["do not answer for other names", { ...MODEL, recursive: false }, plainFacts()],
    ["the file it replaced is gone", MODEL, fileFacts(MODEL, { original: null })],
    ["resolver.json is gone", MODEL, fileFacts(MODEL, { manifest: null, original: null })],
  ])("where resolv.conf or systemd-resolved %s", ([says, model, facts]) => {
    const diff = diffResolver("app1", model, facts);
    expect(diff).toMatchObject({
      kind: "refused",
      failure: { code: "resolver", message: expect.stringContaining(says), hint: expect.stringMatching(/./) },
    });
  });
});

test("not wanted any more, drover's own goes, and nothing else", () => {
  expect(diffResolver("app1", null, plainFacts())).toEqual({ kind: "same" });
  expect(diffResolver("app1", null, plainFacts({ resolvConf: { kind: "symlink", target: "/x" } }))).toEqual({
    kind: "same",
  });
  for (const facts of [
    fileFacts(),
    resolvedFacts(),
    plainFacts({ interrupted: true }),
    fileFacts(MODEL, { manifest: null }),
    resolvedFacts(MODEL, { manifest: null }),
  ]) {
    expect(diffResolver("app1", null, facts)).toMatchObject({ kind: "remove" });
  }
});
