import { describe, expect, test } from "vitest";
import { EXIT, type Command } from "../../../src/model/command.ts";
import { sha256 } from "../../../src/model/hash.ts";
import type { Outcome } from "../../../src/model/operation.ts";
import type { ResolverAction } from "../../../src/model/resolver.ts";
import { ASK_EXIT } from "../../../src/resolver/ask.ts";
import type { ResolverFacts } from "../../../src/resolver/facts.ts";
import { operateResolver } from "../../../src/resolver/operations.ts";
import { RESOLVER_EXIT } from "../../../src/resolver/script.ts";
import { installResolver, removeResolver } from "../../../src/resolver/steps.ts";
import { fileFacts, MODEL, PLAIN, plainFacts, printFacts, resolvedFacts } from "./models.ts";

interface End {
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** Carries an action out on a host with these facts, whose scripts end as told, one after the other. */
function drive(
  action: ResolverAction,
  facts: ResolverFacts,
  ...ends: readonly End[]
): { outcome: Outcome; changes: readonly Command[] } {
  const changes: Command[] = [];
  const operation = operateResolver(action);
  let next = operation.next();
  while (next.done !== true) {
    const ask = next.value;
    if (ask.kind !== "exec") throw new Error(`asked for ${ask.kind}`);
    const end = ask.command.mutates ? (ends[changes.length] ?? {}) : { stdout: printFacts(facts) };
    if (ask.command.mutates) changes.push(ask.command);
    next = operation.next({ kind: "exec", elapsed: 0, code: 0, stdout: "", stderr: "", ...end });
  }
  return { outcome: next.value, changes };
}

const install: ResolverAction = { kind: "resolver.install", host: "app1", model: MODEL };
const restore = (model: typeof MODEL | null): ResolverAction => ({ kind: "resolver.restore", host: "app1", model });
const argsOf = (action: ResolverAction, facts: ResolverFacts): readonly string[] | undefined =>
  drive(action, facts).changes[0]?.args;

describe("resolver.install", () => {
  test("says what it replaces, with whose mode, and what has to be proven", () => {
    const kept = plainFacts({ resolvConf: { kind: "file", text: PLAIN, sha256: "ab", mode: "0664", owner: "0:4" } });
    expect(argsOf(install, kept)).toEqual(["file", "ab", "0664", "0:4", "proven", "yes", MODEL.zone, ...MODEL.servers]);
    const args = argsOf(install, resolvedFacts(MODEL, { dropIn: null }));
    expect(args?.slice(0, 6)).toEqual(["resolved", "-", "0644", "0:0", "proven", "no"]);
  });

  test("carries the text and the manifest, which knows the original also when drover's own file is replaced", () => {
    const { changes } = drive(install, fileFacts({ ...MODEL, servers: ["192.168.56.31"] }));
    const [text, manifest] = (changes[0]?.frames ?? []).map((frame) => (frame.kind === "text" ? frame.text : ""));
    expect(text).toContain("nameserver 192.168.56.32\nnameserver 192.0.2.1\n");
    expect(JSON.parse(manifest ?? "")).toEqual({
      model: MODEL,
      way: "file",
      sha256: sha256(text ?? ""),
      original: { sha256: sha256(PLAIN), mode: "0644", owner: "0:0" },
    });
  });

  test("looks again where something else wrote the file meanwhile, three times at most", () => {
    const moved = { code: RESOLVER_EXIT.moved, stderr: "/etc/resolv.conf was changed meanwhile\n" };
    expect(drive(install, plainFacts(), moved, moved, { stdout: "done\n" })).toMatchObject({
      outcome: { kind: "done", note: "done" },
    });
    const { outcome, changes } = drive(install, plainFacts(), moved, moved, moved, moved);
    expect(changes).toHaveLength(3);
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "resolver" } });
  });

  test("changes nothing on a host that must be left alone", () => {
    const { outcome, changes } = drive(install, plainFacts({ resolvConf: { kind: "symlink", target: "/run/x" } }));
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: "resolver", hint: expect.stringContaining("dns: {resolver: false}") },
    });
    expect(changes).toEqual([]);
  });

  test.for([
    [ASK_EXIT.silent, "dns-unreachable"],
    [ASK_EXIT.wrong, "dns-answer"],
    [RESOLVER_EXIT.putBack, "resolver"],
    [RESOLVER_EXIT.stuck, "resolver"],
    [RESOLVER_EXIT.fixed, "resolver"],
    [RESOLVER_EXIT.lost, "resolver"],
    [EXIT.diskFull, "disk-full"],
    [99, "command-failed"],
  ] as const)("exit code %i is %s", ([code, is]) => {
    const { outcome } = drive(install, plainFacts(), { code, stderr: "what it says\nand why\n" });
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: is, message: expect.stringContaining("app1") } });
    expect(outcome.kind === "failed" ? outcome.failure.detail : []).toContain("and why");
  });
});

describe("resolver.restore", () => {
  test("of what drover did before asks nobody: it is put there whatever the servers do", () => {
    expect(argsOf(restore(MODEL), plainFacts())?.slice(4, 6)).toEqual(["trusted", "yes"]);
  });

  test("of what was before drover", () => {
    const ours = fileFacts();
    const sum = ours.resolvConf.kind === "file" ? ours.resolvConf.sha256 : "";
    expect(argsOf(restore(null), ours)).toEqual(["back", sum, sha256(PLAIN), "0644", "0:0"]);
    const { manifest } = ours;
    const alone = { ...ours, original: null, manifest: manifest === null ? null : { ...manifest, original: null } };
    expect(argsOf(restore(null), alone)).toEqual(["gone", sum, "-", "-", "-"]);
  });

  test("leaves what somebody else has put there since", () => {
    for (const facts of [plainFacts(), resolvedFacts(), fileFacts(MODEL, { resolvConf: { kind: "missing" } })]) {
      expect(argsOf(restore(null), facts)?.[0]).toBe("leave");
    }
  });

  test("does not guess what was there before", () => {
    const { outcome, changes } = drive(restore(null), fileFacts(MODEL, { manifest: null, original: null }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "resolver" } });
    expect(changes).toEqual([]);
  });
});

test("every step knows its way back", () => {
  const [[draft] = []] = installResolver("expand", { host: "app1", model: MODEL, previous: null });
  expect(draft).toMatchObject({
    host: "app1",
    action: { kind: "resolver.install" },
    undo: { stages: [[{ action: { kind: "resolver.restore", model: null } }]] },
  });
  const [[removal] = []] = removeResolver("contract", { host: "app1", previous: MODEL });
  expect(removal).toMatchObject({
    action: { kind: "resolver.restore", model: null },
    undo: { stages: [[{ action: { kind: "resolver.restore", model: MODEL } }]] },
  });
});

test("an answer that makes no sense is a failure, and nothing was changed", () => {
  const operation = operateResolver(install);
  operation.next();
  const end = operation.next({ kind: "exec", elapsed: 0, code: 0, stdout: "text 61\n", stderr: "" });
  expect(end.value).toMatchObject({ kind: "failed", failure: { code: "unknown-state" } });
});
