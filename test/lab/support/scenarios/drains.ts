// What stays drained, whatever happens to the balancers meanwhile (tests 5 to 8).
import { expect } from "vitest";
import { startIdle } from "../load/idle.ts";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import { until } from "../lab.ts";
import { balancers, expectDrover } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { ADDRESSES, adminStates, NAMES, oneHolder, pressure, requestsOf, reloadsOf, VIP, WEB } from "./bench.ts";
import { expectAllReady } from "./rollouts.ts";

/** Every instance on the host is out on every balancer; `as` where it has to be one of the two ways. */
export async function expectOut({ lab }: Bench, host: string, as?: "drain" | "maint"): Promise<void> {
  for (const balancer of balancers) {
    const states = await adminStates(lab, balancer);
    const own = Object.entries(states).filter(([server]) => server.endsWith(`/${host}`));
    expect(own.length, balancer).toBeGreaterThan(0);
    for (const [server, state] of own) {
      if (as === undefined) expect(state, `${server} on ${balancer}`).not.toBe("ready");
      else expect(state, `${server} on ${balancer}`).toBe(as);
    }
  }
}

/** Users' requests of all web apps on a host. */
async function requestsOn(bench: Bench, host: string): Promise<number> {
  const there = WEB.filter((name) => bench.app(name).hosts.includes(host));
  const each = await Promise.all(there.map((name) => requestsOf(bench, name, host)));
  return each.reduce((sum, count) => sum + count, 0);
}

/** HAProxy of both balancers is reloaded, as a person would, and answers again. */
async function reloadByHand({ lab }: Bench): Promise<void> {
  for (const balancer of balancers) {
    const before = await reloadsOf(lab, balancer);
    const { code, stderr } = await lab.exec(balancer, ["systemctl", "reload", "haproxy"]);
    expect(code, stderr).toBe(0);
    await until(`${balancer} has reloaded`, async () => (await reloadsOf(lab, balancer)) > before);
    await until(`${balancer} answers`, async () => Object.keys(await adminStates(lab, balancer)).length > 0);
  }
}

/** 5: a drained host stays DRAIN over a reload by hand and one by apply, and gets no request. */
export async function reloadMidDrain(bench: Bench): Promise<void> {
  const { lab } = bench;
  const { result, seen } = await under(pressure(bench), async () => {
    await expectDrover(lab, 0, "drain", "app2", "-m", "reload in the middle");
    const before = await requestsOn(bench, "app2");
    await reloadByHand(bench);
    await expectOut(bench, "app2", "drain");
    await bench.edge({ timeouts: "{client: 31s}" });
    await expectDrover(lab, 0, "apply", "--yes");
    await expectOut(bench, "app2", "drain");
    const reached = (await requestsOn(bench, "app2")) - before;
    expect(await expectDrover(lab, 0, "status")).toContain("reload in the middle");
    await expectDrover(lab, 0, "undrain", "app2");
    return reached;
  });
  expect(result).toBe(0);
  await expectAllReady(bench);
  expectNoFailures(seen, true);
  console.log(`5 drained over two reloads: DRAIN on both, ${result} requests reached it: ${figures(seen)}`);
}

/** 6: one apply that reloads gives an app another port while a peer is drained: the new port serves, the peer stays out. */
export async function movePortBesideDrain(bench: Bench): Promise<void> {
  const { lab } = bench;
  const before = bench.app("cart");
  await bench.write("cart", { rollout: `${before.rollout}, minAvailable: 1` });
  await expectDrover(lab, 0, "apply", "--yes");
  const { seen } = await under(pressure(bench), async () => {
    await expectDrover(lab, 0, "drain", "app3", "-m", "beside a move");
    await bench.write("cart", { port: 8181 });
    await bench.edge({ timeouts: "{client: 32s}" });
    await expectDrover(lab, 0, "apply", "--yes");
    await expectOut(bench, "app3");
    for (const balancer of balancers) {
      const { stdout } = await lab.exec(balancer, ["grep", "-c", ":8181 ", "/etc/haproxy/haproxy.cfg"]);
      expect(stdout.trim(), balancer).toBe("3");
    }
    await expectDrover(lab, 0, "undrain", "app3");
  });
  await expectAllReady(bench);
  expectNoFailures(seen, true);
  await bench.write("cart", { ...before, port: 8181 });
  console.log(`6 another port beside a drained peer: it serves, the peer stayed out: ${figures(seen)}`);
}

/** 7: clients that were idle over a reload do not come to a host that is drained after it, nor to one that is updated. */
export async function idleOverReload(bench: Bench): Promise<void> {
  const { lab } = bench;
  const idle = ADDRESSES.map((address) => startIdle(lab, address, NAMES[0] ?? ""));
  const { result, seen } = await under(pressure(bench), async () => {
    await bench.edge({ timeouts: "{client: 33s}" });
    await expectDrover(lab, 0, "apply", "--yes");
    await expectDrover(lab, 0, "drain", "app1", "-m", "right after a reload");
    const before = await requestsOn(bench, "app1");
    // Longer than the longest silence: each idle client has spoken since.
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const reached = (await requestsOn(bench, "app1")) - before;
    await expectDrover(lab, 0, "undrain", "app1");
    const other = bench.app("shop").release === "1.6.4-abrupt" ? "1.6.3-abrupt" : "1.6.4-abrupt";
    await bench.write("shop", { release: other });
    await expectDrover(lab, 0, "apply", "--yes");
    return reached;
  });
  const users = await Promise.all(idle.map((each) => each.stop()));
  expect(result).toBe(0);
  for (const user of users) {
    expect(user.failed, JSON.stringify(user, null, 1)).toBe(0);
    expect(user.kept).toBeGreaterThan(0);
  }
  expectNoFailures(seen, true);
  const spoke = users.reduce((sum, user) => sum + user.requests, 0);
  console.log(`7 ${spoke} requests of idle clients, ${result} reached the drained host, 0 failed: ${figures(seen)}`);
}

/** 8: the VIP moves while a host is drained: nothing reaches it through the other balancer either. */
export async function failoverMidDrain(bench: Bench): Promise<void> {
  const { lab } = bench;
  const holder = await oneHolder(lab);
  await expectDrover(lab, 0, "drain", "app1", "-m", "the VIP moves");
  const before = await requestsOn(bench, "app1");
  await lab.exec(holder, ["systemctl", "stop", "keepalived"]);
  await until("the VIP has moved", async () => (await oneHolder(lab)) !== holder, 10_000);
  const served = await lab.run(["sh", "-c", SERVED, "sh", VIP, ...NAMES]);
  const reached = (await requestsOn(bench, "app1")) - before;
  await lab.exec(holder, ["systemctl", "start", "keepalived"]);
  await expectDrover(lab, 0, "undrain", "app1");
  expect(served.stdout.trim()).toBe("300");
  expect(reached).toBe(0);
  console.log(
    `8 the VIP moved from ${holder}: ${served.stdout.trim()} requests served, ${reached} reached the drained host`,
  );
}

/** A hundred requests for each name through an address; prints how many were answered with 200. */
const SERVED = `
  address=$1; shift
  for name in "$@"; do
    curl -sS -o /dev/null -w '%{http_code}\\n' -H "Host: $name" "http://$address/?[1-100]"
  done | grep -c '^200$'
`;
