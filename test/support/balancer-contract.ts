import { expect, test } from "vitest";
import { bundleHash } from "../../src/lb/bundle.ts";
import { diffLb } from "../../src/lb/diff.ts";
import { shop, shopConfig, shopModel, shopRender, type BalancerBench } from "./balancer.ts";
import type { LbAction } from "../../src/model/action.ts";
import type { LbChange } from "../../src/model/lb.ts";
import type { Failure } from "../../src/model/errors.ts";

const balancer = "lb1";
const model = shopModel();
const all = (state: string): Record<string, string> => ({ "shop/app1": state, "shop/app2": state, "shop/app3": state });

/** What the operations need from HAProxy; passed by the real one and by the fake, which keeps the fake honest. */
export function balancerContract(bench: () => BalancerBench): void {
  const done = async (action: LbAction): Promise<string> => {
    const outcome = await bench().go(action);
    if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure, null, 1));
    return outcome.note;
  };
  const fails = async (action: LbAction): Promise<Failure> => {
    const outcome = await bench().go(action);
    if (outcome.kind === "done") throw new Error(`${action.kind} was done: ${outcome.note}`);
    return outcome.failure;
  };
  const on = (server: string) => ({ balancer, server: shop(server) });
  const { files } = shopRender();
  const change: LbChange = { kind: "reload", why: ["a test wants it"] };
  const install = (config: string): LbAction => ({ kind: "lb.install", balancer, model, config, files, change });
  const takeOut = async (server: string): Promise<void> => {
    await done({ kind: "lb.drain", ...on(server), floor: 2 });
    await done({ kind: "lb.mark", ...on(server), disabled: true });
    await done({ kind: "lb.quiesce", ...on(server), drainTimeout: 5000, drainAction: "fail" });
    await done({ kind: "lb.maint", ...on(server) });
  };
  const bringBack = async (server: string): Promise<void> => {
    await done({ kind: "lb.prove", ...on(server), deadline: 15_000 });
    await done({ kind: "lb.ready", ...on(server) });
    await done({ kind: "lb.mark", ...on(server), disabled: false });
  };
  const admin = async (): Promise<Readonly<Record<string, string>> | null> => (await bench().facts()).stable.admin;

  test("a stopped balancer is started with its first file; the second time nothing happens", async () => {
    expect(diffLb(shopConfig(), await bench().facts(), new Set())).toMatchObject({ kind: "install" });
    expect(await done(install(shopConfig()))).toMatch(/^started, worker \d+$/);
    expect(await done(install(shopConfig()))).toBe("unchanged");
    const facts = await bench().facts();
    expect(facts.stable).toMatchObject({
      installed: true,
      active: true,
      interrupted: false,
      disabled: [],
      admin: all("ready"),
    });
    expect(facts.stable.manifest?.model).toEqual(model);
    expect(facts.live.processes).toMatchObject({ master: { failed: 0 }, old: [] });
    expect(diffLb(shopConfig(), facts, new Set())).toEqual({ kind: "same", stray: [] });
  });

  test("a server goes out and comes back", async () => {
    await takeOut("app1");
    const out = await bench().facts();
    expect(out.stable).toMatchObject({ admin: { ...all("ready"), "shop/app1": "maint" }, disabled: ["shop/app1"] });
    expect(diffLb(shopConfig(), out, new Set())).toEqual({ kind: "same", stray: ["shop/app1"] });
    expect(diffLb(shopConfig(), out, new Set(["shop/app1"]))).toEqual({ kind: "same", stray: [] });
    await bringBack("app1");
    const back = await bench().facts();
    expect(back.stable).toMatchObject({ admin: all("ready"), disabled: [] });
    expect(back.stable.config?.text).toBe(shopConfig());
    expect(back.live.servers["shop/app1"]?.status).toBe("UP");
    expect(await bench().stateFile()).toBe("1\n");
  });

  test("no drain leaves fewer than the floor", async () => {
    await done({ kind: "lb.drain", ...on("app1"), floor: 2 });
    expect(await fails({ kind: "lb.drain", ...on("app2"), floor: 2 })).toMatchObject({
      code: "min-available",
      message: "draining shop/app2 would leave 1 ready on lb1, 2 must stay",
    });
    expect(await admin()).toEqual({ ...all("ready"), "shop/app1": "drain" });
    await done({ kind: "lb.drain", ...on("app1"), floor: 2 });
    await bringBack("app1");
  });

  test("a server that fails its checks is not proven, and is proven by fresh passes once it is well", async () => {
    await takeOut("app2");
    await bench().health("app2", false);
    expect(await fails({ kind: "lb.prove", ...on("app2"), deadline: 2500 })).toMatchObject({ code: "unhealthy" });
    expect((await admin())?.["shop/app2"]).toBe("drain");
    await bench().health("app2", true);
    await bringBack("app2");
    expect(await done({ kind: "lb.prove", ...on("app2"), deadline: 15_000 })).toBe("it already serves");
  });

  test("a server that rejoins gets traffic only by fresh passes; one that is gone stays down and is no failure", async () => {
    await takeOut("app1");
    expect(await done({ kind: "lb.rejoin", ...on("app1"), deadline: 15_000 })).toBe("");
    expect((await bench().facts()).live.servers["shop/app1"]?.status).toBe("UP");
    await done({ kind: "lb.mark", ...on("app1"), disabled: false });
    await takeOut("app2");
    await bench().health("app2", false);
    expect(await done({ kind: "lb.rejoin", ...on("app2"), deadline: 2500 })).toContain("still down");
    await done({ kind: "lb.mark", ...on("app2"), disabled: false });
    await bench().health("app2", true);
    await expect
      .poll(async () => (await bench().facts()).live.servers["shop/app2"]?.status, { timeout: 15_000 })
      .toBe("UP");
    expect(await admin()).toEqual(all("ready"));
  });

  test("a reload in mid-drain comes up drained, and the state file keeps only that row", async () => {
    await takeOut("app3");
    const changed = shopConfig(["app3"]).replace(/timeout tunnel \S+/, "timeout tunnel 2h");
    expect(await done(install(changed))).toMatch(/^reloaded, worker \d+$/);
    expect(await admin()).toEqual({ ...all("ready"), "shop/app3": "drain" });
    expect((await bench().stateFile()).match(/ shop .*/g)).toEqual([
      " shop 0 app3 192.168.56.23 2 12 1 1 0 1 0 0 6 0 0 0 - 8080 - 0 0 - - 0",
    ]);
    await done(install(shopConfig(["app3"])));
    await bringBack("app3");
    expect(await admin()).toEqual(all("ready"));
  });

  test("a reload forgets neither a server that is down nor one that somebody drained by hand", async () => {
    await bench().ask("admin", 1, "set server shop/app1 state drain");
    await bench().health("app2", false);
    await expect
      .poll(async () => (await bench().facts()).live.servers["shop/app2"]?.status, { timeout: 15_000 })
      .toBe("DOWN");
    await done(install(shopConfig().replace(/timeout tunnel \S+/, "timeout tunnel 3h")));
    const facts = await bench().facts();
    expect(facts.stable.admin).toEqual({ ...all("ready"), "shop/app1": "drain" });
    expect(facts.live.servers["shop/app2"]?.status).toMatch(/^DOWN/);
    await bench().health("app2", true);
    await done({ kind: "lb.prove", ...on("app1"), deadline: 15_000 });
    await done({ kind: "lb.ready", ...on("app1") });
    await expect
      .poll(async () => (await bench().facts()).live.servers["shop/app2"]?.status, { timeout: 15_000 })
      .toBe("UP");
    await done(install(shopConfig()));
  });

  test("a file that HAProxy refuses changes nothing", async () => {
    const before = await bench().facts();
    expect(await fails(install(`${shopConfig()}nonsense here\n`))).toMatchObject({ code: "balancer-config" });
    const after = await bench().facts();
    expect(after.stable).toEqual(before.stable);
    expect(after.live.processes?.current?.pid).toBe(before.live.processes?.current?.pid);
  });

  test("a file whose worker does not start is taken back, and HAProxy goes on with the previous one", async () => {
    const before = await bench().facts();
    const config = `${shopConfig()}frontend drover_far\n    bind unix@/nowhere/at.sock\n    default_backend shop\n`;
    expect(await fails(install(config))).toMatchObject({
      code: "balancer-config",
      message: "lb1: the new haproxy.cfg did not come up; the previous one is back and runs",
    });
    const after = await bench().facts();
    expect(after.stable).toEqual(before.stable);
    expect(after.live.processes).toMatchObject({ master: { failed: 0 } });
  });

  test("an install is undone by the hash of what was there, manifest included", async () => {
    const before = await bench().facts();
    await done(install(shopConfig().replace(/timeout tunnel \S+/, "timeout tunnel 4h")));
    const { config, files } = before.stable;
    await done({ kind: "lb.restore", balancer, sha256: bundleHash(config?.text ?? "", files), model });
    expect((await bench().facts()).stable).toEqual(before.stable);
  });

  test("a tunnel counts as a session, also on a worker from before a reload, and is closed at the deadline", async () => {
    const first = await bench().tunnel();
    await done(install(shopConfig().replace(/timeout tunnel \S+/, "timeout tunnel 5h")));
    await done({ kind: "lb.drain", ...on(first.server), floor: 2 });
    expect(
      await fails({ kind: "lb.quiesce", ...on(first.server), drainTimeout: 300, drainAction: "fail" }),
    ).toMatchObject({
      code: "drain-timeout",
    });
    expect(first.isOpen()).toBe(true);
    expect(await done({ kind: "lb.quiesce", ...on(first.server), drainTimeout: 300, drainAction: "force" })).toBe(
      "1 session closed at the deadline",
    );
    await expect.poll(() => first.isOpen()).toBe(false);
    await bringBack(first.server);
    const second = await bench().tunnel();
    await done({ kind: "lb.drain", ...on(second.server), floor: 2 });
    expect(await done({ kind: "lb.quiesce", ...on(second.server), drainTimeout: 300, drainAction: "force" })).toBe(
      "1 session closed at the deadline",
    );
    await expect.poll(() => second.isOpen()).toBe(false);
    await bringBack(second.server);
    await done(install(shopConfig()));
  });

  test("what HAProxy does not know, and an older epoch, are refused in words", async () => {
    expect(await fails({ kind: "lb.maint", ...on("app9") })).toMatchObject({ code: "balancer-answer" });
    expect(await fails({ kind: "lb.drain", ...on("app9"), floor: 0 })).toMatchObject({ code: "balancer-answer" });
    expect(await fails({ kind: "lb.mark", ...on("app9"), disabled: true })).toMatchObject({ code: "balancer-config" });
    expect(await bench().ask("admin", 0, "set server shop/app9 state drain")).toBe("No such server.\n\n");
    expect(await fails({ kind: "lb.restore", balancer, sha256: "0".repeat(64), model: null })).toMatchObject({
      code: "command-failed",
    });
  });

  test("traffic without errors ends the wait; without traffic the window does", async () => {
    expect(await done({ kind: "lb.hold", ...on("app1"), window: 300 })).toMatch(/no error|no traffic came/);
    expect(await done({ kind: "lb.settle", balancer, deadline: 15_000 })).toBe("");
  });

  test("what was not there before is gone after the last undo", async () => {
    await done({ kind: "lb.restore", balancer, sha256: null, model: null });
    const { stable } = await bench().facts();
    expect(stable).toMatchObject({ active: false, config: null, manifest: null, admin: null });
  });
}
