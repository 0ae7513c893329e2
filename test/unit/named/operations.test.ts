import { expect, test } from "vitest";
import { EXIT } from "../../../src/model/command.ts";
import { INSTALL_EXIT } from "../../../src/model/installing.ts";
import type { NamedAction } from "../../../src/model/named.ts";
import type { Ask, Outcome } from "../../../src/model/operation.ts";
import { operateNamed } from "../../../src/named/operations.ts";
import { configOf, PRIMARY, SECONDARY, zoneOf } from "./models.ts";

function drive(
  action: NamedAction,
  ran: { code?: number; stdout?: string; stderr?: string },
): { asked: Ask[]; outcome: Outcome } {
  const asked: Ask[] = [];
  const operation = operateNamed(action);
  let next = operation.next();
  while (next.done !== true) {
    asked.push(next.value);
    next = operation.next({ kind: "exec", elapsed: 0, code: 0, stdout: "", stderr: "", ...ran });
  }
  return { asked, outcome: next.value };
}

const install: NamedAction = {
  kind: "named.install",
  host: "dns1",
  model: PRIMARY,
  config: configOf(PRIMARY),
  zoneFile: zoneOf(PRIMARY),
  secret: "dns/drover",
};

test("an installation is one exec; the secret is a frame by its reference, and nothing else knows of it", () => {
  const { asked, outcome } = drive(install, { stdout: "started\n" });
  expect(outcome).toEqual({ kind: "done", note: "started" });
  expect(asked).toMatchObject([
    {
      kind: "exec",
      host: "dns1",
      command: {
        name: "named.install",
        mutates: true,
        args: ["svc.lab.internal", "primary", "drover", "hmac-sha256", "zone"],
        frames: [{ kind: "secret", ref: "dns/drover" }, { kind: "text" }, { kind: "text" }, { kind: "text" }],
      },
    },
  ]);
});

test("a zone that is there is not sent", () => {
  const { asked } = drive({ ...install, model: SECONDARY, zoneFile: null }, {});
  expect(asked).toMatchObject([
    { command: { args: ["svc.lab.internal", "secondary", "drover", "hmac-sha256", "none"] } },
  ]);
  expect(asked[0]?.kind === "exec" ? asked[0].command.frames.length : 0).toBe(3);
});

test.for<readonly [NamedAction, string, readonly string[], number]>([
  [{ kind: "named.remove", host: "dns1" }, "named.remove", [], 0],
  [{ kind: "named.restore", host: "dns1", sha256: null, model: null }, "named.restore", ["-", "none", "-", "-"], 0],
  [{ kind: "named.restore", host: "dns1", sha256: "ab", model: null }, "named.restore", ["ab", "none", "-", "-"], 0],
  [
    { kind: "named.restore", host: "dns1", sha256: "ab", model: SECONDARY },
    "named.restore",
    ["ab", "manifest", "svc.lab.internal", "secondary"],
    1,
  ],
])("the way back: %j", ([action, name, args, frames]) => {
  const { asked } = drive(action, {});
  expect(asked).toMatchObject([{ command: { name, args, mutates: true } }]);
  expect(asked[0]?.kind === "exec" ? asked[0].command.frames.length : -1).toBe(frames);
});

test.for([
  [INSTALL_EXIT.missing, "package-missing", "BIND is not installed on dns1"],
  [INSTALL_EXIT.refused, "dns-server", "dns1: it says no"],
  [INSTALL_EXIT.putBack, "dns-server", "dns1: it says no"],
  [INSTALL_EXIT.stuck, "dns-server", "dns1: it says no"],
  [EXIT.diskFull, "disk-full", "the disk of dns1 is full"],
  [99, "command-failed", "BIND on dns1 could not be changed (exit code 99)"],
] as const)("exit code %i is %s", ([code, kind, says]) => {
  const { outcome } = drive(install, { code, stderr: "it says no\n\nand why\n" });
  expect(outcome).toMatchObject({ kind: "failed", failure: { code: kind, message: says } });
  const detail = outcome.kind === "failed" ? outcome.failure.detail : [];
  expect(detail.at(-1)).toBe(kind === "package-missing" ? undefined : "and why");
  expect(outcome.kind === "failed" ? outcome.failure.hint : "").not.toBe("");
});

test("a package that is missing is told with the command that brings it", () => {
  expect(drive(install, { code: INSTALL_EXIT.missing }).outcome).toMatchObject({
    failure: { hint: "install it there: apt-get install bind9" },
  });
});

test.for([
  { zone: "a.test; }" },
  { key: { ...PRIMARY.key, name: 'x" { }' } },
  { key: { ...PRIMARY.key, algorithm: "hmac-md5" } },
])("a value that may not reach BIND's files reaches no host either: %j", (changes) => {
  const { asked, outcome } = drive({ ...install, model: { ...PRIMARY, ...changes } }, {});
  expect(asked).toEqual([]);
  expect(outcome).toMatchObject({ kind: "failed", failure: { code: "files-invalid" } });
});
