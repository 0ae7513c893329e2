// What must not reach the balancers, what becomes of them, and the VIP: each scenario once, with its figures.
// test/prove/lb.test.ts runs the same with full counts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { Bench } from "./support/scenarios/bench.ts";
import { raise, tidy } from "./support/scenarios/bench.ts";
import { handThrough } from "./support/scenarios/connections.ts";
import { bindConflict, brokenConfig, fullDisk, handEdited, unreachableBalancer } from "./support/scenarios/refusals.ts";
import { atRuntime } from "./support/scenarios/runtime.ts";
import { addVip, firewallRegenerated, haproxyStopped, holderGone } from "./support/scenarios/vips.ts";

const lab = makeLab("load-balancing-edge");
let bench: Bench;

beforeAll(async () => {
  // Small enough to be filled at once; a disk's size is fixed when the host first comes up.
  bench = await raise(lab, ["--disk", "128MiB", "lb2"]);
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

describe("what must not reach a balancer", () => {
  test("a port that another program holds: refused before the reload, no new connection fails", async () => {
    await expect(bindConflict(bench)).resolves.toBeUndefined();
  });

  test("a broken file: put back, the other balancer untouched", async () => {
    await expect(brokenConfig(bench)).resolves.toBeUndefined();
  });
});

describe("balancers that are not as they should be", () => {
  test("one that does not answer: said, and nothing is half-applied", async () => {
    await expect(unreachableBalancer(bench)).resolves.toBeUndefined();
  });

  test("files that were changed by hand: said, and put back", async () => {
    await expect(handEdited(bench)).resolves.toBeUndefined();
  });
});

// Limits are asserted by test/prove/lb.test.ts, on a machine that does nothing else.
describe("the VIP", () => {
  test("moves when HAProxy of its holder is stopped", async () => {
    expect(await haproxyStopped(bench)).toBeGreaterThan(0);
  });

  test("moves when keepalived is killed, and has one holder afterwards", async () => {
    expect(await holderGone(bench, "kill -9 keepalived")).toBeGreaterThan(0);
  });

  test("moves when its holder is paused, and has one holder afterwards", async () => {
    expect(await holderGone(bench, "pause")).toBeGreaterThan(0);
  });

  test("stays where it is while firewalls are written again, and verify finds VRRP dropped one way", async () => {
    await expect(firewallRegenerated(bench, 50)).resolves.toBeUndefined();
  });

  test("gets a second one beside it without two holders, and a broken file reaches nobody", async () => {
    await expect(addVip(bench)).resolves.toBeUndefined();
  });
});

describe("routes", () => {
  test("and certificates change at runtime and are on disk", async () => {
    await expect(atRuntime(bench)).resolves.toBeUndefined();
  });

  test("hand connections through by port and by name, the fleet's own port to nobody else", async () => {
    await expect(handThrough(bench)).resolves.toBeUndefined();
  });
});

describe("a balancer whose disk is full", () => {
  test("nothing is half-applied, and it is done once there is room", async () => {
    await expect(fullDisk(bench, "lb2")).resolves.toBeUndefined();
  });
});
