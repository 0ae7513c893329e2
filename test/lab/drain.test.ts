// A host taken out by hand, on the real thing: it stays out, with a name on it, until somebody lets it back in.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Outcome } from "./support/lab.ts";
import { lab as makeLab, until } from "./support/lab.ts";
import {
  balancers,
  drover,
  editShop,
  expectDrover,
  expectNoneFailed,
  expectNothingDrained,
  openWebsocket,
  releasesRunning,
  underLoad,
} from "./support/shop.ts";

const lab = makeLab("drain");

beforeAll(async () => {
  await lab.down();
  await lab.up();
  await expectDrover(lab, 0, "apply", "--yes");
});

afterAll(() => lab.down());

interface Status {
  readonly instances: readonly {
    readonly host: string;
    readonly balancers: readonly { readonly balancer: string; readonly state: string }[];
  }[];
  readonly drains: Readonly<Record<string, { readonly reason: string; readonly operator: string }>>;
}

async function status(): Promise<Status> {
  return JSON.parse(await expectDrover(lab, 0, "status", "--output", "json")) as Status;
}

/** What each balancer makes of a host's server. */
async function statesOf(host: string): Promise<readonly string[]> {
  const { instances } = await status();
  return instances.filter((each) => each.host === host).flatMap((each) => each.balancers.map(({ state }) => state));
}

async function onBalancers(...argv: readonly string[]): Promise<void> {
  const outcomes = await Promise.all(balancers.map((balancer) => lab.exec(balancer, argv)));
  for (const { code, stderr } of outcomes) expect(code, stderr).toBe(0);
}

const timed = async <T>(what: string, during: () => Promise<T>): Promise<T> => {
  const began = performance.now();
  const result = await during();
  console.info(`${what}: ${String(Math.round(performance.now() - began))} ms`);
  return result;
};

describe("a drained host", () => {
  test("leaves under load, and nobody sees an error", async () => {
    const { totals } = await underLoad(lab, () =>
      timed("drain app1", () => expectDrover(lab, 0, "drain", "app1", "-m", "new disk")),
    );
    console.info(totals.report);
    expectNoneFailed(totals);
    expect(await statesOf("app1")).toEqual(["MAINT", "MAINT"]);
  });

  test("is listed with reason, operator and time, and a second drain changes nothing of it", async () => {
    expect(await expectDrover(lab, 0, "status")).toMatch(/^app1: drained: new disk \(\S+@\S+, since 20\S+Z\)/m);
    expect(await expectDrover(lab, 0, "drain", "app1", "-m", "another reason")).toContain("already: new disk");
    expect((await status()).drains["app1"]?.reason).toBe("new disk");
  });

  test("is drained after a reload by hand, out after a restart, and in maintenance after a reboot", async () => {
    const { totals } = await underLoad(lab, async () => {
      await onBalancers("systemctl", "reload", "haproxy");
      // Users go on while everything is looked at once more.
      await expectDrover(lab, 0, "lb", "verify");
    });
    expectNoneFailed(totals);
    expect(await statesOf("app1")).toEqual(["DRAIN", "DRAIN"]);
    await onBalancers("systemctl", "restart", "haproxy");
    expect(await statesOf("app1")).toEqual(["DRAIN", "DRAIN"]);
    await lab.kill("lb2");
    await lab.start("lb2");
    await until("lb2 answers", async () => (await drover(lab, "status")).code === 0);
    expect(await statesOf("app1")).toEqual(["DRAIN", "MAINT"]);
  });

  test("is no difference to apply", async () => {
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
    expect(await statesOf("app1")).toEqual(["DRAIN", "MAINT"]);
  });

  test("does not get company where that would leave too few, and the numbers are told", async () => {
    const output = await expectDrover(lab, 1, "drain", "app2", "-m", "x");
    expect(output).toContain("shop: 2 ready instances; without app2 1 (app3) would be left, fewer than minAvailable 2");
    expect(output).toContain("app1: drained: new disk");
    expect(Object.keys((await status()).drains)).toEqual(["app1"]);
    expect(await statesOf("app2")).toEqual(["UP", "UP"]);
  });

  test("gets a new release with the others, and stays out", async () => {
    // With three instances, two must stay ready by default: with one drained there would be none to change.
    await editShop(lab, "drainTimeout: 5s", "drainTimeout: 5s, minAvailable: 1");
    const { totals } = await underLoad(lab, () =>
      expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.5.0"),
    );
    console.info(totals.report);
    expectNoneFailed(totals);
    expect(await releasesRunning(lab)).toEqual(["1.5.0", "1.5.0", "1.5.0"]);
    const states = await statesOf("app1");
    expect(states.every((state) => state === "DRAIN" || state === "MAINT")).toBe(true);
    await editShop(lab, ", minAvailable: 1", "");
  });

  test("comes back under load, proven, and nobody sees an error", async () => {
    const { totals } = await underLoad(lab, () => timed("undrain app1", () => expectDrover(lab, 0, "undrain", "app1")));
    console.info(totals.report);
    expectNoneFailed(totals);
    await expectNothingDrained(lab);
    expect((await status()).drains).toEqual({});
    expect(await expectDrover(lab, 0, "undrain", "app1")).toContain("app1 is not drained");
  });
});

describe("drover killed in the middle of a drain", () => {
  /** Starts a drain that has to wait for a websocket, and kills it while it waits. */
  async function killInTheMiddle(): Promise<void> {
    // Whichever instance has it, that host's drain cannot end before the deadline.
    const websocket = await openWebsocket(lab, "192.168.56.12");
    const run = lab.background(["sh", "-c", 'echo "pid $$"; exec drover drain app1 -m "half way" -v']);
    let printed = "";
    run.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await until("the server is being marked", () => Promise.resolve(printed.includes("… mark shop/app1")), 30_000);
    process.kill(Number(/^pid (\d+)$/m.exec(printed)?.[1]), "SIGKILL");
    websocket.leave();
    expect((await status()).drains["app1"]?.reason).toBe("half way");
  }

  /** The lease of a killed run is free within ten seconds. */
  async function onceFree(...args: readonly string[]): Promise<Outcome> {
    let last: Outcome | null = null;
    await until("the lease is free", async () => (last = await drover(lab, ...args)).code !== 5, 12_000);
    if (last === null) throw new Error("it was tried at least once");
    return last;
  }

  test("leaves it owned and listed, and undrain puts it right", async () => {
    await killInTheMiddle();
    const { code, stdout } = await onceFree("undrain", "app1");
    expect(code, stdout).toBe(0);
    await expectNothingDrained(lab);
    expect((await status()).drains).toEqual({});
  });

  test("is completed by a second drain, under the first one's name", async () => {
    await killInTheMiddle();
    const { code, stdout } = await onceFree("drain", "app1", "-m", "once more");
    expect(code, stdout).toBe(0);
    expect(await statesOf("app1")).toEqual(["MAINT", "MAINT"]);
    expect((await status()).drains["app1"]?.reason).toBe("half way");
    await expectDrover(lab, 0, "undrain", "app1");
    await expectNothingDrained(lab);
  });
});

describe("a balancer that cannot be reached", () => {
  test("stops a drain before anything is changed, with exit code 4", async () => {
    await lab.partition("lb2", "laptop");
    try {
      const output = await expectDrover(lab, 4, "drain", "app1", "-m", "x", "--timeout", "8s");
      expect(output).toContain("nothing was changed");
    } finally {
      await lab.heal();
    }
    await expectNothingDrained(lab);
    expect((await status()).drains).toEqual({});
  });
});

describe("a balancer", () => {
  const vip = "192.168.56.10";

  async function holders(): Promise<readonly string[]> {
    const all = await Promise.all(
      balancers.map(async (balancer) => {
        const { stdout } = await lab.exec(balancer, ["ip", "-o", "address", "show", "to", vip]);
        return stdout.includes(vip) ? [balancer] : [];
      }),
    );
    return all.flat();
  }

  const keepalived = async (balancer: string): Promise<string> =>
    (await lab.exec(balancer, ["systemctl", "is-active", "keepalived"])).stdout.trim();

  test("without a VIP cannot be drained", async () => {
    const path = join(lab.fleet, "drover.yaml");
    const before = await readFile(path, "utf8");
    const without = before.replace(/, vip: \[[^\]]*\], virtualRouterId: \d+/, "");
    expect(without).not.toBe(before);
    await writeFile(path, without);
    expect(await expectDrover(lab, 1, "drain", "lb1", "-m", "kernel")).toContain("clients reach lb1 directly");
    await writeFile(path, before);
  });

  test("hands its VIP over and keeps out of the way until it is undrained", async () => {
    await until("one balancer holds the VIP", async () => (await holders()).length === 1);
    const [holder = ""] = await holders();
    const other = balancers.find((each) => each !== holder) ?? "";
    const output = await expectDrover(lab, 0, "drain", holder, "-m", "kernel");
    expect(output).toContain(`${holder}: hands the VIP of edge over to ${other}`);
    expect(await holders()).toEqual([other]);
    expect(await keepalived(holder)).toBe("inactive");
    expect(await expectDrover(lab, 1, "drain", other, "-m", "kernel too")).toContain(`none of ${holder} is in service`);
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
    expect(await keepalived(holder)).toBe("inactive");
    await expectDrover(lab, 0, "undrain", holder);
    expect(await keepalived(holder)).toBe("active");
    expect(await holders()).toEqual([other]);
    expect((await status()).drains).toEqual({});
  });
});
