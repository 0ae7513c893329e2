import { expect, test } from "vitest";
import type { Answer, Outcome } from "../../../src/model/operation.ts";
import type { VipAction, VipModel } from "../../../src/model/vip.ts";
import { diffVip } from "../../../src/vip/diff.ts";
import { vipFact, type VipFacts } from "../../../src/vip/facts.ts";
import { operateVip } from "../../../src/vip/operations.ts";
import { addVipCommands, printVipFact, removeKeepalived } from "../../fake/keepalived.ts";
import { createFakeTransport, FakeFleet } from "../../fake/transport.ts";
import { VirtualClock } from "../../support/clock.ts";
import { LB1, textOf } from "./models.ts";

const LB2: VipModel = { ...LB1, host: "lb2", address: "192.168.56.12", peers: ["192.168.56.11"], priority: 240 };
const OWN = { lb1: ["192.168.56.11"], lb2: ["192.168.56.12"] };

interface Bench {
  readonly fleet: FakeFleet;
  readonly go: (action: VipAction) => Promise<Outcome>;
  readonly facts: (host: string) => VipFacts;
}

/** A pair in memory, empty. */
function bench(): Bench {
  const clock = new VirtualClock();
  const fleet = new FakeFleet(["lb1", "lb2"], clock);
  addVipCommands(fleet, OWN);
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 60_000, signal: new AbortController().signal };
  const work = async (action: VipAction): Promise<Outcome> => {
    const operation = operateVip(action);
    const began = clock.now();
    let next = operation.next();
    while (next.done !== true) {
      const ask = next.value;
      let answer: Answer;
      if (ask.kind === "exec") {
        const { command } = ask;
        const frames = command.frames.map((frame) => Buffer.from(frame.kind === "text" ? frame.text : ""));
        const sized = frames.map((bytes) => ({ size: bytes.length, bytes }));
        const warrant = command.mutates ? { run: "test", epoch: 1 } : null;
        const result = await transport.exec(ask.host, { command, warrant, frames: sized }, limits);
        if (result.kind === "failed") throw new Error(result.failure.message);
        answer = { ...result, kind: "exec", elapsed: clock.now() - began };
      } else {
        if (ask.kind === "sleep") await clock.sleep(ask.ms, limits.signal);
        answer = { kind: "sleep", elapsed: clock.now() - began };
      }
      next = operation.next(answer);
    }
    return next.value;
  };
  return {
    fleet,
    go: (action) => clock.drive(work(action)),
    facts: (host) => vipFact.parse(printVipFact(fleet, fleet.host(host), OWN)),
  };
}

function install(model: VipModel, config = textOf(model)): VipAction {
  return { kind: "vip.install", balancer: model.host, model, config, wire: false };
}

const anyHolder = (not: string | null): VipAction => {
  return { kind: "vip.await", balancers: ["lb1", "lb2"], vips: LB1.vips, not, deadline: 1000 };
};

test("a pair in memory comes up, hands over, and does not take the VIP back", async () => {
  const { go, facts } = bench();
  expect(facts("lb1").stable).toMatchObject({
    installed: true,
    active: false,
    config: null,
    interfaces: {
      "192.168.56.11": "eth0",
    },
  });
  expect(await go(install(LB1))).toEqual({ kind: "done", note: "started" });
  expect(await go(install(LB2))).toEqual({ kind: "done", note: "started" });
  expect(await go(install(LB2))).toEqual({ kind: "done", note: "unchanged" });
  expect(diffVip(textOf(LB1), facts("lb1"))).toEqual({ kind: "same" });
  expect(await go(anyHolder(null))).toEqual({ kind: "done", note: "lb1 holds it" });
  await go({ kind: "vip.yield", balancer: "lb1" });
  expect(facts("lb1").stable).toMatchObject({ yielded: true, active: false, enabled: false });
  expect(await go(anyHolder("lb1"))).toEqual({ kind: "done", note: "lb2 holds it" });
  await go({ kind: "vip.resume", balancer: "lb1" });
  expect(facts("lb1").live.holds).toEqual([]);
  expect(await go(anyHolder("lb2"))).toMatchObject({ kind: "failed" });
});

test("a file that keepalived refuses changes nothing; a missing package is told", async () => {
  const { go, facts, fleet } = bench();
  await go(install(LB1));
  const before = facts("lb1");
  expect(await go(install(LB1, "nonsense\n"))).toMatchObject({ kind: "failed", failure: { code: "balancer-config" } });
  expect(await go({ kind: "vip.check", balancer: "lb1", config: "nonsense\n" })).toMatchObject({ kind: "failed" });
  expect(facts("lb1")).toEqual(before);
  removeKeepalived(fleet.host("lb2"));
  expect(facts("lb2").stable.installed).toBe(false);
  expect(await go(install(LB2))).toMatchObject({ kind: "failed", failure: { code: "package-missing" } });
});

test("what was there before comes back exactly", async () => {
  const { go, facts } = bench();
  const empty = facts("lb1");
  await go(install(LB1));
  const first = facts("lb1");
  await go(install({ ...LB1, virtualRouterId: 52 }));
  await go({ kind: "vip.restore", balancer: "lb1", sha256: first.stable.config?.sha256 ?? "", model: LB1 });
  expect(facts("lb1")).toEqual(first);
  await go({ kind: "vip.restore", balancer: "lb1", sha256: null, model: null });
  expect(facts("lb1")).toEqual(empty);
});

test("what was refused is put back all the same, though nothing was kept of what is there", async () => {
  const { go, facts } = bench();
  await go(install(LB1));
  const before = facts("lb1");
  expect(await go(install(LB1, "nonsense\n"))).toMatchObject({ kind: "failed", failure: { code: "balancer-config" } });
  const sha256 = before.stable.config?.sha256 ?? null;
  expect(await go({ kind: "vip.restore", balancer: "lb1", sha256, model: LB1 })).toMatchObject({ kind: "done" });
  expect(facts("lb1")).toEqual(before);
});

test("put back on a balancer that was stopped on purpose, a file starts nothing", async () => {
  const { go, facts } = bench();
  await go(install(LB1));
  const { config } = facts("lb1").stable;
  await go({ kind: "vip.yield", balancer: "lb1" });
  await go({ kind: "vip.restore", balancer: "lb1", sha256: config?.sha256 ?? "", model: LB1 });
  expect(facts("lb1").stable).toMatchObject({ active: false, yielded: true });
  await go(install(LB1));
  expect(facts("lb1").stable).toMatchObject({ active: true, yielded: false });
});

test("a host that is gone loses the VIP", async () => {
  const { go, facts, fleet } = bench();
  await go(install(LB1));
  await go(install(LB2));
  fleet.host("lb1").way = { kind: "silent" };
  expect(facts("lb2").live.holds).toEqual(["192.168.56.10", "fd00:56::10"]);
});
