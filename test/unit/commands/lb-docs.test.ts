// docs/lb-commands.md shows what the commands print: the same code prints its examples here.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { holdingOf } from "../../../src/plan/verify/holding.ts";
import type { HaproxyShow, OldWorker, SetShow } from "../../../src/report/lb-show.ts";
import { showLines, statesDiffer } from "../../../src/report/lb-show.ts";
import { blocks, codes, page, tableAfter } from "../../support/pages.ts";

const docs = page("docs/lb-commands.md");
const root = join(import.meta.dirname, "../../..");

test("lb show prints what its page shows, and it fits into 100 columns", () => {
  const old: OldWorker = { pid: 4312, age: 185_000, carries: { requests: 1, tunnels: 2 } };
  const haproxy = (oldWorkers: readonly OldWorker[]): HaproxyShow => ({
    version: "2.6.12-1+deb12u3",
    since: "2026-11-21T22:17:20.000Z",
    running: true,
    reloads: 1,
    failedReloads: 0,
    oldWorkers,
  });
  const numbers = { sessions: 12, total: 340_123, rate: 40, errors5xx: 0, connectionErrors: 1, queue: 0 };
  const server = (name: string, states: readonly string[]): SetShow["servers"][number] => ({
    app: "shop",
    server: name,
    differs: statesDiffer(states),
    balancers: states.map((state, index) => ({
      balancer: `lb${String(index + 1)}`,
      state,
      numbers: { check: "L7OK 200 in 2 ms", ...numbers },
    })),
  });
  const drained = [{ server: "shop/app2", reason: "new disk (ann@desk, 2026-11-21T18:20:01Z)" }];
  const holders = [
    { balancer: "lb1", holds: true },
    { balancer: "lb2", holds: false },
  ];
  const told = { config: "as drover wrote it", keepalived: "runs", drained: [] };
  const shown = showLines([
    {
      set: "edge",
      vips: [holdingOf({ address: "192.168.56.10", prefix: 24 }, holders)],
      balancers: [
        { balancer: "lb1", told: { ...told, haproxy: haproxy([old]), drained }, why: null },
        { balancer: "lb2", told: { ...told, haproxy: haproxy([]), config: "changed by hand" }, why: null },
      ],
      servers: [server("app1", ["UP", "UP"]), server("app2", ["DRAIN", "UP"])],
      follow: [],
    },
  ]);
  expect(`${shown.join("\n")}\n`).toBe(blocks(docs, "text")[0]);
  expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("lb verify's codes are all in its page's table, each once", () => {
  const source = readFileSync(join(root, "src/plan/verify/findings.ts"), "utf8");
  const union = /export type FindingCode =(.*?);/s.exec(source)?.[1] ?? "";
  const known = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code);
  expect(known.length).toBeGreaterThan(15);
  const told = tableAfter(docs, "## drover lb verify").map(([cell = ""]) => codes(cell)[0] ?? "");
  expect(told.toSorted()).toEqual(known.toSorted());
});
