import { expect, test } from "vitest";
import type { Draft } from "../../../src/model/plan.ts";
import type { NamedModel } from "../../../src/model/named.ts";
import { installNamed, previousOf, removeNamed, type NamedInput } from "../../../src/named/steps.ts";
import { configOf, factsWith, PRIMARY, SECONDARY, zoneOf } from "./models.ts";

function input(host: string, model: NamedModel): NamedInput {
  const zoneFile = model.role === "primary" ? zoneOf(model) : null;
  const previous = { sha256: "a".repeat(64), model };
  return { host, model, config: configOf(model), zoneFile, secret: "dns/drover", previous };
}

function words({ action, host }: Draft): string {
  return `${action.kind} ${host ?? ""}`;
}

function undoOf(draft: Draft | undefined): Draft | undefined {
  return draft?.undo.kind === "stages" ? draft.undo.stages[0]?.[0] : undefined;
}

test("one host after the other, the primary first", () => {
  const stages = installNamed("isolate", [input("dns3", SECONDARY), input("dns1", PRIMARY), input("dns2", SECONDARY)]);
  expect(stages.map((stage) => stage.map(words))).toEqual([
    ["named.install dns1"],
    ["named.install dns3"],
    ["named.install dns2"],
  ]);
  expect(installNamed("isolate", [])).toEqual([]);
});

test("a step carries all it installs, and puts back what was there", () => {
  const wanted = input("dns1", PRIMARY);
  const [[draft] = []] = installNamed("isolate", [wanted]);
  const { previous, ...rest } = wanted;
  expect(draft).toMatchObject({
    host: "dns1",
    kind: "act",
    says: "set up BIND on dns1 as primary of svc.lab.internal",
    action: { kind: "named.install", ...rest },
  });
  expect(draft?.action).not.toHaveProperty("previous");
  expect(undoOf(draft)).toMatchObject({
    action: { kind: "named.restore", host: "dns1", ...previous },
    undo: { kind: "none" },
  });
});

test("a host that goes comes back as it was", () => {
  const previous = { sha256: "a".repeat(64), model: PRIMARY };
  const [[draft] = []] = removeNamed("contract", { host: "dns1", previous });
  expect(draft?.action).toEqual({ kind: "named.remove", host: "dns1" });
  expect(undoOf(draft)?.action).toEqual({ kind: "named.restore", host: "dns1", ...previous });
});

test("what was there is named by the hash of the file, ours or not", () => {
  expect(previousOf(factsWith(PRIMARY))).toEqual({ sha256: factsWith(PRIMARY).sha256, model: PRIMARY });
  expect(previousOf(factsWith(PRIMARY, { sha256: "f".repeat(64), manifest: null }))).toEqual({
    sha256: "f".repeat(64),
    model: null,
  });
});
