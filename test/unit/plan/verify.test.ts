import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hashesOf } from "../../../src/lb/change.ts";
import { desiredLb } from "../../../src/lb/desired.ts";
import { configHash } from "../../../src/lb/diff.ts";
import type { LbFacts, LbLive, LbStable } from "../../../src/lb/facts.ts";
import { setDisabled } from "../../../src/lb/normalize.ts";
import { renderLb } from "../../../src/lb/render.ts";
import { failure } from "../../../src/model/errors.ts";
import { sha256 } from "../../../src/model/hash.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { TopologyBalancer } from "../../../src/model/topology.ts";
import type { BalancerAccount } from "../../../src/plan/verify/account.ts";
import { fileStands, filesInWords } from "../../../src/plan/verify/files.ts";
import type { Finding } from "../../../src/plan/verify/findings.ts";
import { hearingChecks } from "../../../src/plan/verify/hearing.ts";
import { verify } from "../../../src/plan/verify/verify.ts";
import { desiredVip } from "../../../src/vip/desired.ts";
import type { VipFacts } from "../../../src/vip/facts.ts";
import { renderKeepalived } from "../../../src/vip/render.ts";
import { HAPROXY_TEMPLATE, topologyOf } from "../../support/fleets.ts";
import { factsWith } from "../vip/models.ts";

const VIP = { address: "10.0.0.100", prefix: 24 };
const plain = topologyOf({
  hosts: ["app1", "app2"],
  balancers: { edge: ["lb1", "lb2"] },
  apps: [{ name: "shop", release: "1", hosts: ["app1", "app2"], sets: ["edge"], rollout: {} }],
});
const topology = {
  ...plain,
  balancers: plain.balancers.map((each) => ({ ...each, vips: [VIP], virtualRouterId: 7, interface: "eth0" })),
};
const [found] = topology.balancers;
if (found === undefined) throw new Error("the sketch has a set");
const edge: TopologyBalancer = found;
const render = renderLb(HAPROXY_TEMPLATE, desiredLb(topology, "lb1", []), new Set());
const wanted = { config: configHash(render.config), files: hashesOf(render) };
const [map = ""] = Object.keys(wanted.files);
const keepalivedTemplate = readFileSync(new URL("../../../templates/keepalived.conf.hbs", import.meta.url), "utf8");
const NOBODY_OUT = known({ drains: {}, open: {} });

/** A balancer's HAProxy on which all is well, but for what a test says. */
function haproxy(stable: Partial<LbStable> = {}, live: Partial<LbLive> = {}): LbFacts {
  return {
    stable: {
      installed: true,
      package: "haproxy",
      active: true,
      config: { sha256: sha256(render.config), text: render.config },
      files: hashesOf(render),
      disabled: [],
      admin: { "shop/app1": "ready", "shop/app2": "ready" },
      manifest: {
        model: desiredLb(topology, "lb1", []),
        sha256: wanted.config,
        files: Object.fromEntries(Object.entries(hashesOf(render)).map(([path, hash]) => [path, { sha256: hash }])),
      },
      interrupted: false,
      ...stable,
    },
    live: {
      servers: {},
      followed: {},
      addresses: { "shop/app1": { address: "10.0.0.1", port: 8080 }, "shop/app2": { address: "10.0.0.2", port: 8080 } },
      about: { version: "2.6.12", uptime: 60, connections: 1, sessionRate: 0 },
      processes: {
        master: { pid: 1, reloads: 1, failed: 0 },
        current: { pid: 2, reloads: 0, uptime: 60 },
        old: [],
      },
      ...live,
    },
  };
}

function keepalivedText(balancer: string): string {
  const model = desiredVip(topology, balancer, null);
  if (model === null) throw new Error(`${balancer} has a VIP`);
  return renderKeepalived(keepalivedTemplate, model);
}

/** The same of its keepalived. */
function keepalived(
  balancer: string,
  stable: Partial<VipFacts["stable"]> = {},
  live: Partial<VipFacts["live"]> = {},
): VipFacts {
  const model = desiredVip(topology, balancer, null);
  if (model === null) throw new Error(`${balancer} has no VIP`);
  return {
    ...factsWith(model, { interfaces: {}, ...stable }),
    live: { holds: balancer === "lb1" ? [VIP.address] : [], alive: true, ...live },
  };
}

function account(balancer: string, over: Partial<BalancerAccount> = {}): BalancerAccount {
  return {
    balancer,
    lb: known(haproxy()),
    vip: known(keepalived(balancer)),
    wanted,
    keepalived: known(keepalivedText(balancer)),
    selfTest: known({ passes: true, words: [] }),
    runtime: known([]),
    ...over,
  };
}

function findings(
  first: Partial<BalancerAccount>,
  state: Parameters<typeof verify>[1] = NOBODY_OUT,
  second: Partial<BalancerAccount> = {},
): readonly Finding[] {
  const balancers = [account("lb1", first), account("lb2", second)];
  return verify([{ set: edge, balancers, hearing: [] }], state, []).findings;
}

/** Findings in short: `lb1 drained`. */
function short(all: readonly Finding[]): readonly string[] {
  return all.map(({ balancer, set, code, kind }) => `${balancer ?? set} ${code}${kind === "unknown" ? "?" : ""}`);
}

describe("verify", () => {
  test("finds nothing where all is as it should be, and counts what it looked at", () => {
    const accounts = [account("lb1"), account("lb2")];
    const result = verify([{ set: edge, balancers: accounts, hearing: [] }], NOBODY_OUT, []);
    expect(result.findings).toEqual([]);
    expect(result.balancers).toBe(2);
    expect(result.checks).toBeGreaterThan(25);
  });

  test.for<readonly [string, Partial<BalancerAccount>, readonly string[]]>([
    ["stopped", { lb: known(haproxy({ active: false, admin: null }, { processes: null })) }, ["lb1 haproxy-down"]],
    ["mute", { lb: known(haproxy({ admin: null })) }, ["lb1 haproxy-down"]],
    [
      "with an old failed reload",
      { lb: known(haproxy({}, { processes: { master: { pid: 1, reloads: 2, failed: 1 }, current: null, old: [] } })) },
      ["lb1 reload-failed"],
    ],
    ["changed half-way", { lb: known(haproxy({ interrupted: true })) }, ["lb1 change-cut-off"]],
    [
      "with a map changed by hand",
      { lb: known(haproxy({ files: { [map]: sha256("another") } })) },
      ["edge set-differs", "lb1 file-differs"],
    ],
    ["without a map", { lb: known(haproxy({ files: {} })) }, ["edge set-differs", "lb1 file-differs"]],
    ["running other servers", { runtime: known(["shop/app9 runs"]) }, ["lb1 runtime-differs"]],
    ["silent", { lb: unknown(failure("host-timeout", "lb1 is silent")) }, ["lb1 unanswered?"]],
    [
      "with a certificate nobody can compare",
      { wanted: { ...wanted, files: { [map]: null } } },
      ["lb1 files-unknown?"],
    ],
  ])("sees a HAProxy that is %s", ([, over, expected]) => {
    expect(short(findings(over))).toEqual(expected);
  });

  test("names a balancer once, though what it did not tell names it too", () => {
    const [finding] = findings({ lb: unknown(failure("unknown-state", "lb1: its manifest makes no sense")) });
    expect([finding?.balancer, finding?.message]).toEqual(["lb1", "its manifest makes no sense"]);
  });

  test("tells a file changed by hand from one that is older than the fleet's", () => {
    const text = `${render.config}# by hand\n`;
    const byHand = haproxy({ config: { sha256: sha256(text), text } });
    const [first, second] = findings({ lb: known(byHand) });
    expect(first?.message).toContain("is not the same on lb1, lb2");
    expect(second?.message).toBe("/etc/haproxy/haproxy.cfg was changed by hand");
    const older = { ...wanted, config: sha256("newer") };
    expect(findings({ wanted: older }).map(({ message }) => message)).toEqual([
      "/etc/haproxy/haproxy.cfg is older than the fleet's files",
    ]);
    expect(filesInWords(byHand, fileStands(byHand, wanted))).toBe("changed by hand");
    expect(filesInWords(haproxy(), fileStands(haproxy(), older))).toBe("older than the files");
    expect(filesInWords(haproxy(), fileStands(haproxy(), wanted))).toBe("as drover wrote it");
    const foreign = haproxy({ manifest: null });
    expect(filesInWords(foreign, fileStands(foreign, wanted))).toBe("not drover's");
  });

  test("lets nobody be out of service but whom a rollout or a drain owes that, in drain or in maint", () => {
    const text = setDisabled(render.config, { backend: "shop", server: "app1" }, true);
    const config = { sha256: sha256(text), text };
    for (const state of ["drain", "maint"] as const) {
      const facts = haproxy({ admin: { "shop/app1": state, "shop/app2": "ready" }, config, disabled: ["shop/app1"] });
      const both = { lb: known(facts) };
      expect(short(findings(both, NOBODY_OUT, both))).toEqual(["lb1 drained", "lb2 drained"]);
      expect(findings(both, known({ drains: {}, open: { shop: "r1" } }), both)).toEqual([]);
      const drain = { reason: "disk", operator: "ann", since: "2026-11-21T18:00:00Z" };
      expect(findings(both, known({ drains: { app1: drain }, open: {} }), both)).toEqual([]);
      // Drained means on every balancer.
      expect(short(findings(both, known({ drains: { app1: drain }, open: {} })))).toEqual(["lb2 drain-lost"]);
    }
  });

  test("says so when nobody knows who may be drained", () => {
    expect(short(findings({}, unknown(failure("host-lost", "dns1 is gone"))))).toEqual(["edge unanswered?"]);
  });

  test.for<readonly [string, Partial<VipFacts["stable"]>, Partial<VipFacts["live"]>, readonly string[]]>([
    ["stopped", { active: false }, {}, ["lb1 keepalived-down"]],
    ["not started at boot", { enabled: false }, {}, ["lb1 keepalived-down"]],
    ["left stopped", { active: false, yielded: true }, {}, ["lb1 keepalived-down"]],
    ["changed by hand", { config: { sha256: sha256("x"), text: "x" } }, {}, ["lb1 keepalived-config"]],
    ["without its check", { check: null }, {}, ["lb1 check-off"]],
    ["without a HAProxy that answers", {}, { alive: false }, ["lb1 check-off"]],
  ])("sees a keepalived that is %s", ([, stable, live, expected]) => {
    expect(short(findings({ vip: known(keepalived("lb1", stable, live)) }))).toEqual(expected);
  });

  test("a balancer that was taken out with drover drain has handed its VIP over", () => {
    const drain = { reason: "kernel", operator: "ann", since: "2026-11-21T18:00:00Z" };
    const state = known({ drains: { lb2: drain }, open: {} });
    const out = { vip: known(keepalived("lb2", { active: false, yielded: true })) };
    expect(findings({}, state, out)).toEqual([]);
    expect(short(findings({}, NOBODY_OUT, out))).toEqual(["lb2 keepalived-down"]);
  });

  test("sees a check that keepalived leaves out without a word", () => {
    const words = ["Unsafe permissions found for script '/etc/keepalived/drover-alive'."];
    const [finding] = findings({ selfTest: known({ passes: false, words }) });
    expect(finding).toMatchObject({ code: "check-off", message: expect.stringContaining("Unsafe permissions") });
    // The facts know it as well where the script is to blame: told once.
    const both = { vip: known(keepalived("lb1", { check: null })), selfTest: known({ passes: false, words }) };
    expect(short(findings(both))).toEqual(["lb1 check-off"]);
  });

  test("wants one holder of each VIP", () => {
    const holds = { vip: known(keepalived("lb2", {}, { holds: [VIP.address] })) };
    const without = { vip: known(keepalived("lb1", {}, { holds: [] })) };
    const silent = { vip: unknown(failure("host-timeout", "no answer")) };
    expect(short(findings({}, NOBODY_OUT, holds))).toEqual(["edge vip-several"]);
    expect(short(findings(without))).toEqual(["edge vip-nobody"]);
    expect(short(findings({}, NOBODY_OUT, silent))).toEqual(["edge vip-unknown?", "lb2 unanswered?"]);
  });

  test("a silent balancer is told once, though several things are not known of it", () => {
    const silent = unknown(failure("host-timeout", "lb1 is silent"));
    expect(short(findings({ lb: silent, vip: silent, selfTest: silent, keepalived: silent, runtime: silent }))).toEqual(
      ["edge vip-unknown?", "lb1 unanswered?"],
    );
  });

  test("a problem with the fleet's own files is told once", () => {
    const balancers = [account("lb1"), account("lb2")];
    const problem = failure("certificate", "certificate shop of edge ended on 2026-01-01");
    const result = verify([{ set: edge, balancers, hearing: [] }], NOBODY_OUT, [problem]);
    expect(short(result.findings)).toEqual(["edge files-unknown?"]);
  });
});

describe("hearing each other", () => {
  const one = { balancer: "lb1", model: { address: "10.0.0.1", peers: ["10.0.0.2"] } };
  const two = { balancer: "lb2", model: { address: "10.0.0.2", peers: ["10.0.0.1"] } };

  test("both ways is two checks that pass", () => {
    const checks = hearingChecks("edge", [
      { ...one, from: known(["10.0.0.2"]) },
      { ...two, from: known(["10.0.0.1"]) },
    ]);
    expect(checks).toEqual([{ kind: "passed" }, { kind: "passed" }]);
  });

  test("one way closed is one finding, which says which", () => {
    const [passed, deaf] = hearingChecks("edge", [
      { ...one, from: known(["10.0.0.2"]) },
      { ...two, from: known([]) },
    ]);
    expect(passed).toEqual({ kind: "passed" });
    expect(deaf).toMatchObject({
      code: "vrrp-deaf",
      balancer: "lb2",
      message: "lb2 does not hear lb1: IP protocol 112 from 10.0.0.1 to 10.0.0.2 is lost",
    });
  });

  test("who could not speak is unknown, and is no proof of a closed way", () => {
    const why = failure("host-timeout", "lb1 is silent");
    const checks = hearingChecks("edge", [
      { ...one, from: unknown(why) },
      { ...two, from: known([]) },
    ]);
    expect(checks.map(({ kind }) => kind)).toEqual(["unknown", "unknown"]);
  });
});
