// An app moves to another host, and instances come, with the firewall in force (proof 11, Must show 4).
import { expect } from "vitest";
import { startLoad } from "../../../../lab/demo/load.ts";
import { until } from "../lab.ts";
import type { FirewallBench } from "../flows/bench.ts";
import { ADDRESS, FLOW, SHOP } from "../flows/bench.ts";
import { expectNeverBetween, pairs, tally, watching } from "../flows/matrix.ts";
import { drover, expectDrover } from "../shop.ts";

const BALANCERS = ["lb1", "lb2"] as const;

/** What the bench's files allow while the shop and flows run on these hosts. */
function allowed(shop: readonly string[], flows: readonly string[]): ReadonlySet<string> {
  return new Set([...pairs(BALANCERS, shop, SHOP), ...pairs([...shop, ...BALANCERS], flows, FLOW)]);
}

function users({ lab }: FirewallBench): {
  stop(): Promise<{ readonly requests: number; readonly failed: number; readonly report: string }>;
} {
  const common = { lab: lab.name, host: "shop.lab.internal", connections: 4, delay: 100, limit: 3600 };
  const loads = [
    startLoad({ ...common, address: ADDRESS["vip"] ?? "", close: true }),
    startLoad({ ...common, address: ADDRESS["lb1"] ?? "" }),
    startLoad({ ...common, address: ADDRESS["lb2"] ?? "" }),
  ];
  return {
    async stop() {
      const all = await Promise.all(loads.map((load) => load.stop()));
      return {
        requests: all.reduce((sum, each) => sum + each.requests, 0),
        failed: all.reduce((sum, each) => sum + each.failed, 0),
        report: all.map(({ report }) => report).join(""),
      };
    },
  };
}

/** Moves the shop to app2 and `to`, from app2 and the other one, while everybody knocks everywhere. */
export async function moveApp(bench: FirewallBench, from: string, to: string): Promise<void> {
  const { lab } = bench;
  const flows = ["app2", "app3"];
  const old = allowed([from, "app2"], flows);
  const after = allowed([to, "app2"], flows);
  const watch = await watching(lab);
  const load = users(bench);
  await until("everybody has knocked everywhere", async () => {
    return [...(await watch.report()).values()].every(({ open, shut }) => open + shut >= 3);
  });
  const before = tally(await watch.report());
  expect([...before.everOpen].toSorted(), "let in before").toEqual([...old].toSorted());
  await bench.app("shop", { hosts: [to, "app2"] });
  const began = performance.now();
  await expectDrover(lab, 0, "apply", "--yes");
  const ms = performance.now() - began;
  // New samplers only see what is let in from now on.
  const then = await watching(lab);
  await until("everybody has knocked again", async () => {
    return [...(await then.report()).values()].every(({ open, shut }) => open + shut >= 3);
  });
  const totals = await load.stop();
  const [seen, last] = await Promise.all([watch.stop(), then.stop()]);
  console.log(
    `shop moved from ${from} to ${to} in ${ms.toFixed(0)} ms: ${String(tally(seen).samples)} samples of ${String(seen.size)} pairs, ` +
      `${String(tally(seen).everOpen.size)} ever open; ${String(totals.requests)} requests, ${String(totals.failed)} failed`,
  );
  expect([...tally(last).everOpen].toSorted(), "let in afterwards").toEqual([...after].toSorted());
  expectNeverBetween(seen, old, after);
  expect(totals.failed, totals.report).toBe(0);
  expect(totals.requests).toBeGreaterThan(100);
}

/** Rules that say what `host` lets in, as iptables has them. */
async function rulesOf({ lab }: FirewallBench, host: string): Promise<string> {
  return (await lab.exec(host, ["sh", "-c", "iptables -w 10 -S | sed 's/-g[0-9]*//'"])).stdout;
}

/** A rollout of one app opens what its new instance needs there, and nothing else that is pending. */
export async function rolloutOpensItsOwn(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const others = await Promise.all(["app1", "app2", "dns1"].map((host) => rulesOf(bench, host)));
  await bench.policy("pending", `{hosts: "@host=*", ingress: [{from: [{cidr: 10.8.0.0/16}], ports: [4444]}]}`);
  await bench.app("shop", { hosts: ["app1", "app2", "app3"] });
  const watch = await watching(lab);
  await expectDrover(lab, 0, "rollout", "start", "shop", "--release", "1.4.0");
  const then = await watching(lab);
  await until("everybody has knocked", async () => {
    return [...(await then.report()).values()].every(({ open, shut }) => open + shut >= 3);
  });
  const [seen, last] = await Promise.all([watch.stop(), then.stop()]);
  const flows = ["app2", "app3"];
  const [old, after] = [allowed(["app1", "app2"], flows), allowed(["app1", "app2", "app3"], flows)];
  expectNeverBetween(seen, old, after);
  expect([...tally(last).everOpen].toSorted()).toEqual([...after].toSorted());
  const now = await Promise.all(["app1", "app2", "app3", "dns1"].map((host) => rulesOf(bench, host)));
  for (const rules of now) expect(rules).not.toContain("4444");
  expect(now[0], "app1, where nothing is there for the shop that was not there before").toBe(others[0]);
  expect(now[3]).toBe(others[2]);
  const planned = await drover(lab, "plan");
  expect(planned.code, planned.stdout).toBe(2);
  await bench.policy("pending", null);
  await bench.app("shop", { hosts: ["app1", "app2"] });
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `rollout of one more instance: its own ways opened, what was pending stays so; ${String(tally(seen).samples)} samples`,
  );
}
