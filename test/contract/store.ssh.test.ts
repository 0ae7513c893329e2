import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT, mutating } from "../../src/model/command.ts";
import { DroverError } from "../../src/model/errors.ts";
import type { Lease, StateFacts, Store, Transport } from "../../src/model/ports.ts";
import { createSshTransport } from "../../src/ssh/transport.ts";
import { systemClock } from "../../src/store/clock.ts";
import { createSshStore } from "../../src/store/ssh-store.ts";
import { codeOf, storeContract, take, who } from "./store.contract.ts";
import { relaxed, request } from "./support/commands.ts";
import { startHolder } from "./support/holder.ts";
import { startSshd } from "./support/sshd.ts";
import type { Sshd } from "./support/sshd.ts";
import { listen, pipeTo } from "./support/trouble.ts";

const bySudo = { user: "drover", become: "sudo" } as const;

function storeOver(transport: Transport): Store {
  return createSshStore({ transport, host: "box", clock: systemClock });
}

/** Runs the store's fact on the host, as an observation does. */
async function factsOver(transport: Transport): Promise<StateFacts> {
  const { fact } = storeOver(transport);
  const command = { name: "test.fact", text: `f() {\n${fact.text}\n}\nf`, args: [], frames: [], mutates: false };
  const result = await transport.exec("box", request(command), relaxed());
  if (result.kind === "failed") throw new DroverError(result.failure);
  expect(result.code).toBe(0);
  return fact.parse(result.stdout);
}

storeContract("the store over SSH", async () => {
  const sshd = await startSshd();
  const transports: Transport[] = [];
  const transport = (): Transport => {
    const fresh = createSshTransport(sshd.options(bySudo));
    transports.push(fresh);
    return fresh;
  };
  return {
    store: () => storeOver(transport()),
    facts: () => factsOver(transport()),
    async stop() {
      await Promise.all(transports.map((each) => each.close()));
      await sshd.stop();
    },
  };
});

/** Milliseconds until the lease can be had, and the lease. */
async function wait(transport: Transport, patience: number): Promise<{ readonly ms: number; readonly lease: Lease }> {
  const started = performance.now();
  for (;;) {
    const acquired = await storeOver(transport).acquire(who("next"), relaxed());
    const ms = performance.now() - started;
    if (acquired.kind === "held") return { ms, lease: acquired.lease };
    expect(acquired).toMatchObject({ kind: "busy", holder: { operator: "holder" } });
    if (ms > patience) throw new Error(`still not free after ${ms} ms`);
  }
}

/** A state host for one test alone, and the way to it. */
async function box(
  onTestFinished: (end: () => Promise<void>) => void,
): Promise<{ readonly sshd: Sshd; readonly transport: Transport }> {
  const sshd = await startSshd();
  const transport = createSshTransport(sshd.options(bySudo));
  onTestFinished(async () => {
    await transport.close();
    await sshd.stop();
  });
  return { sshd, transport };
}

// Both wait for seconds to pass: side by side.
describe.concurrent("a holder that falls silent", () => {
  test("a frozen holder loses the lease after ten seconds, and knows when it wakes up", async ({ onTestFinished }) => {
    const { sshd, transport } = await box(onTestFinished);
    const holder = startHolder(sshd.options(bySudo));
    await holder.said("held");
    holder.child.kill("SIGSTOP");
    const { ms, lease } = await wait(transport, 15_000);
    expect(ms).toBeGreaterThan(5000);
    expect(ms).toBeLessThan(12_000);
    holder.child.kill("SIGCONT");
    await holder.said("lost");
    holder.child.kill("SIGKILL");
    await lease.release();
  });

  test("a holder that is cut off stops before the host gives the lease away", async ({ onTestFinished }) => {
    const { sshd, transport } = await box(onTestFinished);
    let silent = false;
    const proxy = await listen((socket) => pipeTo(socket, sshd.port, () => silent));
    sshd.file("known_proxy", `[127.0.0.1]:${proxy.port} ${sshd.hostKey}\n`);
    const far = createSshTransport(sshd.options({ ...bySudo, port: proxy.port, knownHosts: ["known_proxy"] }));
    const held = await storeOver(far).acquire({ ...who("far"), operator: "holder" }, relaxed());
    if (held.kind !== "held") throw new Error(JSON.stringify(held));
    const { lease } = held;
    // Longer than the limit: only heartbeats keep it.
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    expect(lease.lost.aborted).toBe(false);
    silent = true;
    let lostAt = Infinity;
    lease.lost.addEventListener("abort", () => {
      lostAt = performance.now();
    });
    const next = await wait(transport, 15_000);
    expect(lostAt).toBeLessThan(performance.now() - 500);
    expect(next.ms).toBeGreaterThan(5000);
    expect(await codeOf(lease.append("far", ["too late"]))).toBe("lease-lost");
    expect(next.lease.epoch).toBe(lease.epoch + 1);

    // What the old run still sends elsewhere is refused wherever the new one has been.
    const touch = (epoch: number): ReturnType<Transport["exec"]> =>
      transport.exec(
        "box",
        { command: mutating("test.touch", ":", []), warrant: { run: "r", epoch }, frames: [] },
        relaxed(),
      );
    expect(await touch(next.lease.epoch)).toMatchObject({ code: 0 });
    expect(await touch(lease.epoch)).toMatchObject({ code: EXIT.stale });
    await next.lease.release();
    await far.close();
    proxy.close();
  });
});

describe("the lease over SSH, in trouble", () => {
  let sshd: Sshd;
  let transport: Transport;
  beforeAll(async () => {
    sshd = await startSshd();
    transport = createSshTransport(sshd.options(bySudo));
  });
  afterAll(async () => {
    await transport.close();
    await sshd.stop();
  });

  test("kill -9 of the holder frees the lease within two seconds", async () => {
    const holder = startHolder(sshd.options(bySudo));
    await holder.said("held");
    holder.child.kill("SIGKILL");
    const { ms, lease } = await wait(transport, 5000);
    expect(ms).toBeLessThan(2000);
    await lease.release();
  });

  test("the connection of a holder that ends is a lost lease", async () => {
    const own = createSshTransport(sshd.options(bySudo));
    const lease = await take(storeOver(own), "closing");
    const lost = new Promise<void>((resolve) => lease.lost.addEventListener("abort", () => resolve()));
    await own.close();
    await lost;
    expect(await codeOf(lease.setOpen("shop", "closing"))).toBe("lease-lost");
  });

  test("a torn last line is left out by reading and cut off by the next append", async () => {
    const lease = await take(storeOver(transport), "torn");
    await lease.append("torn", ["one", "two"]);
    const path = join(sshd.directory, "var-lib/drover/state/journal/torn.jsonl");
    appendFileSync(path, `{"torn": "${"x".repeat(100_000)}`);
    expect(await storeOver(transport).read("torn", relaxed())).toEqual(["one", "two"]);
    await lease.append("torn", ["three"]);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\nthree\n");
    appendFileSync(join(sshd.directory, "var-lib/drover/state/journal/only-torn.jsonl"), "never whole");
    await lease.append("only-torn", ["first"]);
    expect(await storeOver(transport).read("only-torn", relaxed())).toEqual(["first"]);
    await lease.release();
  });

  test("key and journals are root's alone", () => {
    const state = join(sshd.directory, "var-lib/drover/state");
    expect(statSync(state).mode & 0o777).toBe(0o700);
    for (const file of ["key", "epoch", "journal/torn.jsonl"]) {
      expect(statSync(join(state, file))).toMatchObject({ uid: 0, mode: 0o100600 });
    }
  });

  test("a name that would leave the state's folder is refused on both sides", async () => {
    const lease = await take(storeOver(transport), "names");
    expect(await codeOf(lease.append("../../etc/x", ["a"]))).toBe("command-failed");
    expect(await codeOf(lease.append("ok", ["a\nb"]))).toBe("bug");
    expect(await codeOf(storeOver(transport).read("../x", relaxed()))).toBe("usage");
    await lease.release();
  });
});

test("a full disk on the state host fails the append and leaves the journal whole", async () => {
  const sshd = await startSshd();
  const transport = createSshTransport(sshd.options(bySudo));
  const folder = join(sshd.directory, "small/journal");
  await transport.exec("box", request(mutating("test.mkdir", 'mkdir "$1"', [folder])), relaxed());
  mkdirSync(join(sshd.directory, "var-lib/drover/state"));
  symlinkSync(folder, join(sshd.directory, "var-lib/drover/state/journal"));
  const lease = await take(storeOver(transport), "full");
  await lease.append("full", ["before"]);
  expect(await codeOf(lease.append("full", ["x".repeat(2_000_000)]))).toBe("disk-full");
  await lease.append("full", ["after"]);
  expect(await storeOver(transport).read("full", relaxed())).toEqual(["before", "after"]);
  await lease.release();
  await transport.close();
  await sshd.stop();
});
