import { describe, expect, test } from "vitest";
import { firewallShowOf } from "../../../src/commands/firewall-told.ts";
import { shownRules } from "../../../src/commands/firewall-words.ts";
import type { FirewallFacts, FirewallStable } from "../../../src/firewall/facts.ts";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { firewallHash } from "../../../src/firewall/render.ts";
import { failure } from "../../../src/model/errors.ts";
import type { FirewallModel, FirewallRule } from "../../../src/model/firewall.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { FirewallTold } from "../../../src/report/firewall-show.ts";
import { httpRoute, match, modelWith, ruleFor, topologyWith } from "../../support/firewall.ts";

const topology = topologyWith({
  hosts: {
    lb1: ["10.0.0.10", "fd00::10"],
    app1: ["10.0.0.12", "fd00::12"],
    app2: ["10.0.0.13", "fd00::13"],
  },
  apps: { shop: { on: ["app1", "app2"], routes: [httpRoute("edge")] } },
  sets: { edge: { on: ["lb1"], vips: [{ address: "10.0.0.100", prefix: 24 }] } },
});
const rulePlaces = { "in orders-db:0": { file: "drover.yaml", line: 7, column: 9 } };
const words = { topology, rulePlaces };

function peersOf(...peers: readonly string[]): readonly string[] {
  return shownRules([ruleFor("orders-db:0", peers)], words)[0]?.peers ?? [];
}

describe("a rule in words", () => {
  test("names hosts and VIPs, as long as nobody else is meant", () => {
    expect(peersOf("10.0.0.10/32", "fd00::10/128")).toEqual(["lb1"]);
    expect(peersOf("10.0.0.12/31", "10.0.0.100/32", "fd00::12/127")).toEqual(["app1", "app2", "VIP of edge"]);
    expect(peersOf("10.0.0.12/31")).toEqual(["app1 (10.0.0.12)", "app2 (10.0.0.13)"]);
    expect(peersOf("10.0.0.8/30", "192.0.2.7/32")).toEqual(["10.0.0.8/30", "192.0.2.7"]);
    expect(shownRules([ruleFor("x:0", "anyone")], words)[0]?.peers).toEqual(["anyone"]);
  });

  test("tells ports of one source together, and where it is written", () => {
    const rules: readonly FirewallRule[] = [
      ruleFor("orders-db:0", ["10.0.0.10/32"], { match: match("tcp", 80, 443) }),
      ruleFor("orders-db:0", ["10.0.0.10/32"], { match: match("udp") }),
      ruleFor("fleet/vrrp/edge:0", ["10.0.0.10/32"], { match: { protocol: "vrrp" } }),
    ];
    expect(shownRules(rules, words).map(({ ports, place }) => [ports, place])).toEqual([
      [["tcp/80", "tcp/443", "udp/*"], "drover.yaml:7:9"],
      [["vrrp"], null],
    ]);
  });
});

describe("a host's own account", () => {
  const desired = desiredFirewall(topology).get("app1") ?? modelWith([]);
  const stable = (model: FirewallModel | null): FirewallStable => ({
    missing: [],
    rivals: ["ufw is active"],
    manifest: model === null ? null : { generation: 4, model, hash: firewallHash(model) },
    active: model === null ? { v4: null, v6: null } : { v4: 4, v6: 4 },
    newest: 4,
    unconfirmed: null,
    enabled: true,
    drift: ["a rule is gone"],
  });
  const live: FirewallFacts["live"] = { ahead: [], published: ["tcp/5000"], operator: null };
  const fleet = { rulePlaces };
  const told = (model: FirewallModel | null, wanted: FirewallModel | null = desired): FirewallTold => {
    const facts = known({ stable: stable(model), live });
    const show = firewallShowOf({ fleet, topology }, { host: "app1", facts, desired: wanted });
    if (show.told === null) throw new Error("it told");
    return show.told;
  };

  test("is passed on, and compared with the files", () => {
    expect(told(desired)).toMatchObject({
      generation: 4,
      pending: [],
      drift: ["a rule is gone"],
      rivals: ["ufw is active"],
    });
    expect(told(modelWith([])).pending).toContain("app1 lets lb1 in at tcp 8080 (app/shop/routes:0)");
    const rest = { ...desired, log: false };
    expect(told(rest).pending).toEqual(["app1 logs what it refuses"]);
    expect(told({ ...desired, rules: desired.rules.map((rule) => ({ ...rule, source: "old:0" })) }).pending).toEqual([
      "the same passes, for other reasons",
    ]);
    expect(told(null).pending).toEqual(["the files want a firewall here, and there is none yet"]);
  });

  test("has nothing in the way where firewalls are not managed, but rules that are left are pending", () => {
    expect(told(null, null)).toMatchObject({ pending: [], rivals: [] });
    expect(told(desired, null).pending).toEqual(["app1 keeps drover's rules, and the files want none any more"]);
  });

  test("that is missing is unknown, never empty", () => {
    const why = failure("host-timeout", "app1 did not answer");
    const show = firewallShowOf({ fleet, topology }, { host: "app1", facts: unknown(why), desired });
    expect(show).toEqual({ host: "app1", managed: true, told: null, why });
  });
});
