// What is closed and cut, what was changed by hand, and what stays when drover's firewall goes.
import { expect } from "vitest";
import { until } from "../lab.ts";
import type { Agent, Streamed } from "../flows/agents.ts";
import { streaming } from "../flows/agents.ts";
import type { FirewallBench } from "../flows/bench.ts";
import { ADDRESS, FLOW, HOSTS } from "../flows/bench.ts";
import { allInForce, isLetIn, rulesOf, sh } from "../flows/rules.ts";
import { drover, expectDrover } from "../shop.ts";

const app3 = ADDRESS["app3"] ?? "";

function both({ lab }: FirewallBench, from: string): Promise<readonly Agent<Streamed>[]> {
  const to = `${app3} ${String(FLOW)}`;
  return Promise.all((["push", "pull"] as const).map((way) => streaming(lab, from, to, { count: 3, way })));
}

async function bytes(streams: readonly Agent<Streamed>[]): Promise<number> {
  return (await Promise.all(streams.map((each) => each.report()))).reduce((sum, { least }) => sum + least, 0);
}

/** A policy that goes cuts its open streams where it says `sever`, in whichever direction they flow, and only there. */
export async function revoked(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  await bench.policy("cut", `{app: flows, ingress: [{from: [{hosts: "role=dns"}], ports: [flows]}], sever: true}`);
  await bench.policy("kept", `{app: flows, ingress: [{from: [{cidr: 192.168.56.1/32}], ports: [flows]}]}`);
  await expectDrover(lab, 0, "apply", "--yes");
  const cut = await both(bench, "dns1");
  const kept = await both(bench, "laptop");
  const bystanders = await both(bench, "app1");
  await bench.policy("cut", null);
  await bench.policy("kept", null);
  const began = performance.now();
  await expectDrover(lab, 0, "apply", "--yes");
  const applied = performance.now() - began;
  await until("the streams are cut", async () => {
    return (await Promise.all(cut.map((each) => each.report()))).every(({ broken, streams }) => broken === streams);
  });
  const ms = performance.now() - began;
  const then = await bytes([...kept, ...bystanders]);
  await until("the others go on", async () => (await bytes([...kept, ...bystanders])) > then + 12);
  expect(await isLetIn(lab, "laptop", app3, FLOW), "a new connection").toBe(false);
  expect(await isLetIn(lab, "dns1", app3, FLOW), "a new connection").toBe(false);
  const ends = await Promise.all(cut.map((each) => each.stop()));
  for (const stream of [...kept, ...bystanders]) expect((await stream.stop()).broken).toBe(0);
  console.log(
    `revoked: ${ends.map(({ how, streams }) => `${String(streams)} streams ${how.join("/")}`).join(" and ")} within ${ms.toFixed(0)} ms ` +
      `(apply ${applied.toFixed(0)} ms); 12 others, of them 6 closed without sever, go on`,
  );
}

/** A change by hand, and words that `plan` must say about it. */
interface ByHand {
  readonly what: string;
  readonly script: string;
  readonly says: RegExp;
}

const GENERATION = "g=$(readlink /var/lib/drover/firewall/current); g=${g#g}";

const BY_HAND: readonly ByHand[] = [
  {
    what: "a rule added",
    script: `${GENERATION}; iptables -I DRV-I-g$g 3 -s 203.0.113.9 -j ACCEPT`,
    says: /203\.0\.113\.9/,
  },
  {
    what: "a rule deleted",
    script: `${GENERATION}; iptables -D DRV-I-g$g $(iptables -S DRV-I-g$g | sed 1d | grep -n by-hand:0 | head -1 | cut -d: -f1)`,
    says: /by-hand:0/,
  },
  {
    what: "a rule edited, its comment kept",
    script: `${GENERATION}; n=$(iptables -S DRV-I-g$g | sed 1d | grep -n fleet/ssh:0 | head -1 | cut -d: -f1)
      c=$(iptables -S DRV-I-g$g $n | sed 's/.*--comment "\\([^"]*\\)".*/\\1/'); iptables -R DRV-I-g$g $n -p tcp --dport 22 -m comment --comment "$c" -j ACCEPT`,
    says: /fleet\/ssh:0/,
  },
  { what: "a chain emptied", script: `${GENERATION}; ip6tables -F DRV-I-g$g`, says: /DRV-I|v6|IPv6/i },
  { what: "the jump deleted", script: "iptables -D INPUT -j DRV-INPUT", says: /INPUT/ },
  {
    what: "a member deleted from a set",
    script: "s=$(ipset list -n | grep ^drv4 | head -1); ipset del $s $(ipset list $s | tail -1)",
    says: /drv4/,
  },
  { what: "everything flushed", script: "iptables -F", says: /drift|INPUT/ },
];

/** Proof 10, through the commands: drift by hand is said by `plan`, with exit code 2, and repaired; foreign rules stay. */
export async function byHand(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const nets = Array.from({ length: 12 }, (_, index) => `{cidr: 10.6.${String(2 * index)}.0/24}`).join(", ");
  await bench.policy("by-hand", `{hosts: "@host=app2", ingress: [{from: [${nets}], ports: [4321]}]}`);
  await expectDrover(lab, 0, "apply", "--yes");
  await sh(
    lab,
    "app2",
    "iptables -N FOREIGN || iptables -F FOREIGN; iptables -A FOREIGN -s 192.168.56.1/32; iptables -I INPUT 1 -j FOREIGN; ping -c 1 -W 2 192.168.56.31 >/dev/null",
  );
  const before = await allInForce(lab, HOSTS);
  const foreign = async (): Promise<number> => {
    return Number((await sh(lab, "app2", "iptables -vxnL FOREIGN | sed 1,2d | awk '{print $1}'")).trim());
  };
  for (const { what, script, says } of BY_HAND) {
    const isFlush = script === "iptables -F";
    const counted = await foreign();
    await sh(lab, "app2", script);
    const { code, stdout } = await drover(lab, "plan");
    expect(code, `${what}:\n${stdout}`).toBe(2);
    expect(stdout, what).toContain("app2");
    expect(stdout, what).toMatch(says);
    await expectDrover(lab, 0, "apply", "--yes");
    // A flush takes what is foreign along; that is not drover's to put back.
    if (isFlush) await sh(lab, "app2", "iptables -A FOREIGN -s 192.168.56.1/32; iptables -I INPUT 1 -j FOREIGN");
    else expect(await foreign(), `${what}: the foreign rule's counter`).toBeGreaterThan(counted);
    expect(await allInForce(lab, HOSTS), what).toEqual(before);
  }
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  await sh(lab, "app2", "iptables -D INPUT -j FOREIGN; iptables -F FOREIGN; iptables -X FOREIGN");
  await bench.policy("by-hand", null);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `by hand: ${BY_HAND.map(({ what }) => what).join(", ")}: each said by plan, repaired; the foreign chain counted on`,
  );
}

/** No `firewall:` block: drover's chains, sets, unit and files go, what others put there stays. */
export async function removed(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  await sh(
    lab,
    "app1",
    "iptables -N STAYS || iptables -F STAYS; iptables -A STAYS -s 192.168.56.31/32 -j RETURN; iptables -I INPUT 1 -j STAYS",
  );
  await bench.firewall(null);
  await expectDrover(lab, 0, "apply", "--yes");
  for (const host of HOSTS) {
    const rules = await rulesOf(lab, host);
    expect(rules, host).not.toMatch(/DRV|drv/);
    const found = await sh(
      lab,
      host,
      "find /etc/systemd /var/lib/drover -path /var/lib/drover/state -prune -o -name '*firewall*' -print; systemctl list-units --all --plain --no-legend 'drover-firewall*'; true",
    );
    expect(found, host).toBe("");
  }
  expect(await rulesOf(lab, "app1")).toContain("-A STAYS -s 192.168.56.31/32 -j RETURN");
  await sh(lab, "app1", "iptables -D INPUT -j STAYS; iptables -F STAYS; iptables -X STAYS");
  expect(await isLetIn(lab, "laptop", app3, FLOW)).toBe(true);
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  await bench.firewall({});
  await expectDrover(lab, 0, "apply", "--yes");
  expect(await isLetIn(lab, "laptop", app3, FLOW)).toBe(false);
  console.log("without the block: nothing of drover's is left, a foreign chain is; with it again: as before");
}
