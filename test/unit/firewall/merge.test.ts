import { describe, expect, test } from "vitest";
import { keepForApps, mergeForApp, sameModel } from "../../../src/firewall/merge.ts";
import type { FirewallModel, FirewallRule } from "../../../src/model/firewall.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const ssh = ruleFor("fleet/ssh:0", ["192.168.56.1/32"], { match: match("tcp", 22) });

function rule(
  source: string,
  address: string,
  apps: readonly string[],
  over: Partial<FirewallRule> = {},
): FirewallRule {
  return ruleFor(source, [`${address}/32`], { apps, ...over });
}

/** Rules as `source address`, with their ports. */
function said(model: FirewallModel | null): readonly string[] | null {
  return (
    model?.rules.map(({ source, peers, match: { protocol, ...rest } }) => {
      const ports = "ports" in rest ? (rest.ports ?? []).map(({ from }) => ` ${String(from)}`).join("") : "";
      return `${source} ${[peers].flat().join(" ")} ${protocol}${ports}`;
    }) ?? null
  );
}

describe("a change of one app", () => {
  const before = modelWith([
    ssh,
    rule("app/orders/routes:0", "10.0.0.1", ["orders"]),
    rule("app/shop/routes:0", "10.0.0.1", ["shop"]),
  ]);

  test("takes its rules from what is desired, and leaves all others as they are", () => {
    const desired = modelWith([
      rule("app/orders/routes:0", "10.0.0.2", ["orders"]),
      rule("app/shop/routes:0", "10.0.0.2", ["shop"]),
      rule("shop-db:0", "10.0.0.3", ["shop"]),
      rule("unrelated:0", "10.0.0.9", []),
    ]);
    expect(said(mergeForApp("shop", before, desired))).toEqual([
      "app/orders/routes:0 10.0.0.1/32 tcp 80",
      "app/shop/routes:0 10.0.0.2/32 tcp 80",
      "fleet/ssh:0 192.168.56.1/32 tcp 22",
      "shop-db:0 10.0.0.3/32 tcp 80",
    ]);
  });

  test("has no model to begin with where there was none", () => {
    expect(mergeForApp("shop", null, before)).toBeNull();
  });

  test("cuts no other app that shares its rules", () => {
    const shared = rule("fleet/metrics:0", "10.0.0.7", ["orders", "shop"], { match: match("tcp", 9100, 9200) });
    const smaller = rule("fleet/metrics:0", "10.0.0.7", ["orders"], { match: match("tcp", 9200) });
    expect(said(mergeForApp("shop", modelWith([shared]), modelWith([smaller])))).toEqual([
      "fleet/metrics:0 10.0.0.7/32 tcp 9200",
    ]);
    const stale = rule("fleet/metrics:0", "10.0.0.7", ["shop"]);
    const taken = rule("fleet/metrics:0", "10.0.0.7", ["orders"]);
    expect(said(mergeForApp("shop", modelWith([stale]), modelWith([taken])))).toEqual([
      "fleet/metrics:0 10.0.0.7/32 tcp 80",
    ]);
  });

  test("neither isolates a host outwards nor frees it", () => {
    const way = rule("app/shop/talksTo:0", "10.0.0.5", ["shop"], { direction: "out" });
    expect(mergeForApp("shop", modelWith([]), modelWith([way]))).toEqual(modelWith([]));
    expect(mergeForApp("shop", modelWith([way]), modelWith([]))).toEqual(modelWith([way]));
  });
});

describe("apps that are left alone", () => {
  test("keep what they have beside what is desired", () => {
    const before = modelWith([
      rule("app/shop/routes:0", "10.0.0.1", ["shop"]),
      rule("app/old/routes:0", "10.0.0.1", ["old"]),
    ]);
    const desired = modelWith([ssh, rule("app/shop/routes:0", "10.0.0.2", ["shop"])], { log: false });
    const kept = keepForApps(["shop"], before, desired);
    expect(said(kept)).toEqual([
      "app/shop/routes:0 10.0.0.1/32 tcp 80",
      "app/shop/routes:0 10.0.0.2/32 tcp 80",
      "fleet/ssh:0 192.168.56.1/32 tcp 22",
    ]);
    expect(kept.log).toBe(false);
    expect(keepForApps(["other"], before, desired)).toBe(desired);
    expect(keepForApps(["shop"], null, desired)).toBe(desired);
  });

  test("have no rules outwards where everything goes out", () => {
    const way = rule("app/shop/talksTo:0", "10.0.0.5", ["shop"], { direction: "out" });
    expect(keepForApps(["shop"], modelWith([way]), modelWith([])).rules).toEqual([]);
  });
});

test("models are the same whichever apps their rules are there for, and whatever their order", () => {
  const [one, other] = [rule("a:0", "10.0.0.1", ["shop"]), rule("b:0", "10.0.0.1", [])];
  expect(sameModel(modelWith([one, other]), modelWith([other, { ...one, apps: [] }]))).toBe(true);
  expect(sameModel(modelWith([one]), modelWith([{ ...one, sever: true }]))).toBe(false);
  expect(sameModel(modelWith([one]), modelWith([one], { log: false }))).toBe(false);
  expect(sameModel(modelWith([one]), null)).toBe(false);
});
