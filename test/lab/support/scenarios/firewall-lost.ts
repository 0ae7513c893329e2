// Hosts that do not answer, hosts that are lost half-way, and addresses that another host gets (proofs 12 and 14).
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import type { Lab } from "../lab.ts";
import { checkout, until } from "../lab.ts";
import { streaming } from "../flows/agents.ts";
import type { FirewallBench } from "../flows/bench.ts";
import { ADDRESS, FLOW, HOSTS } from "../flows/bench.ts";
import { allInForce, isLetIn } from "../flows/rules.ts";
import { drover, expectDrover } from "../shop.ts";

const OPENS = '{hosts: "role=app", ingress: [{from: [{hosts: "role=dns"}], ports: [5555]}]}';
const others = (host: string): readonly string[] => HOSTS.filter((each) => each !== host);

/** A host that is silent from the start: nothing is opened anywhere, and it is said who. */
export async function silentInExpansion(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const before = await allInForce(lab, HOSTS);
  await bench.policy("opens", OPENS);
  await lab.partition("app3", "laptop");
  const { code, stdout, stderr } = await drover(lab, "apply", "--yes", "--timeout", "5s");
  await lab.heal();
  expect(code, stdout).not.toBe(0);
  expect(stdout + stderr).toContain("app3");
  expect(await allInForce(lab, HOSTS)).toEqual(before);
  await bench.policy("opens", null);
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  console.log(`silent in an expansion: exit code ${String(code)}, nothing changed`);
}

/** A host that is silent from the start of what closes: the others close, the exit code tells, and it closes once it is back. */
export async function silentInContraction(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const [app1 = "", app3 = ""] = ["app1", "app3"].map((host) => ADDRESS[host]);
  await bench.policy("opens", OPENS);
  await expectDrover(lab, 0, "apply", "--yes");
  await bench.policy("opens", null);
  await lab.partition("app3", "laptop");
  const output = await expectDrover(lab, 4, "apply", "--yes", "--timeout", "5s");
  expect(output).toContain("app3");
  expect(await isLetIn(lab, "dns1", app1, 5555), "app1 has closed").toBe(false);
  expect(await isLetIn(lab, "dns1", app3, 5555), "app3 was not heard of").toBe(true);
  await lab.heal();
  await expectDrover(lab, 0, "apply", "--yes");
  expect(await isLetIn(lab, "dns1", app3, 5555)).toBe(false);
  expect(await debts(lab)).toEqual([]);
  console.log("silent in a contraction: exit code 4, closed on the others; closed there once it answers");
}

/** Keeps the firewall of a host busy, so that a change waits there; ends with the host. */
async function hold(lab: Lab, host: string): Promise<void> {
  const script = "exec 9>/var/lib/drover/firewall/.lock; flock 9; echo held; exec sleep 60";
  const child = spawn(join(checkout, "lab/lab"), ["exec", host, "--", "sh", "-c", script], {
    env: { ...process.env, LAB: lab.name },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(`the lock of ${host} is held`, () => Promise.resolve(said.includes("held")));
}

/** How an apply ended that lost `host` once the canary had come through and the host's own turn had begun. */
async function applyAndLose(
  lab: Lab,
  host: string,
): Promise<{ readonly code: number; readonly output: string; readonly ms: number }> {
  await hold(lab, host);
  const run = lab.background(["drover", "apply", "--yes", "-v", "--timeout", "10s"]);
  let output = "";
  run.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  run.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number>((resolve) => run.on("close", (code) => resolve(code ?? 255)));
  await until(`the turn of ${host}`, () => Promise.resolve(output.includes(`… firewall of ${host}`)), 30_000);
  await lab.kill(host);
  const began = performance.now();
  const code = await ended;
  return { code, output, ms: performance.now() - began };
}

/** Lost in the middle of an expansion: what was opened on the others is taken back. */
export async function lostInExpansion(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const before = await allInForce(lab, others("app3"));
  await bench.policy("opens", OPENS);
  const { code, output, ms } = await applyAndLose(lab, "app3");
  expect(code, output).not.toBe(0);
  expect(output).toContain("app3");
  expect(await allInForce(lab, others("app3")), output).toEqual(before);
  await lab.start("app3");
  await expectDrover(lab, 0, "apply", "--yes");
  expect(await isLetIn(lab, "dns1", ADDRESS["app3"] ?? "", 5555)).toBe(true);
  await bench.policy("opens", null);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `lost in an expansion: exit code ${String(code)} after ${ms.toFixed(0)} ms, taken back; done once it is back`,
  );
}

interface Status {
  readonly debts: readonly { readonly host: string; readonly address: string; readonly formerly: string }[];
}

async function debts(lab: Lab): Promise<Status["debts"]> {
  const { stdout } = await drover(lab, "status", "--output", "json");
  return (JSON.parse(stdout) as Status).debts;
}

const PEERS = '{hosts: "@host in (app1,app3)", ingress: [{from: [{hosts: "role=app"}], ports: [5432, flows]}]}';

/**
 * app4 leaves the inventory, app3 is lost while the others close what was open for it; another host gets its address: it is
 * kept waiting while app3 owes, and gets nothing of what app4 had afterwards.
 */
export async function addressReleased(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const address = ADDRESS["app4"] ?? "";
  const [app1 = "", app3 = ""] = ["app1", "app3"].map((host) => ADDRESS[host]);
  const lines = (name: string, role: string): readonly string[] => [
    `  ${name}: {address: [${address}, "fd00:56::24"], tags: {role: ${role}, zone: b}}`,
  ];
  await lab.up("--add", "app4");
  await bench.inventory({ lines: lines("app4", "app") });
  await bench.policy("peers", PEERS);
  await expectDrover(lab, 0, "apply", "--yes");
  for (const target of [app1, app3]) expect(await isLetIn(lab, "app4", target, 5432)).toBe(true);
  const stream = await streaming(lab, "app4", `${app3} ${String(FLOW)}`, { count: 2, way: "push" });

  await bench.inventory({});
  const { code, output, ms } = await applyAndLose(lab, "app3");
  expect(code, output).toBe(4);
  expect(await isLetIn(lab, "app4", app1, 5432), "app1 has closed what was open for app4").toBe(false);
  await stream.stop();
  // The state host is dns1, which answers; app3 does not.
  const owed = await debts(lab);
  expect(owed.map(({ host, formerly }) => `${host} ${formerly}`)).toContain("app3 app4");
  expect(new Set(owed.map((debt) => debt.host))).toEqual(new Set(["app3"]));
  expect((await drover(lab, "status")).stdout).toMatch(new RegExp(`app3.*${address.replaceAll(".", "\\.")}`));

  await bench.inventory({ lines: lines("web9", "web") });
  const refused = await drover(lab, "apply", "--yes", "--timeout", "5s", "--output", "json");
  expect(refused.code).not.toBe(0);
  expect(refused.stdout + refused.stderr).toContain("quarantine");
  await lab.start("app3");
  await expectDrover(lab, 0, "apply", "--yes");
  expect(await debts(lab)).toEqual([]);
  for (const target of [app1, app3])
    expect(await isLetIn(lab, "app4", target, 5432), "web9 has app4's address").toBe(false);
  await bench.inventory({});
  await bench.policy("peers", null);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `address released: exit code 4 after ${ms.toFixed(0)} ms, debts ${JSON.stringify(owed)}; its next owner waits, and gets nothing`,
  );
}

/** A host's address is another's at once, with nobody lost: what was open for it is closed and cut, `sever` or not. */
export async function addressReused(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  const address = ADDRESS["app4"] ?? "";
  const app3 = ADDRESS["app3"] ?? "";
  const line = (name: string, role: string): string =>
    `  ${name}: {address: [${address}, "fd00:56::24"], tags: {role: ${role}, zone: b}}`;
  await bench.inventory({ lines: [line("app4", "app")] });
  await bench.policy("peers", PEERS);
  await expectDrover(lab, 0, "apply", "--yes");
  const streams = await Promise.all(
    (["push", "pull"] as const).map((way) => streaming(lab, "app4", `${app3} ${String(FLOW)}`, { count: 2, way })),
  );
  const kept = await streaming(lab, "app1", `${app3} ${String(FLOW)}`, { count: 2, way: "push" });
  await bench.inventory({ lines: [line("web9", "web")] });
  const output = await expectDrover(lab, 0, "apply", "--yes");
  await until("app4's streams are cut", async () => {
    const reports = await Promise.all(streams.map((stream) => stream.report()));
    return reports.every(({ broken }) => broken === 2);
  });
  expect(await isLetIn(lab, "app4", app3, 5432)).toBe(false);
  const cut = await Promise.all(streams.map((stream) => stream.stop()));
  expect((await kept.stop()).broken, output).toBe(0);
  await bench.inventory({});
  await bench.policy("peers", null);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `address reused: streams cut (${cut.flatMap(({ how }) => how).join(", ")}), others go on, the next owner is denied`,
  );
}
