import { describe, expect, test } from "vitest";
import { DroverError, failure } from "../../../src/model/errors.ts";
import type { Fact } from "../../../src/model/fact.ts";
import type { ExecResult, Transport } from "../../../src/model/ports.ts";
import { gather } from "../../../src/exec/gather.ts";
import { observeCommand, parseSections, readFact } from "../../../src/plan/observe.ts";

const fact: Fact<string> = {
  name: "greeting",
  text: "echo hello",
  parse: (stdout) => {
    if (stdout === "nonsense") throw new DroverError(failure("unknown-state", "it makes no sense"));
    return stdout.trim();
  },
};

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const limits = { deadline: 1000, signal: new AbortController().signal };

function answering(result: ExecResult): Transport {
  return {
    exec: () => Promise.resolve(result),
    open: () => Promise.reject(new Error("not asked for")),
    expect: () => undefined,
    execs: () => ({}),
    close: () => Promise.resolve(),
  };
}

const exited = (stdout: string, code = 0): ExecResult => ({ kind: "exited", code, stdout, stderr: "why" });

describe("asking a host for its facts", () => {
  test("reads each out of one answer, whatever is in it", async () => {
    const hostile = "ünïcode\u0000 and\nother 0 bGluZXM=\n";
    const answer = `greeting 0 ${base64(hostile)}\nempty 0 \n`;
    const observation = await gather("app1", [fact], answering(exited(answer)), limits);
    expect(observation).toEqual({
      kind: "answered",
      sections: { greeting: { code: 0, stdout: hostile }, empty: { code: 0, stdout: "" } },
    });
    expect(readFact(fact, "app1", observation)).toEqual({ kind: "known", value: hostile.trim() });
  });

  test.for<readonly [string, ExecResult]>([
    ["a host that is gone", { kind: "failed", failure: failure("host-lost", "gone") } as const],
    ["a host that fails", exited("", 1)],
    ["an answer that is cut off", exited("greeting")],
  ])("%s is silent, never empty", async ([, result]) => {
    const observation = await gather("app1", [fact], answering(result), limits);
    expect(observation.kind).toBe("silent");
    expect(readFact(fact, "app1", observation).kind).toBe("unknown");
  });

  test.for([
    ["was not asked", undefined],
    ["did not tell this one", {}],
    ["could not tell this one", { greeting: { code: 1, stdout: "" } }],
    ["told nonsense", { greeting: { code: 0, stdout: "nonsense" } }],
  ] as const)("a fact of a host that %s is unknown", ([, sections]) => {
    const observation = sections === undefined ? undefined : ({ kind: "answered", sections } as const);
    expect(readFact(fact, "app1", observation).kind).toBe("unknown");
  });

  test("is one command that only reads", () => {
    const command = observeCommand([fact, { ...fact, name: "other.one" }]);
    expect(command).toMatchObject({ mutates: false, frames: [], args: [] });
    expect(command.text).toContain("section other.one fact_other_one");
  });

  test("refuses a line that is no section", () => {
    expect(() => parseSections("greeting zero AAAA\n")).toThrow(/facts could not be read/);
  });
});
