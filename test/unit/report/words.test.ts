import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import type { Ending, RunEvent } from "../../../src/model/event.ts";
import { exitCode } from "../../../src/report/exit-code.ts";
import { fullPlanLines, planLines } from "../../../src/report/plan-text.ts";
import { jsonReporter } from "../../../src/report/run-json.ts";
import { textReporter } from "../../../src/report/run-text.ts";
import { table } from "../../../src/report/table.ts";
import { countsLine, endingLines, failureLines, printable, several, span } from "../../../src/report/words.ts";
import { examplePlan } from "../../support/plans.ts";

const broken = failure("unhealthy", "it answers 503", "look: drover status", ["HTTP/1.1 503"]);

describe("exit codes", () => {
  test.for<readonly [Ending, number]>([
    [{ kind: "done" }, 0],
    [{ kind: "failed", failure: broken }, 1],
    [{ kind: "open", unreachable: false, stranded: [] }, 3],
    [{ kind: "open", unreachable: true, stranded: ["app1"] }, 4],
    [{ kind: "reverted" }, 6],
    [{ kind: "interrupted", open: true, stranded: [] }, 130],
    [{ kind: "interrupted", open: false, stranded: [] }, 130],
  ])("%j is %s", ([ending, code]) => {
    expect(exitCode(ending)).toBe(code);
  });
});

describe("words", () => {
  test.for([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [59_949, "59.9 s"],
    [59_960, "1 m 00 s"],
    [60_000, "1 m 00 s"],
    [185_000, "3 m 05 s"],
    [119_700, "2 m 00 s"],
  ] as const)("%s ms are %s", ([ms, text]) => {
    expect(span(ms)).toBe(text);
  });

  test("count", () => {
    expect([several(0, "host"), several(1, "host"), several(2, "host")]).toEqual(["0 hosts", "1 host", "2 hosts"]);
    const counts = { updated: 1, unchanged: 2, failed: 3, unreachable: 4, notReached: 5 };
    expect(countsLine(counts)).toBe("1 updated, 2 unchanged, 3 failed, 4 unreachable, 5 not reached");
  });

  test("show what a host says without letting it at the terminal", () => {
    expect(printable("\u001b[2Jred\u0007\r\n\u009b31m\u202etxt")).toBe("\\x1b[2Jred\\x07\\x0d\\x0a\\x9b31m\\x202etxt");
    expect(printable("plain\tünïcode")).toBe("plain\tünïcode");
  });

  test("tell a failure whole: sentence, evidence, hint", () => {
    expect(failureLines(broken)).toEqual([
      "it answers 503 [unhealthy]",
      "    HTTP/1.1 503",
      "  hint: look: drover status",
    ]);
  });

  test.for<readonly [string | null, Ending, string]>([
    ["shop", { kind: "open", unreachable: false, stranded: ["app1"] }, "still drained: app1"],
    ["shop", { kind: "open", unreachable: false, stranded: [] }, "drover rollout abort shop"],
    ["shop", { kind: "interrupted", open: true, stranded: [] }, "interrupted, the rollout is left open"],
    ["shop", { kind: "interrupted", open: false, stranded: [] }, "no rollout is open"],
    ["shop", { kind: "reverted" }, "everything was put back"],
    [null, { kind: "open", unreachable: false, stranded: [] }, "drover apply"],
    ["shop", { kind: "failed", failure: broken }, "nothing that serves was touched"],
  ])("%s %j says: %s", ([app, ending, text]) => {
    expect(endingLines({ app }, ending).join("\n")).toContain(text);
  });

  test("line up a table and leave no space at the ends", () => {
    expect(
      table(
        ["host", "state"],
        [
          ["app1", "ready"],
          ["a-long-name", ""],
        ],
      ),
    ).toEqual(["host         state", "app1         ready", "a-long-name"]);
  });
});

describe("a plan in words", () => {
  test("says what, why and in which portions", () => {
    const plan = examplePlan({ batches: [["app1", "app2"], ["app3"]], broken: ["app1"], budget: { minAvailable: 2 } });
    expect(planLines(plan)).toEqual([
      "shop: 1.0 → 2.0",
      "  a test",
      "  3 hosts, 2 at a time, at least 2 stay ready: app1 (not ready now), app2, app3",
    ]);
  });

  test("lists every step with its place and its longest time", () => {
    const lines = fullPlanLines(examplePlan({ batches: [["app1"]], leaving: ["old1"] }));
    expect(lines).toContain("  batch 1 of 1");
    expect(lines).toContain("    lb1    lb.drain (at most 10.0 s)");
    expect(lines.at(-1)).toBe("    old1   release.remove (at most 10.0 s)");
  });

  test.for([
    [{ from: null }, "shop: first deployment of 2.0"],
    [{ to: null }, "shop: leaves the fleet"],
    [{ from: "2.0" }, "shop 2.0"],
    [{ app: null }, "balancers: configuration"],
  ] as const)("%j is called %s", ([over, title]) => {
    expect(planLines({ ...examplePlan(), ...over })[0]).toBe(title);
  });
});

describe("a run in lines", () => {
  const step = { step: "app1/00", host: "lb1", lane: "app1", says: "drain shop/app1 on lb1" };
  const events: readonly RunEvent[] = [
    { at: 1, kind: "run-started", rollout: "r1", plan: examplePlan(), back: false },
    { at: 2, kind: "step-started", ...step },
    { at: 3, kind: "step-done", ...step, note: "1 session closed", ms: 1234 },
    { at: 4, kind: "step-failed", ...step, failure: broken, ms: 10 },
    {
      at: 5,
      kind: "run-ended",
      rollout: "r1",
      app: "shop",
      ending: { kind: "open", unreachable: false, stranded: [] },
      counts: { updated: 0, unchanged: 0, failed: 1, unreachable: 0, notReached: 2 },
    },
  ];

  function tell(verbose: boolean): readonly string[] {
    const lines: string[] = [];
    const report = textReporter({ line: (text) => lines.push(text), paint: (_style, text) => text, verbose });
    for (const event of events) report(event);
    return lines;
  }

  test("is prefixed with the host, tells failures whole at the end, and counts last", () => {
    const lines = tell(false);
    expect(lines).toContain("app1   | drain shop/app1 on lb1: 1 session closed 1.2 s");
    expect(lines).toContain("app1   | drain shop/app1 on lb1: failed after 10 ms: it answers 503");
    expect(lines.slice(-7)).toEqual([
      "app1: drain shop/app1 on lb1",
      "  it answers 503 [unhealthy]",
      "      HTTP/1.1 503",
      "    hint: look: drover status",
      "shop: stopped, the rollout is left open",
      "  next: drover rollout abort shop   (puts everything back)",
      "0 updated, 0 unchanged, 1 failed, 0 unreachable, 2 not reached",
    ]);
  });

  test("says more when it is asked to", () => {
    expect(tell(true).length).toBe(tell(false).length + 1);
  });

  test("is one line of JSON per event for machines", () => {
    const lines: string[] = [];
    const report = jsonReporter((text) => lines.push(text));
    for (const event of events) report(event);
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(events);
  });
});
