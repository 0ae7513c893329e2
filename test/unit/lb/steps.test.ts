import { describe, expect, test } from "vitest";
import { bundleHash } from "../../../src/lb/bundle.ts";
import { diffLb } from "../../../src/lb/diff.ts";
import type { LbFacts } from "../../../src/lb/facts.ts";
import { lbFact } from "../../../src/lb/facts.ts";
import { holdTraffic, installConfig, moveServer, returnServer, settle, withdrawServer } from "../../../src/lb/steps.ts";
import { sha256 } from "../../../src/model/hash.ts";
import type { Draft } from "../../../src/model/plan.ts";
import { HEALTH, shop, shopConfig, shopModel, shopRender } from "../../support/balancer.ts";

const rollout = { drainTimeout: 5000, drainAction: "force" } as const;
const what = { balancers: ["lb1", "lb2"], server: shop("app1"), floor: 2, rollout, health: HEALTH };
const kinds = (stages: readonly (readonly Draft[])[]): readonly string[] =>
  stages.map((stage) => stage.map(({ action, host }) => `${action.kind}@${host}`).join(" "));
const undo = (draft: Draft | undefined): readonly string[] =>
  draft?.undo.kind === "stages" ? kinds(draft.undo.stages) : [`none: ${draft?.undo.reason}`];

describe("drafts", () => {
  test("withdraw on every balancer, stage by stage, each with its way back", () => {
    const stages = withdrawServer(what);
    expect(kinds(stages)).toEqual(["drain", "mark", "quiesce", "maint"].map((each) => `lb.${each}@lb1 lb.${each}@lb2`));
    expect(stages.map(([first]) => undo(first))).toEqual([
      ["lb.rejoin@lb1", "lb.mark@lb1"],
      ["none: the drain's way back takes the mark out"],
      ["none: sessions that ended do not come back"],
      ["none: the drain before it is undone from any state"],
    ]);
    expect(stages.flat().map(({ says }) => says)[0]).toBe("drain shop/app1 on lb1");
  });

  test("return only after a fresh pass on every balancer", () => {
    const stages = returnServer(what);
    expect(kinds(stages)).toEqual(["prove", "ready", "mark"].map((each) => `lb.${each}@lb1 lb.${each}@lb2`));
    expect(stages.map((stage) => undo(stage[1]))).toEqual([
      ["none: a proven server is still drained"],
      ["lb.drain@lb2", "lb.mark@lb2", "lb.quiesce@lb2", "lb.maint@lb2"],
      ["none: taking the server out again marks it"],
    ]);
  });

  test("install never on all balancers at once, and go back to the very file that was there", () => {
    const previous = { config: "global\n", files: { "/etc/haproxy/drover/crt-list": "a" }, model: null };
    const change = { kind: "reload", why: ["a test wants it"] } as const;
    const input = (balancer: string) => {
      return { balancer, address: "192.0.2.9", model: shopModel(), ...shopRender(), change, previous };
    };
    const stages = installConfig("expand", [input("lb1"), input("lb2")]);
    // Proven by an answer before the next one begins.
    expect(kinds(stages)).toEqual(["lb.install@lb1", "lb.try@lb1", "lb.install@lb2", "lb.try@lb2"]);
    const back = stages[2]?.[0]?.undo;
    expect(back?.kind === "stages" && back.stages[0]?.[0]?.action).toEqual({
      kind: "lb.restore",
      balancer: "lb2",
      sha256: bundleHash(previous.config, previous.files),
      model: null,
    });
  });

  test("move on every balancer at once, each with its way back", () => {
    const [from, to] = [
      { address: "192.0.2.1", port: 1 },
      { address: "fd00::1", port: 2 },
    ];
    const stages = moveServer("enable", { balancers: ["lb1", "lb2"], server: shop("app1"), from, to });
    expect(kinds(stages)).toEqual(["lb.move@lb1 lb.move@lb2"]);
    expect(stages[0]?.[0]?.says).toBe("let lb1 reach shop/app1 at [fd00::1]:2");
    const back = stages[0]?.[1]?.undo;
    expect(back?.kind === "stages" && back.stages[0]?.[0]?.action).toMatchObject({
      kind: "lb.move",
      from: to,
      to: from,
    });
  });

  test("every draft has a finite deadline beyond what its operation waits for", () => {
    const all = [
      ...withdrawServer(what),
      ...returnServer(what),
      ...holdTraffic(["lb1"], shop("app1"), 500),
      ...settle("expand", ["lb1"], 900),
    ];
    for (const { deadline, says } of all.flat()) expect(deadline, says).toBeGreaterThanOrEqual(30_000);
    for (const { deadline, says } of all.flat()) expect(deadline, says).toBeLessThanOrEqual(600_000);
  });
});

describe("differences", () => {
  const config = shopConfig();
  const facts = (over: Partial<LbFacts["stable"]>): LbFacts => ({
    stable: {
      installed: true,
      package: "haproxy",
      active: true,
      config: { sha256: sha256(config), text: config },
      disabled: [],
      admin: { "shop/app1": "ready" },
      files: {},
      manifest: { model: shopModel(), sha256: sha256(config), files: {} },
      interrupted: false,
      ...over,
    },
    live: { servers: {}, addresses: {}, followed: {}, about: null, processes: null },
  });
  const file = (text: string) => ({ sha256: sha256(text), text });

  test.for<[string, Partial<LbFacts["stable"]>, string]>([
    ["no file", { config: null }, "haproxy.cfg is missing"],
    ["a foreign file", { config: file("global\n"), manifest: null }, "haproxy.cfg was not written by drover"],
    ["a file edited by hand", { config: file(`${config}# mine\n`) }, "haproxy.cfg was changed by hand"],
    ["HAProxy stopped", { active: false, admin: null }, "HAProxy is not running"],
    ["a change cut off", { interrupted: true }, "an earlier change of haproxy.cfg was cut off"],
    ["no answer", { admin: null }, "HAProxy does not answer on its admin socket"],
    ["a lost manifest", { manifest: null }, "the manifest does not match haproxy.cfg"],
  ])("%s", ([, over, reason]) => {
    expect(diffLb(config, facts(over), new Set())).toEqual({ kind: "install", reasons: [reason], stray: [] });
  });

  test("an older file of ours is just older", () => {
    const old = shopConfig([], shopModel(9090));
    const observed = facts({ config: file(old), manifest: { model: shopModel(9090), sha256: sha256(old), files: {} } });
    expect(diffLb(config, observed, new Set())).toMatchObject({ reasons: ["haproxy.cfg is older than the files"] });
  });

  test("a mark is no difference, but is told where nobody owes it", () => {
    const observed = facts({
      config: file(shopConfig(["app2"])),
      disabled: ["shop/app2"],
      admin: { "shop/app1": "drain" },
    });
    expect(diffLb(config, observed, new Set())).toEqual({ kind: "same", stray: ["shop/app1", "shop/app2"] });
    expect(diffLb(config, observed, new Set(["shop/app1"]))).toEqual({ kind: "same", stray: ["shop/app2"] });
  });
});

describe("facts", () => {
  const hex = (text: string): string => Buffer.from(text).toString("hex");

  test("of a host without HAProxy", () => {
    expect(lbFact.parse(`active ${hex("inactive")}\n`)).toEqual({
      stable: {
        installed: false,
        package: "haproxy",
        active: false,
        config: null,
        files: {},
        disabled: [],
        admin: null,
        manifest: null,
        interrupted: false,
      },
      live: { servers: {}, addresses: {}, followed: {}, about: null, processes: null },
    });
  });

  test("tell the other files by their hash, a certificate by its fingerprint while it is the one laid there", () => {
    const [map, pem, other] = ["maps/http.map", "certs/a.pem", "certs/b.pem"].map(
      (name) => `/etc/haproxy/drover/${name}`,
    );
    const files = `${"1".repeat(64)}  ${map}\n${"2".repeat(64)}  ${pem}\n${"3".repeat(64)}  ${other}\n`;
    const print = (sha256: string) => ({ sha256: sha256.repeat(64), fingerprint: "f" });
    const manifest = { model: shopModel(), sha256: "x", files: { [pem ?? ""]: print("2"), [other ?? ""]: print("9") } };
    const printed = `active ${hex("active")}\nfiles ${hex(files)}\nmanifest ${hex(JSON.stringify(manifest))}\n`;
    expect(lbFact.parse(printed).stable.files).toEqual({
      [map ?? ""]: "1".repeat(64),
      [pem ?? ""]: "f",
      [other ?? ""]: "changed",
    });
  });

  test("keep a file's every byte of text, and refuse a manifest that is not one", () => {
    const text = "# Straße\r\nglobal\n\n";
    expect(lbFact.parse(`active ${hex("active")}\nsha256 ${hex("f")}\nconfig ${hex(text)}\n`).stable.config).toEqual({
      sha256: "f",
      text,
    });
    expect(() => lbFact.parse(`active ${hex("active")}\nmanifest ${hex("{}")}\n`)).toThrow(
      "does not hold what drover writes",
    );
    expect(() => lbFact.parse(`active ${hex("active")}\nmanifest ${hex("{")}\n`)).toThrow(
      "does not hold what drover writes",
    );
    expect(() => lbFact.parse("")).toThrow("cut off");
  });
});
