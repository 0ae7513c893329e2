import { expect, test } from "vitest";
import type { Draft } from "../../../src/model/plan.ts";
import { awaitHolder, handOver, installVip, removeVip, takeBack, type DraftStages } from "../../../src/vip/steps.ts";
import { LB1, textOf } from "./models.ts";

const previous = { sha256: "a".repeat(64), model: LB1 };

function input(balancer: string, wire: boolean) {
  return { balancer, model: LB1, config: textOf(LB1), wire, previous };
}

function words({ action, host }: Draft): string {
  return `${action.kind} ${host ?? ""}`.trim();
}

function shape(stages: DraftStages): readonly (readonly string[])[] {
  return stages.map((stage) => stage.map(words));
}

/** What taking back all of these stages does, last stage first. */
function wayBack(stages: DraftStages): readonly (readonly string[])[] {
  return stages.toReversed().flatMap((stage) => {
    const undos = stage.flatMap(({ undo }) => (undo.kind === "stages" ? [undo.stages] : []));
    const longest = Math.max(0, ...undos.map((each) => each.length));
    return Array.from({ length: longest }, (_, at) => undos.flatMap((each) => (each[at] ?? []).map(words)));
  });
}

test("what is not on the wire changes on one balancer after the other", () => {
  const stages = installVip("isolate", [input("lb2", false), input("lb1", false)]);
  expect(shape(stages)).toEqual([["vip.install lb2"], ["vip.install lb1"]]);
  expect(wayBack(stages)).toEqual([["vip.restore lb1"], ["vip.restore lb2"]]);
});

test("a change on the wire goes around the holder, and back the same way", () => {
  const stages = installVip("isolate", [input("lb3", true), input("lb2", true), input("lb1", true)]);
  expect(shape(stages)).toEqual([
    ["vip.check lb3", "vip.check lb2", "vip.check lb1"],
    ["vip.yield lb3", "vip.yield lb2"],
    ["vip.install lb1"],
    ["vip.install lb3", "vip.install lb2"],
  ]);
  expect(wayBack(stages)).toEqual([
    ["vip.yield lb3", "vip.yield lb2"],
    ["vip.restore lb3", "vip.restore lb2"],
    ["vip.restore lb1"],
    ["vip.resume lb3", "vip.resume lb2"],
  ]);
});

test("a balancer that is new to its set need not stop first", () => {
  const fresh = { ...input("lb3", false), previous: { sha256: null, model: null } };
  expect(shape(installVip("isolate", [fresh, input("lb2", true), input("lb1", true)]))).toEqual([
    ["vip.check lb3", "vip.check lb2", "vip.check lb1"],
    ["vip.yield lb2"],
    ["vip.install lb1"],
    ["vip.install lb3", "vip.install lb2"],
  ]);
});

test("one alone has nobody to agree with", () => {
  expect(shape(installVip("isolate", [input("lb1", true)]))).toEqual([["vip.install lb1"]]);
  expect(installVip("isolate", [])).toEqual([]);
});

test("maintenance: handed over, awaited elsewhere; taken back, wherever it stays", () => {
  const over = handOver("isolate", "lb1", ["lb1", "lb2"], LB1.vips);
  expect(shape(over)).toEqual([["vip.yield lb1"], ["vip.await"]]);
  expect(over[1]?.[0]?.action).toMatchObject({ not: "lb1" });
  expect(wayBack(over)).toEqual([["vip.resume lb1"]]);
  const back = takeBack("isolate", "lb1", ["lb1", "lb2"], LB1.vips);
  expect(shape(back)).toEqual([["vip.resume lb1"], ["vip.await"]]);
  expect(wayBack(back)).toEqual([["vip.yield lb1"]]);
});

test("removing puts nothing there, and can be taken back", () => {
  const stages = removeVip("isolate", { balancer: "lb1", previous });
  expect(stages[0]?.[0]?.action).toEqual({ kind: "vip.restore", balancer: "lb1", sha256: null, model: null });
  expect(wayBack(stages)).toEqual([["vip.restore lb1"]]);
});

test("a step waits longer than what it does", () => {
  for (const { action, deadline } of awaitHolder("isolate", ["lb1"], LB1.vips, null).flat()) {
    expect(action.kind === "vip.await" ? action.deadline : Infinity).toBeLessThan(deadline);
  }
});
