// Nobody is locked out: not by a policy, not by a drover that is killed, not by a reboot (Must show 5).
import { join } from "node:path";
import { expect } from "vitest";
import { renderFirewall } from "../../../../src/firewall/render.ts";
import type { FirewallAction, FirewallModel } from "../../../../src/model/firewall.ts";
import type { FirewallRun } from "../firewall-run.ts";
import { checkout, until } from "../lab.ts";
import type { Lab } from "../lab.ts";
import type { FirewallBench } from "../flows/bench.ts";
import { ADDRESS, HOSTS } from "../flows/bench.ts";
import { allInForce, inForce, isLetIn, passes, sh } from "../flows/rules.ts";
import { drover, expectDrover } from "../shop.ts";

const run = join(checkout, "test/lab/support/firewall-run.ts");

/** An admin's list without the one who asks: refused before anything is sent. */
export async function adminWithoutOperator(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const before = await allInForce(lab, HOSTS);
  const { admin } = bench.block();
  await bench.firewall({ admin: ["10.20.30.40/32"] });
  for (const argv of [["plan"], ["apply", "--yes"]]) {
    // oxlint-disable-next-line no-await-in-loop -- one command after the other
    const { code, stdout, stderr } = await drover(lab, ...argv);
    expect(code, stdout).toBe(1);
    expect(stdout + stderr).toContain("would refuse you: you come from 192.168.56.1");
  }
  expect(await allInForce(lab, HOSTS)).toEqual(before);
  await bench.firewall({ admin });
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  console.log("an admin list without the operator: refused by plan and apply, nothing changed");
}

/** The last confirmed model of a host, and the largest number of a generation that it has seen. */
async function confirmed(lab: Lab, host: string): Promise<{ readonly model: FirewallModel; readonly seen: number }> {
  const text = await sh(lab, host, "cat /var/lib/drover/manifest/firewall.json; cat /var/lib/drover/firewall/seen");
  const [manifest = "", seen = ""] = text.trim().split("\n");
  const { model } = JSON.parse(manifest) as { model: FirewallModel };
  return { model, seen: Number(seen) };
}

/** Commits a model on a host over the real transport, by a process that is killed before it would confirm. */
async function inject(
  lab: Lab,
  host: string,
  { change, confirm }: { readonly change: (model: FirewallModel) => FirewallModel; readonly confirm: number },
): Promise<void> {
  const { model, seen } = await confirmed(lab, host);
  const next = change(model);
  const generation = seen + 1;
  const action: FirewallAction = {
    kind: "firewall.apply",
    host,
    generation,
    model: next,
    texts: renderFirewall(next, generation),
    confirm,
    cuts: [],
  };
  const input: FirewallRun = { actions: [action], hosts: { [host]: ADDRESS[host] ?? "" }, dies: true };
  const { code } = await lab.run(["node", run, JSON.stringify(input)]);
  expect(code, "killed where it would have confirmed").toBe(137);
}

const ssh = (lab: Lab, host: string): Promise<boolean> => isLetIn(lab, "laptop", ADDRESS[host] ?? "", 22);

/** Rules without a way in for anybody, committed by a drover that is dead: the host is out of reach, then it is not. */
export async function lockedOut(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const host = "app1";
  const before = await inForce(lab, host);
  const confirm = 5000;
  await inject(lab, host, { confirm, change: (model) => ({ ...model, rules: [] }) });
  const began = performance.now();
  expect(await ssh(lab, host), "locked out").toBe(false);
  await until("the host lets operators in again", () => ssh(lab, host), 2 * confirm);
  const ms = performance.now() - began;
  expect(await inForce(lab, host)).toBe(before);
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  console.log(
    `locked out with drover killed: the host was back after ${ms.toFixed(0)} ms (confirm ${String(confirm)} ms)`,
  );
}

const withOneMore = (model: FirewallModel): FirewallModel => ({
  ...model,
  rules: [
    ...model.rules,
    {
      direction: "in",
      peers: ["192.168.56.31/32"],
      match: { protocol: "tcp", ports: [{ from: 6666, to: 6666 }] },
      source: "injected:0",
      apps: [],
      sever: false,
    },
  ],
});

/** Reboots, in order and by power loss: before the confirmation the old rules come up, after it the new ones. */
export async function rebooted(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const [host, address] = ["app1", ADDRESS["app1"] ?? ""];
  const before = await inForce(lab, host);
  const ends = { "in order": (): Promise<void> => lab.stop(host), "power loss": (): Promise<void> => lab.kill(host) };
  for (const [how, end] of Object.entries(ends)) {
    await inject(lab, host, { confirm: 600_000, change: withOneMore });
    expect(await isLetIn(lab, "dns1", address, 6666), "committed").toBe(true);
    await end();
    await lab.start(host);
    expect(await inForce(lab, host), `before the confirmation, ${how}`).toBe(before);
    expect(await isLetIn(lab, "dns1", address, 6666)).toBe(false);
  }
  await bench.policy("reboot", '{hosts: "@host=app1", ingress: [{from: [{hosts: "role=dns"}], ports: [6666]}]}');
  for (const [how, end] of Object.entries(ends)) {
    await expectDrover(lab, 0, "apply", "--yes");
    const after = await inForce(lab, host);
    expect(after).not.toBe(before);
    await end();
    await lab.start(host);
    expect(await inForce(lab, host), `after the confirmation, ${how}`).toBe(after);
    expect(await isLetIn(lab, "dns1", address, 6666)).toBe(true);
  }
  await bench.policy("reboot", null);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log("reboots, in order and by power loss: the old rules before the confirmation, the new ones after it");
}

/** What each host says of its own: confirmed and in force, or not. */
async function isSettled(lab: Lab, host: string): Promise<boolean> {
  const script = `[ ! -e /var/lib/drover/firewall/pending ] && exec 9</var/lib/drover/firewall/.lock && flock -n 9 || exit 1
    for f in iptables ip6tables; do [ "$($f -w 10 -S DRV-INPUT | sed -n 's/.*-j DRV-I-g/g/p')" = "$(readlink /var/lib/drover/firewall/current)" ] || exit 1; done`;
  return (await lab.exec(host, ["sh", "-c", script])).code === 0;
}

interface Killed {
  /** How long drover lived; null: it was done before. */
  readonly lived: number | null;
  /** On how many hosts the old rules were found, the new ones, or those in between that let both pass. */
  readonly found: Readonly<Record<Standing, number>>;
}

type Standing = "old" | "young" | "between" | "neither";

/** Which of a change's confirmed generations a host is in: the old one, the new one, or the one that opens before it closes. */
function standing(rules: string, old: string, young: string): Standing {
  if (rules === old) return "old";
  if (rules === young) return "young";
  const [has, was, becomes] = [passes(rules), passes(old), passes(young)];
  const isBoth = has.isSupersetOf(was.union(becomes)) && was.union(becomes).isSupersetOf(has);
  return isBoth ? "between" : "neither";
}

/** Applies a change, kills drover after `delay` ms, waits until every host has settled, and looks at what it settled on. */
async function killOnce(
  bench: FirewallBench,
  { policy, delay }: { readonly policy: string | null; readonly delay: number },
): Promise<Killed> {
  const { lab } = bench;
  const before = await allInForce(lab, HOSTS);
  await bench.policy("kills", policy);
  const started = performance.now();
  const child = lab.background(["sh", "-c", 'echo "pid $$"; exec drover apply --yes -v']);
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  let lived: number | null = null;
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until("drover has begun with the firewalls", () => Promise.resolve(said.includes("… firewall of")), 60_000);
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delay))]);
  if (child.exitCode === null) {
    process.kill(Number(/^pid (\d+)$/m.exec(said)?.[1]), "SIGKILL");
    lived = performance.now() - started;
  }
  await ended;
  const { confirm } = bench.block();
  await Promise.all(
    HOSTS.map((host) => until(`${host} has settled`, () => isSettled(lab, host), (confirm + 5) * 1000)),
  );
  const between = await allInForce(lab, HOSTS);
  for (const host of HOSTS) expect(await ssh(lab, host), `SSH to ${host}`).toBe(true);
  await until(
    "the next apply is done",
    async () => {
      const { code, stdout, stderr } = await drover(lab, "apply", "--yes");
      if (code !== 0 && code !== 5) throw new Error(`the next apply ended with ${String(code)}: ${stdout}${stderr}`);
      return code === 0;
    },
    60_000,
  );
  const after = await allInForce(lab, HOSTS);
  const found = { old: 0, young: 0, between: 0, neither: 0 };
  for (const host of HOSTS) {
    const [rules = "", old = "", young = ""] = [between[host], before[host], after[host]];
    const at = standing(rules, old, young);
    expect(at, `${host} has neither the old rules nor the new ones:\n${rules}\nold:\n${old}\nnew:\n${young}`).not.toBe(
      "neither",
    );
    found[at] += 1;
  }
  return { lived, found };
}

/** kill -9 at random moments of changes that touch every host. */
export async function killed(bench: FirewallBench, times: number): Promise<void> {
  const found: Killed[] = [];
  const within = await howLong(bench);
  for (let turn = 0; turn < times; turn += 1) {
    const ports = `${String(4000 + turn)}, udp/${String(4000 + turn)}`;
    const policy =
      turn % 3 === 2 ? null : `{hosts: "@host=*", ingress: [{from: [{cidr: 10.7.0.0/16}], ports: [${ports}]}]}`;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    found.push(await killOnce(bench, { policy, delay: Math.random() * within }));
  }
  const lived = found.flatMap((each) => each.lived ?? []);
  const sum = (at: Standing): string => String(found.reduce((total, each) => total + each.found[at], 0));
  const mixed = found.filter((each) => Object.values(each.found).filter((count) => count > 0).length > 1).length;
  console.log(
    `kill -9 ${String(lived.length)} of ${String(times)} times, within ${within.toFixed(0)} ms of the first firewall: ` +
      `${String(mixed)} times between two hosts; found in old rules ${sum("old")}, in new ones ${sum("young")}, opened and not yet closed ${sum("between")}, ` +
      `anything else ${sum("neither")}; SSH open, the next apply went through`,
  );
  expect(lived.length).toBeGreaterThanOrEqual(Math.floor(times / 2));
  await bench.policy("kills", null);
  await expectDrover(bench.lab, 0, "apply", "--yes");
}

/** How long the firewalls of a change take from the first one's start, which is when it may be killed. */
async function howLong(bench: FirewallBench): Promise<number> {
  await bench.policy("kills", '{hosts: "@host=*", ingress: [{from: [{cidr: 10.7.0.0/16}], ports: [3999]}]}');
  const child = bench.lab.background(["drover", "apply", "--yes", "-v"]);
  let began = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (began === 0 && chunk.toString().includes("… firewall of")) began = performance.now();
  });
  await new Promise((resolve) => child.on("close", resolve));
  expect(child.exitCode).toBe(0);
  return performance.now() - began;
}
