// The VIP: how long nobody answers when it moves, and what must not move it (tests 11 to 14).
import { expect } from "vitest";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout, until } from "../lab.ts";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import { balancers, drover, expectDrover } from "../shop.ts";
import { measureFailover } from "../vip.ts";
import type { Bench } from "./bench.ts";
import { filesOf, holders, NAMES, oneHolder, pressure, VIP } from "./bench.ts";

const other = (balancer: string): string => (balancer === "lb1" ? "lb2" : "lb1");

/** 11: HAProxy of the holder is stopped: the other balancer answers at the VIP within 3.5 s. */
export async function haproxyStopped(bench: Bench): Promise<number> {
  const { lab } = bench;
  const holder = await oneHolder(lab);
  const { gap } = await measureFailover(lab, () => lab.exec(holder, ["systemctl", "stop", "haproxy"]), {
    name: NAMES[0] ?? "",
    after: 4000,
  });
  expect(await oneHolder(lab)).toBe(other(holder));
  await lab.exec(holder, ["systemctl", "start", "haproxy"]);
  console.log(`11 HAProxy of ${holder} stopped: nobody answered for ${(gap / 1000).toFixed(2)} s (limit 3.5 s)`);
  return gap;
}

/** 12: keepalived killed, or its host cut off as when a VM is paused: within 4 s, and one holder after it is back. */
export async function holderGone(bench: Bench, how: "kill -9 keepalived" | "pause"): Promise<number> {
  const { lab } = bench;
  const holder = await oneHolder(lab);
  const event = async (): Promise<void> => {
    if (how === "pause") await lab.partition(holder, "all");
    // By the unit's group, parent and children at once, and masked for now: systemd would start it again.
    else
      await lab.exec(holder, [
        "sh",
        "-c",
        "systemctl mask --runtime -q keepalived; systemctl kill -s KILL keepalived; ip addr show dev eth0 | grep -c inet",
      ]);
  };
  const { gap } = await measureFailover(lab, event, { name: NAMES[0] ?? "", after: 4500 });
  if (how === "pause") await lab.heal();
  else await lab.exec(holder, ["sh", "-c", "systemctl unmask --runtime -q keepalived; systemctl start keepalived"]);
  await until("one balancer holds the VIP", async () => (await holders(lab)).length === 1, 15_000);
  // It has to stay so: the one that is back hears the other's next adverts.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(await holders(lab)).toHaveLength(1);
  console.log(`12 ${how} on ${holder}: nobody answered for ${(gap / 1000).toFixed(2)} s (limit 4 s), one holder after`);
  return gap;
}

/** Rules as a firewall of a balancer has them: VRRP from the peer, and what the lab needs. */
const RULES = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p 112 -s 192.168.56.0/24 -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -j ACCEPT
COMMIT
`;

/** What keepalived said of its VRRP state since a moment. */
async function transitions(bench: Bench, since: string): Promise<string> {
  const each = await Promise.all(
    balancers.map(async (balancer) => {
      const look = 'journalctl -q -o cat -u keepalived --since "@$1" | grep -E "Entering (MASTER|BACKUP|FAULT)"; true';
      return (await bench.lab.exec(balancer, ["sh", "-c", look, "sh", since])).stdout;
    }),
  );
  return each.join("");
}

/** 13: a firewall written again and again, whole, does not move the VIP; VRRP dropped one way is found by verify. */
export async function firewallRegenerated(bench: Bench, times: number): Promise<void> {
  const { lab } = bench;
  const holder = await oneHolder(lab);
  const since = String(Math.floor(Date.now() / 1000));
  const loop = "cat > /run/rules; i=0; while [ $i -lt $1 ]; do iptables-restore < /run/rules; i=$((i+1)); done";
  await Promise.all(
    balancers.map((balancer) => lab.exec(balancer, ["sh", "-c", loop, "sh", String(times)], { stdin: RULES })),
  );
  expect(await oneHolder(lab)).toBe(holder);
  expect(await transitions(bench, since)).toBe("");
  await expectDrover(lab, 0, "lb", "verify");
  // The holder does not hear its peer: no symptom until the day it matters.
  await lab.exec(holder, ["iptables", "-I", "INPUT", "-p", "112", "-j", "DROP"]);
  const deaf = await drover(lab, "lb", "verify");
  for (const balancer of balancers) await lab.exec(balancer, ["sh", "-c", "iptables -P INPUT ACCEPT; iptables -F"]);
  expect(deaf.code, deaf.stdout).not.toBe(0);
  expect(deaf.stdout + deaf.stderr).toMatch(/VRRP/i);
  await expectDrover(lab, 0, "lb", "verify");
  console.log(
    `13 the firewall was written ${times} times: no change of VRRP's state; VRRP dropped one way: found by verify`,
  );
}

/** 14: a VIP comes without two holders at any time; a broken keepalived.conf reaches nobody. */
export async function addVip(bench: Bench): Promise<void> {
  const { lab } = bench;
  const holder = await oneHolder(lab);
  let most = 0;
  let samples = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      most = Math.max(most, (await holders(lab)).length, (await holders(lab, "192.168.56.15")).length);
      samples += 1;
    }
  })();
  await bench.edge({ vip: `[${VIP}/24, "fd00:56::10/64", 192.168.56.15/24]` });
  const { seen } = await under(pressure(bench), () => expectDrover(lab, 0, "apply", "--yes"));
  await until("the new VIP is held", async () => (await holders(lab, "192.168.56.15")).length === 1, 10_000);
  over = true;
  await watching;
  expect(most, "holders at one time").toBe(1);
  expect(await oneHolder(lab)).toBe(holder);
  expect(await holders(lab, "192.168.56.15")).toEqual([holder]);
  expectNoFailures(seen, true);
  console.log(`14 a VIP added: never more than ${most} holder in ${samples} looks: ${figures(seen)}`);

  const before = await Promise.all(balancers.map((balancer) => filesOf(lab, balancer)));
  const template = await readFile(join(checkout, "templates/keepalived.conf.hbs"), "utf8");
  await bench.template(
    "keepalived.conf.hbs",
    template.replace(/^vrrp_instance /m, "no_such_keyword x\nvrrp_instance "),
  );
  await expectDrover(lab, 6, "apply", "--yes");
  await bench.template("keepalived.conf.hbs", null);
  expect(await Promise.all(balancers.map((balancer) => filesOf(lab, balancer)))).toEqual(before);
  expect(await oneHolder(lab)).toBe(holder);
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  console.log("14 a broken keepalived.conf: refused, files as before, the holder holds");
}
