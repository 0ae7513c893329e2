import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/model/hash.ts";
import { diffHost } from "../../../src/release/diff.ts";
import { releaseFact, type InstanceFacts, type ReleaseFacts } from "../../../src/release/facts.ts";
import { platformFact } from "../../../src/release/platform.ts";
import { desiredOn, exampleApp } from "../../support/release.ts";

const desired = desiredOn("app1", "192.0.2.1", exampleApp());

/** What the host says when all is as desired, as a real one printed it. */
function printed(change: (lines: string[]) => readonly string[] = (lines) => lines): string {
  const { release, unit, dropIn } = desired;
  const lines = [
    `manifest {"app":"shop","release":"${release}","unit":"${sha256(unit)}","dropIn":"${sha256(dropIn)}","port":8080}`,
    `unit ${sha256(unit)}`,
    `dropin ${sha256(dropIn)}`,
    `runs ${release}`,
    "boot",
    `staged ${release} 1795286814`,
    "staged 0.9-0123456789ab -",
    "state loaded active running no 193 0",
  ];
  return ["app shop", ...change(lines), "end", ""].join("\n");
}

const without =
  (word: string) =>
  (lines: string[]): string[] =>
    lines.filter((line) => !line.startsWith(word));
const instead =
  (word: string, line: string) =>
  (lines: string[]): string[] =>
    lines.map((each) => (each.startsWith(`${word} `) ? line : each));

function only(facts: ReleaseFacts): InstanceFacts {
  const [first] = facts.apps;
  if (first === undefined) throw new Error("no app");
  return first;
}

describe("the release fact", () => {
  test("tells all that matters of an app", () => {
    expect(only(releaseFact.parse(printed()))).toEqual({
      app: "shop",
      manifest: {
        app: "shop",
        release: desired.release,
        unit: sha256(desired.unit),
        dropIn: sha256(desired.dropIn),
        port: 8080,
      },
      release: desired.release,
      unit: sha256(desired.unit),
      dropIn: sha256(desired.dropIn),
      foreignDropIns: [],
      boot: true,
      switching: null,
      state: { active: "active", sub: "running", needsReload: false, mainPid: 193, restarts: 0 },
      staged: [
        { release: desired.release, healthy: 1795286814 },
        { release: "0.9-0123456789ab", healthy: null },
      ],
    });
  });

  test("lists units that drover has no record of", () => {
    expect(releaseFact.parse(printed(without("manifest"))).orphans).toEqual(["drover-shop.service"]);
    expect(releaseFact.parse(printed()).orphans).toEqual([]);
  });

  test.for([
    ["nothing", ""],
    ["a fact that was cut off", printed().replace("end\n", "")],
    ["an unknown word", printed(() => ["nonsense"])],
    ["a name that is no app's", "app ../x\nend\n"],
    ["a damaged manifest", printed(() => ['manifest {"app":"shop"'])],
    ["another app's manifest", printed((lines) => lines.map((line) => line.replace('"app":"shop"', '"app":"other"')))],
  ])("%s is unknown, not empty", ([, text]) => {
    expect(() => releaseFact.parse(text ?? "")).toThrow(/ended early|no sense|is damaged/);
  });
});

describe("the difference", () => {
  test.for<[string, (lines: string[]) => readonly string[], readonly string[]]>([
    [
      "another release",
      instead("runs", "runs 0.9-0123456789ab"),
      [`release 0.9-0123456789ab becomes ${desired.release}`],
    ],
    ["an edited unit", instead("unit", `unit ${"0".repeat(64)}`), ["the unit file differs"]],
    ["no unit", without("unit"), ["the unit file is missing"]],
    ["an edited drop-in", instead("dropin", `dropin ${"0".repeat(64)}`), ["the drop-in differs"]],
    ["a stopped app", instead("state", "state loaded inactive dead no 0 0"), ["it is not running"]],
    ["a crashing app", instead("state", "state loaded activating auto-restart no 0 7"), ["it is not running"]],
    ["no start at boot", without("boot"), ["it would not start at boot"]],
    ["half a switch", (lines) => [...lines, "switching x"], ["a change was left half done"]],
    ["a missing reload", instead("state", "state loaded active running yes 193 0"), ["a change was left half done"]],
  ])("%s is a change", ([, change, reasons]) => {
    expect(diffHost("app1", [desired], releaseFact.parse(printed(change)))).toMatchObject([
      { kind: "change", reasons },
    ]);
  });

  test("there is none where all is as the files say, whatever changes by itself or was added by an operator", () => {
    for (const change of [
      instead("state", "state loaded active running no 999 3"),
      (lines: string[]) => [...lines, "foreign override.conf"],
    ])
      expect(diffHost("app1", [desired], releaseFact.parse(printed(change)))).toMatchObject([{ kind: "same" }]);
  });

  test("an app that is not there is new, also where it is only staged", () => {
    expect(diffHost("app1", [desired], { apps: [], orphans: [] })).toMatchObject([{ kind: "new", facts: null }]);
    const staged = releaseFact.parse(printed((lines) => lines.filter((line) => line.startsWith("staged"))));
    expect(diffHost("app1", [desired], staged)).toMatchObject([{ kind: "new", facts: { app: "shop" } }]);
  });

  test("what drover put there and nobody wants any more leaves; what it has no record of stays", () => {
    expect(diffHost("app1", [], releaseFact.parse(printed()))).toMatchObject([
      { kind: "leave", app: "shop", host: "app1" },
    ]);
    expect(diffHost("app1", [], releaseFact.parse(printed(without("manifest"))))).toEqual([]);
  });
});

describe("the platform fact", () => {
  const text = "missing gzip\narchitecture x86_64\nfree overlay 263 1 2048 23% /\nsystemd systemd 252 (252.39)\nend\n";
  test("tells what is there, and which package brings what is missing", () => {
    expect(platformFact.parse(text)).toEqual({
      systemd: 252,
      architecture: "x86_64",
      freeBytes: 2048 * 1024,
      missing: [{ program: "gzip", package: "gzip" }],
    });
    expect(platformFact.parse(text.replace(/systemd.*\n/, "")).systemd).toBe(0);
  });
  test("is unknown when it was cut off", () => {
    expect(() => platformFact.parse(text.replace("end\n", ""))).toThrow(/no sense/);
  });
});
