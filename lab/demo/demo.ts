// What `make demo` shows: a fleet comes up, a release rolls out under load, a broken one is stopped and reverted.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Load, LoadTotals } from "./load.ts";
import { startLoad } from "./load.ts";

const lab = process.env["LAB"] === undefined || process.env["LAB"] === "default" ? "demo" : process.env["LAB"];
const labProgram = join(import.meta.dirname, "../lab");
const began = Date.now();

/** How an inner command ended, and what it printed (which was shown as it came). */
interface Shown {
  readonly code: number;
  readonly text: string;
}

function say(text: string): void {
  console.log(`\n== ${text}`);
}

/** Runs lab/lab, showing what it prints. */
function labVerb(...args: readonly string[]): Promise<Shown> {
  return runLab(args, (chunk) => process.stdout.write(chunk));
}

function runLab(args: readonly string[], show: (chunk: Buffer) => void): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const child = spawn(labProgram, args, { env: { ...process.env, LAB: lab }, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      show(chunk);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

/** Types a drover command on the lab's laptop. */
async function drover(...args: readonly string[]): Promise<Shown> {
  console.log(`$ drover ${args.join(" ")}`);
  return await labVerb("run", "--", "drover", ...args);
}

/** Asks drover something without showing it. */
function ask(...args: readonly string[]): Promise<Shown> {
  return runLab(["run", "--", "drover", ...args], () => undefined);
}

/** Ends the demo when something is not as it has to be. */
function insist(holds: boolean, what: string): void {
  if (holds) return;
  console.error(`\nThe demo did not show what it should: ${what}`);
  process.exit(1);
}

/** Where the load goes: half of it to the VIP, as users do, the rest to each balancer's own address, so that a mistake on either would be seen. */
const targets = [
  { name: "the VIP", address: "192.168.56.10", connections: 20 },
  { name: "lb1", address: "192.168.56.11", connections: 10 },
  { name: "lb2", address: "192.168.56.12", connections: 10 },
] as const;

/** Where clients that need no balancer ask for the shop. */
const NAME = "_shop._tcp.svc.lab.internal";

function press(): readonly Load[] {
  const common = { lab, host: "shop.lab.internal", delay: 98, limit: 120 };
  return targets.map(({ address, connections }) => startLoad({ ...common, address, connections }));
}

async function release(loads: readonly Load[]): Promise<readonly LoadTotals[]> {
  return await Promise.all(loads.map((load) => load.stop()));
}

/** Prints wrk's own totals of every address and insists that load arrived at each and nothing failed. */
function tally(totals: readonly LoadTotals[]): void {
  for (const { report } of totals) console.log(report.trimEnd().replaceAll(/^/gm, "    "));
  const requests = totals.reduce((sum, each) => sum + each.requests, 0);
  const failed = totals.reduce((sum, each) => sum + each.failed, 0);
  const each = totals.map((total, at) => `${String(total.requests)} through ${targets[at]?.name ?? "?"}`);
  console.log(`  ${String(requests)} requests (${each.join(", ")}), ${String(failed)} failed`);
  insist(
    totals.every((total) => total.requests > 0),
    "no load arrived",
  );
  insist(failed === 0, "requests failed");
}

/** Brings the lab and its shop up; the release that runs. */
async function comeUp(): Promise<string> {
  say(
    "a fleet of six VMs: two balancers behind one address, three app hosts, one that answers DNS and keeps the fleet's state",
  );
  insist((await labVerb("up")).code === 0, "the lab did not come up");
  await labVerb("run", "--", "cat", "apps/shop.yaml");
  if ((await ask("rollout", "status", "shop")).code === 3) {
    say("an earlier demo was cut off and left its rollout open: that is put back first");
    await drover("rollout", "abort", "shop");
  }
  say(
    (await runningRelease()) === null
      ? "first deployment: all instances at once; the route opens when they are healthy, and the VIP comes up"
      : "the shop runs here already: whatever differs from the files is put right",
  );
  insist((await drover("apply", "--yes")).code === 0, "the fleet could not be applied");
  say(
    "where the shop runs is in DNS; in a rollout each host leaves it before it is drained and is back once it serves",
  );
  const dig = ["dig", "+short", "@192.168.56.31", NAME, "SRV"];
  console.log(`$ ${dig.join(" ")}`);
  insist((await labVerb("run", "--", ...dig)).code === 0, "DNS does not answer");
  const running = await runningRelease();
  if (running === null) throw new Error("the shop does not run");
  return running;
}

/** The release of the first instance that has one; null where the shop is not deployed. */
async function runningRelease(): Promise<string | null> {
  const { text } = await ask("status", "shop");
  return /^shop +\w+ +([0-9]\S*)-[0-9a-f]{12} /m.exec(text)?.[1] ?? null;
}

async function goodRelease(from: string): Promise<string> {
  const to = from === "1.5.0" ? "1.4.0" : "1.5.0";
  say(`${from} → ${to}, host by host, under load on the VIP and on both balancers`);
  const loads = press();
  const rolled = await drover("rollout", "start", "shop", "--release", to);
  tally(await release(loads));
  insist(rolled.code === 0, "the rollout failed");
  say("what DNS says of it now, and what it should");
  insist((await drover("dns", "show", "shop")).code === 0, "a DNS server did not answer");
  return to;
}

async function brokenRelease(good: string): Promise<void> {
  say("1.6.0-broken never becomes healthy: it is stopped after one host, and that host is reverted");
  const loads = press();
  const broken = await drover("rollout", "start", "shop", "--release", "1.6.0-broken");
  tally(await release(loads));
  insist(
    broken.code === 3,
    `the broken release should leave the rollout open (exit code 3), got ${String(broken.code)}`,
  );
  const touched = new Set(
    [...broken.text.matchAll(/^(\w+) +\| switch shop on \1 to 1\.6\.0-broken/gm)].map(([, host]) => host),
  );
  insist(touched.size === 1, `exactly one host should be touched, got ${[...touched].join(", ")}`);
  console.log(`  exactly one host touched: ${[...touched].join("")}`);
  say("the rollout is open until somebody closes it");
  insist((await drover("rollout", "abort", "shop")).code === 6, "the abort did not put everything back");
  say(`${good} runs on every host again, and both balancers send it traffic`);
  insist((await drover("status")).code === 0, "something stayed unknown");
}

await brokenRelease(await goodRelease(await comeUp()));
say(`done in ${String(Math.round((Date.now() - began) / 1000))} s; the lab is still up. Try next:`);
console.log(
  `    LAB=${lab} lab/lab run -- drover rollout start shop --release 1.6.2-slow   # answers 503 for 5 s: it is waited for`,
);
console.log("    make lab-down        # removes everything");
