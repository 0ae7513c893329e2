// What can be wrong with DNS: a clear error each, and nothing half-changed.
import { globSync } from "node:fs";
import { expect } from "vitest";
import { expectUnchanged, folder, hostsOn, LAPTOP, recordsOn, SERVERS, standing, ZONE } from "../dns/bench.ts";
import type { Server, Standing } from "../dns/bench.ts";
import { following } from "../dns/running.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { appHosts, drover, expectDrover, expectNoneFailed, underLoad } from "../shop.ts";
import { otherRelease } from "./dns-steps.ts";

/** BIND on a host, stopped or started in order; once started, it answers for the zone. */
async function named(lab: Lab, server: Server, what: "stop" | "start"): Promise<void> {
  const { code, stderr } = await lab.exec(server, ["systemctl", what, "named"]);
  expect(code, stderr).toBe(0);
  if (what === "stop") return;
  await until(`${server} answers`, async () => (await hostsOn(lab, server)).length > 0);
}

/** A refusal before anything: exit code 1 or 4, its words, nothing touched, no rollout left open. */
async function refusedAtOnce(lab: Lab, words: readonly string[], ...more: readonly string[]): Promise<void> {
  for (const args of [
    ["rollout", "start", "shop", "--release", await otherRelease(lab)],
    ["drain", "app1", "-m", "x"],
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- one holds the lease at a time
    const { code, stdout, stderr } = await drover(lab, ...args, ...more);
    const output = stdout + stderr;
    expect([1, 4], output).toContain(code);
    for (const word of [...words, "nothing was changed"]) expect(output).toContain(word);
  }
  expect(await expectDrover(lab, 0, "rollout", "status", "shop")).toContain("no rollout is open");
}

/** 4: a secondary that is stopped refuses everything, or is named and passed over where the fleet says so. */
export async function secondaryStopped(lab: Lab): Promise<void> {
  const before = await standing(lab);
  const skipping = await folder(lab, "skipping", { dns: withDns("onSilent: skip") });
  await named(lab, "dns2", "stop");
  try {
    await refusedAtOnce(lab, ["the DNS server dns2 (192.168.56.32 port 53) refused the connection [dns-unreachable]"]);
    const drained = await expectDrover(lab, 0, "drain", "app1", "-m", "x", "-C", skipping);
    expect(drained).toContain("withdraw shop on app1: passed over: the DNS server dns2");
    expect(await hostsOn(lab, "dns1")).toEqual(["app2", "app3"]);
    const back = await expectDrover(lab, 0, "undrain", "app1", "-C", skipping);
    expect(back).toContain("publish shop on app1: passed over: the DNS server dns2");
  } finally {
    await named(lab, "dns2", "start");
  }
  await sameAgain(lab, before);
  console.log("4 secondary stopped: refused; with onSilent: skip named and passed over");
}

/** Once both servers have the same again, everything but the owner records' revisions is as before. */
async function sameAgain(lab: Lab, before: Standing): Promise<void> {
  const same = async (): Promise<boolean> => {
    const [one = [], two = []] = (await standing(lab)).zone;
    return one.join("\n") === two.join("\n");
  };
  await until("both servers have the same", same, 60_000);
  await expectUnchanged(lab, before, "put back");
}

function withDns(more: string): string {
  return `dns: {servers: "role=dns", zone: ${ZONE}, ttl: 1s, negativeTtl: 1s, ${more}}`;
}

/** 4: the primary is stopped: refused before anything. */
export async function primaryStopped(lab: Lab): Promise<void> {
  const before = await standing(lab);
  await named(lab, "dns1", "stop");
  try {
    await refusedAtOnce(lab, ["the DNS server dns1 (192.168.56.31 port 53) refused the connection [dns-unreachable]"]);
    expect(await hostsOn(lab, "dns2")).toEqual(appHosts);
  } finally {
    await named(lab, "dns1", "start");
  }
  await expectUnchanged(lab, before, "untouched");
  console.log("4 primary stopped: refused before anything");
}

/** 4: the primary stops in the middle of a rollout: exit code 4, users are served, and abort puts everything back. */
export async function primaryStopsMidway(lab: Lab): Promise<void> {
  const before = await standing(lab);
  const { totals } = await underLoad(lab, async () => {
    const run = following(lab, ["rollout", "start", "shop", "--release", await otherRelease(lab)]);
    try {
      await run.says("… switch shop on app1");
      await named(lab, "dns1", "stop");
      expect(await run.ended, run.printed()).toBe(4);
      expect(run.printed()).toContain("dns-unreachable");
      expect(run.printed()).toContain("drover rollout abort shop");
      expect(run.printed()).not.toContain("withdraw shop on app2");
    } finally {
      await named(lab, "dns1", "start");
    }
    await expectDrover(lab, 6, "rollout", "abort", "shop");
  });
  expectNoneFailed(totals);
  await expectUnchanged(lab, before, "put back");
  console.log(
    `4 primary stopped midway: exit code 4, ${String(totals.requests)} requests, 0 failed; put back by abort`,
  );
}

/** A rollout that begins and is stopped by its first write: exit code 3, the words, and abort has nothing to put back in DNS. */
async function stoppedAtFirstWrite(
  lab: Lab,
  before: Standing,
  { words, at = ".", env = {} }: Stopping,
): Promise<string> {
  const start = ["drover", "rollout", "start", "shop", "--release", await otherRelease(lab), "-C", at];
  const { code, stdout, stderr } = await lab.run(start, { env });
  const output = stdout + stderr;
  expect(code, output).toBe(3);
  for (const word of words) expect(output).toContain(word);
  expect(output).not.toContain("drain shop/app1");
  expect(await recordsOn(lab, "dns1")).toEqual(before.zone[0]);
  await expectDrover(lab, 6, "rollout", "abort", "shop", "-C", at);
  await expectUnchanged(lab, before, "untouched");
  return output;
}

/** A drain that is stopped by its first write: exit code 6, everything is as before, and the host is not drained. */
async function drainStopped(lab: Lab, before: Standing, { words, at = "." }: Stopping): Promise<void> {
  const output = await expectDrover(lab, 6, "drain", "app1", "-m", "x", "-C", at);
  for (const word of words) expect(output).toContain(word);
  expect(output).not.toContain("drain shop/app1");
  await expectUnchanged(lab, before, "untouched");
}

interface Stopping {
  readonly words: readonly string[];
  /** The folder. */
  readonly at?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Another secret than the servers have, under the key's own name. */
const WRONG_SECRET = Buffer.alloc(32, "wrong").toString("base64");

function addresses(primary: string, key: string): string {
  return `dns: {servers: ["${primary}", ${SERVERS.dns2}], zone: ${ZONE}, ttl: 1s, key: {name: ${key}, secret: {file: key.secret}}}`;
}

/** The secret that the servers have. */
async function rightSecret(lab: Lab): Promise<string> {
  const { stdout } = await lab.exec("dns1", ["cat", "/etc/bind/drover.key"]);
  const [, secret] = /secret "([^"]+)"/.exec(stdout) ?? [];
  if (secret === undefined) throw new Error("no secret in BIND's key file");
  return secret;
}

/** 4: a key that the server does not know, and one with another secret. */
export async function wrongKey(lab: Lab): Promise<void> {
  const before = await standing(lab);
  const files = { "key.secret": WRONG_SECRET };
  const secret = await folder(lab, "wrong-secret", { dns: addresses(SERVERS.dns1, "drover"), files });
  await stoppedAtFirstWrite(lab, before, {
    words: ["has another secret for the key drover", "BADSIG", "[dns-key]"],
    at: secret,
  });
  const name = await folder(lab, "wrong-name", { dns: addresses(SERVERS.dns1, "another"), files });
  await drainStopped(lab, before, {
    words: ["does not know the key another (hmac-sha256)", "BADKEY", "[dns-key]"],
    at: name,
  });
  console.log("4 wrong key: BADSIG and BADKEY told, nothing changed");
}

/** 4: drover's clock is ten minutes ahead, or behind (all of drover under libfaketime). */
export async function skewedClock(lab: Lab): Promise<void> {
  const before = await standing(lab);
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  if (library === undefined) throw new Error("libfaketime is missing: apt-get install faketime");
  const under = (skew: string): Readonly<Record<string, string>> => ({ LD_PRELOAD: library, FAKETIME: skew });
  const ahead = await stoppedAtFirstWrite(lab, before, { words: [], env: under("+600") });
  expect(ahead).toMatch(/our clock is (599|600|601) s ahead of that of dns1 \[dns-clock\]/);
  const behind = await lab.run(["drover", "doctor"], { env: under("-600") });
  expect(behind.code).toBe(1);
  expect(behind.stdout).toMatch(/takes no updates: the clock of dns1 is (599|600|601) s ahead of ours/);
  console.log("4 a clock ten minutes ahead or behind: told with the seconds, nothing changed");
}

/** 4: somebody between drover and the primary. */
export async function tampered(lab: Lab): Promise<void> {
  const before = await standing(lab);
  const files = { "key.secret": await rightSecret(lab) };
  const at = await folder(lab, "meddled", { dns: addresses(`${LAPTOP}:5353`, "drover"), files });
  await meddling(lab, "answers itself", () => stoppedAtFirstWrite(lab, before, { words: ["[dns-forged]"], at }));
  await meddling(lab, "changes the update", () => drainStopped(lab, before, { words: ["[dns-key]", "BADSIG"], at }));
  await meddling(lab, "changes the answer", async () => {
    const output = await expectDrover(lab, 0, "drain", "app1", "-m", "x", "-C", at);
    // The update had been made, which reading it on both servers has shown.
    expect(output).toMatch(/withdraw shop on app1: the answer of .* cannot be believed: .*; it had been made/);
    await expectDrover(lab, 0, "undrain", "app1", "-C", at);
  });
  await expectUnchanged(lab, before, "put back");
  console.log(
    "4 tampered with: a forged yes and a changed update stop, a changed answer is told; nothing half-changed",
  );
}

async function meddling(lab: Lab, how: string, during: () => Promise<unknown>): Promise<void> {
  const program = new URL("../dns/meddler.ts", import.meta.url).pathname;
  const child = lab.background(["node", program, how, "5353", SERVERS.dns1]);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  try {
    await until(`somebody meddles: ${printed}`, () => Promise.resolve(printed.includes("ready")));
    await during();
  } finally {
    child.stdin?.end();
    await ended;
  }
}

/** After a scenario that failed: servers run, nothing is drained or open. */
export async function tidyDns(lab: Lab): Promise<void> {
  await lab.heal();
  for (const server of ["dns1", "dns2"] as const) await named(lab, server, "start");
  await drover(lab, "rollout", "abort", "shop");
  await drover(lab, "undrain", "app1");
}
