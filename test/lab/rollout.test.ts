// Whole rollouts on the real thing: what a user of the shop sees, and what an operator is told.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lab as makeLab, until } from "./support/lab.ts";
import {
  appHosts,
  drover,
  editShop,
  expectClosedOnlyAtDeadline,
  expectDrover,
  expectNoneFailed,
  expectNothingDrained,
  openWebsocket,
  releasesRunning,
  runEvents,
  underLoad,
} from "./support/shop.ts";

const lab = makeLab("rollout");

beforeAll(async () => {
  await lab.down();
  await lab.up();
  await expectDrover(lab, 0, "apply", "--yes");
});

afterAll(() => lab.down());

// A test that failed half way must not take the next ones with it.
afterEach(async () => {
  expect([0, 6]).toContain((await drover(lab, "rollout", "abort", "shop")).code);
});

/** Commands that sudo logged on a host so far: one per exec of drover. */
async function execs(host: string): Promise<number> {
  const { stdout } = await lab.exec(host, ["journalctl", "-q", "-o", "cat", "-t", "sudo", "-g", "COMMAND="]);
  return stdout.split("\n").filter((line) => line.includes("COMMAND=")).length;
}

function hostsSwitchedTo(release: string, output: string): readonly string[] {
  return appHosts.filter((host) => output.includes(`switch shop on ${host} to ${release}-`));
}

describe("a release", () => {
  test("rolls through three hosts under load and nobody sees an error", async () => {
    const { totals } = await underLoad(lab, () =>
      expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.5.0"),
    );
    expectNoneFailed(totals);
    expect(await releasesRunning(lab)).toEqual(["1.5.0", "1.5.0", "1.5.0"]);
    await expectNothingDrained(lab);
  });

  test("that answers 503 for 5 s after its start is waited for, and nobody sees a 503", async () => {
    const { totals } = await underLoad(lab, () =>
      expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.6.2-slow"),
    );
    expectNoneFailed(totals);
  });

  test("that dies on SIGTERM with requests in flight loses none of them", async () => {
    await expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.6.3-abrupt");
    const { totals } = await underLoad(lab, () =>
      expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.6.4-abrupt"),
    );
    expectNoneFailed(totals);
    await expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.5.0");
  });

  test("leaves a websocket open until the drain's deadline, and closes it then", async () => {
    const websocket = await openWebsocket(lab, "192.168.56.12");
    const output = await expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.5.1", "--output", "json");
    websocket.leave();
    expectClosedOnlyAtDeadline(websocket.seen, runEvents(output), 5000);
    await expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.5.0");
  });

  test("that never becomes healthy is stopped after one host, reverted, and left open until it is aborted", async () => {
    const { result, totals } = await underLoad(lab, () =>
      expectDrover(lab, 3, "rollout", "start", "shop", "--release", "1.6.0-broken"),
    );
    expectNoneFailed(totals);
    expect(hostsSwitchedTo("1.6.0-broken", result)).toEqual(["app1"]);
    expect(result).toContain("drover rollout abort shop");
    expect(result.trimEnd().split("\n").at(-1)).toBe("0 updated, 0 unchanged, 1 failed, 0 unreachable, 2 not reached");
    await expectNothingDrained(lab);
    await expectDrover(lab, 3, "rollout", "start", "shop", "--release", "1.5.1");
    await expectDrover(lab, 3, "apply", "--yes");
    await expectDrover(lab, 6, "rollout", "abort", "shop");
    expect(await releasesRunning(lab)).toEqual(["1.5.0", "1.5.0", "1.5.0"]);
    expect(await readFile(join(lab.fleet, "apps/shop.yaml"), "utf8")).toContain('release: "1.5.0"');
  });

  test("that crashes after 5 s is caught by minHealthyTime 8s before any user meets it", async () => {
    await editShop(lab, "minHealthyTime: 2s", "minHealthyTime: 8s");
    const { result, totals } = await underLoad(lab, () =>
      expectDrover(lab, 3, "rollout", "start", "shop", "--release", "1.6.1-crash"),
    );
    expectNoneFailed(totals);
    expect(hostsSwitchedTo("1.6.1-crash", result)).toEqual(["app1"]);
    await expectDrover(lab, 6, "rollout", "abort", "shop");
    await editShop(lab, "minHealthyTime: 8s", "minHealthyTime: 2s");
    await expectNothingDrained(lab);
  });

  test("with onFailure rollback puts everything back by itself and says so with exit code 6", async () => {
    await editShop(lab, "drainTimeout: 5s", "drainTimeout: 5s, onFailure: rollback");
    const { totals } = await underLoad(lab, () =>
      expectDrover(lab, 6, "rollout", "start", "shop", "--release", "1.6.0-broken"),
    );
    expectNoneFailed(totals);
    await editShop(lab, ", onFailure: rollback", "");
    await expectDrover(lab, 0, "apply", "--yes");
    await expectNothingDrained(lab);
  });
});

describe("a second apply", () => {
  test("reports no difference and makes one exec per host, the lease's channel aside", async () => {
    const hosts = ["lb1", "lb2", ...appHosts, "dns1"];
    const before = await Promise.all(hosts.map(execs));
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
    const after = await Promise.all(hosts.map(execs));
    const spent = Object.fromEntries(hosts.map((host, index) => [host, (after[index] ?? 0) - (before[index] ?? 0)]));
    expect(spent).toEqual({ lb1: 1, lb2: 1, app1: 1, app2: 1, app3: 1, dns1: 2 });
  });
});

describe("drover killed in mid-rollout", () => {
  test("fails nobody, frees the lease within 10 s, and abort puts everything back", async () => {
    const { totals } = await underLoad(lab, async () => {
      const run = lab.background(["sh", "-c", 'echo "pid $$"; exec drover rollout start shop --release 1.5.1']);
      let printed = "";
      run.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      await until(
        "the second host is being switched",
        () => Promise.resolve(printed.includes("switch shop on app2")),
        60_000,
      );
      process.kill(Number(/^pid (\d+)$/m.exec(printed)?.[1]), "SIGKILL");
      // 5 is "the lease is held by another run".
      const isFree = async (): Promise<boolean> => (await lab.run(["drover", "rollout", "abort", "shop"])).code === 6;
      await until("the lease is free and the rollout put back", isFree, 10_000);
    });
    expectNoneFailed(totals);
    expect(await releasesRunning(lab)).toEqual(["1.5.0", "1.5.0", "1.5.0"]);
    await expectNothingDrained(lab);
    expect(await expectDrover(lab, 0, "rollout", "status", "shop")).toContain("no rollout is open");
  });
});
