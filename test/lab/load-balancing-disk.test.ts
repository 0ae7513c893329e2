// A balancer whose disk is full, on a lab of its own: the disk's size is fixed when the host first comes up.
import { afterAll, beforeAll, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { Bench } from "./support/scenarios/bench.ts";
import { raise } from "./support/scenarios/bench.ts";
import { fullDisk } from "./support/scenarios/refusals.ts";

const lab = makeLab("lb-disk");
let bench: Bench;

beforeAll(async () => {
  bench = await raise(lab, ["--disk", "64MiB", "lb2"]);
});

afterAll(() => lab.down());

test("a full disk on a balancer: nothing is half-applied, and it is done once there is room", async () => {
  await expect(fullDisk(bench, "lb2")).resolves.toBeUndefined();
});
