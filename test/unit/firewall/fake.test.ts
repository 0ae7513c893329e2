import { describe, expect, test } from "vitest";
import { operateFirewall } from "../../../src/firewall/operations.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import type { FirewallAction, FirewallModel } from "../../../src/model/firewall.ts";
import type { Ask, Outcome } from "../../../src/model/operation.ts";
import { addFirewallCommands, type FakeFirewall, fakeFirewall, loseFrom } from "../../fake/firewall.ts";
import { createFakeTransport, FakeFleet } from "../../fake/transport.ts";
import { VirtualClock } from "../../support/clock.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const OPERATOR = "192.168.56.1";
const SSH = ruleFor("fleet/ssh:0", [`${OPERATOR}/32`], { match: match("tcp", 22) });
const GOOD = modelWith([SSH]);
const OTHER = modelWith([SSH, ruleFor("orders-db:0", ["10.0.0.21/32"], { match: match("tcp", 5432) })]);
const SHUT = modelWith([]);

type Exec = Extract<Ask, { readonly kind: "exec" }>;

interface Bench {
  readonly fleet: FakeFleet;
  readonly clock: VirtualClock;
  readonly firewall: FakeFirewall;
  readonly go: (action: FirewallAction) => Promise<Outcome | "cut off">;
}

function bench(): Bench {
  const clock = new VirtualClock();
  const fleet = new FakeFleet(["app1"], clock);
  addFirewallCommands(fleet, { operator: OPERATOR, port: 22 });
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 120_000, signal: new AbortController().signal };
  const ask = async ({ host, command, fresh = false }: Exec): ReturnType<typeof transport.exec> => {
    const frames = command.frames.map((frame) => Buffer.from(frame.kind === "text" ? frame.text : ""));
    const sized = frames.map((bytes) => ({ size: bytes.length, bytes }));
    return await transport.exec(host, { command, warrant: { run: "r", epoch: 1 }, frames: sized, fresh }, limits);
  };
  const work = async (action: FirewallAction): Promise<Outcome | "cut off"> => {
    const operation = operateFirewall(action);
    let turn = operation.next();
    while (turn.done !== true) {
      if (turn.value.kind !== "exec") throw new Error(`asked for ${turn.value.kind}`);
      const result = await ask(turn.value);
      if (result.kind === "failed") {
        if (turn.value.fresh !== true) return "cut off";
        turn = operation.next({ kind: "exec", elapsed: 0, code: -1, stdout: "", stderr: "", lost: result.failure });
      } else turn = operation.next({ ...result, kind: "exec", elapsed: 0 });
    }
    return turn.value;
  };
  return {
    fleet,
    clock,
    firewall: fakeFirewall(fleet, fleet.host("app1")),
    go: (action) => clock.drive(work(action)),
  };
}

function apply(generation: number, model: FirewallModel): FirewallAction {
  const texts = renderFirewall(model, generation);
  return { kind: "firewall.apply", host: "app1", generation, model, texts, confirm: 60_000, cuts: [] };
}

const restore = (generation: number | null): FirewallAction => ({
  kind: "firewall.restore",
  host: "app1",
  generation,
  confirm: 60_000,
});

describe("the packet filter of a host in memory", () => {
  test("takes a generation, confirmed over a new connection, and the one from before again", async () => {
    const { fleet, firewall, go } = bench();
    expect(await go(apply(1, GOOD))).toMatchObject({ kind: "done" });
    expect(fleet.host("app1").connections.made).toBe(2);
    expect(await go(apply(2, OTHER))).toMatchObject({ kind: "done" });
    expect(firewall).toMatchObject({ current: 2, active: 2, pending: null, newest: 2 });
    expect(firewall.model()).toEqual(OTHER);
    expect(await go(apply(2, OTHER))).toMatchObject({ kind: "done", note: expect.stringContaining("already") });
    expect(await go(restore(1))).toMatchObject({ kind: "done" });
    expect(firewall.model()).toEqual(GOOD);
    expect(await go(restore(null))).toMatchObject({ kind: "done" });
    expect(firewall.model()).toBe(null);
    expect(await go(restore(2))).toMatchObject({ kind: "failed", failure: { code: "firewall-refused" } });
  });

  test("keeps what was in force when a commit is refused", async () => {
    const { firewall, go } = bench();
    await go(apply(1, GOOD));
    firewall.trouble = "refuses";
    expect(await go(apply(2, OTHER))).toMatchObject({ kind: "failed", failure: { code: "firewall-refused" } });
    expect(firewall).toMatchObject({ current: 1, active: 1, pending: null });
  });

  test("goes back at once when the rules shut drover out, over the connection that is left", async () => {
    for (const [model, trouble] of [[SHUT, "none"] as const, [OTHER, "shuts-out"] as const]) {
      const { clock, firewall, go } = bench();
      await go(apply(1, GOOD));
      firewall.trouble = trouble;
      const before = clock.now();
      expect(await go(apply(2, model))).toMatchObject({ kind: "failed", failure: { code: "firewall-reverted" } });
      expect(clock.now() - before).toBeLessThan(60_000);
      expect(firewall).toMatchObject({ current: 1, active: 1, pending: null });
    }
  });

  test("goes back by itself when nobody confirms, and says so to whoever confirms too late", async () => {
    const { fleet, clock, firewall, go } = bench();
    await go(apply(1, GOOD));
    loseFrom(fleet, "app1", "firewall.apply", "after");
    expect(await go(apply(2, SHUT))).toBe("cut off");
    expect(firewall.model()).toEqual(SHUT);
    await clock.drive(clock.sleep(60_001, new AbortController().signal));
    expect(firewall.model()).toEqual(GOOD);

    fleet.host("app1").way = { kind: "open" };
    firewall.trouble = "reverts";
    expect(await go(apply(3, OTHER))).toMatchObject({ kind: "failed", failure: { code: "firewall-reverted" } });
    expect(firewall.model()).toEqual(GOOD);
  });

  test("is gone from some moment on: before a command did its work, or after", async () => {
    const { fleet, firewall, go } = bench();
    loseFrom(fleet, "app1", "firewall.confirm", "after");
    await go(apply(1, GOOD));
    expect(firewall).toMatchObject({ current: 1, active: 1, pending: null });
    expect(await go(apply(2, OTHER))).toBe("cut off");
    fleet.host("app1").way = { kind: "open" };
    loseFrom(fleet, "app1", "firewall.apply", "before");
    expect(await go(apply(2, OTHER))).toBe("cut off");
    expect(firewall.active).toBe(1);
  });

  test("starts with what was confirmed", async () => {
    const { fleet, firewall, go } = bench();
    await go(apply(1, GOOD));
    loseFrom(fleet, "app1", "firewall.apply", "after");
    await go(apply(2, OTHER));
    expect(firewall.model()).toEqual(OTHER);
    firewall.reboot();
    expect(firewall.model()).toEqual(GOOD);
  });
});
