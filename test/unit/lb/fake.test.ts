import { describe, expect, test } from "vitest";
import { lbFact } from "../../../src/lb/facts.ts";
import { operateLb } from "../../../src/lb/operations.ts";
import { CERTS, CONFIG, MAPS, PENDING, STATE_FILE } from "../../../src/lb/paths.ts";
import type { LbAction } from "../../../src/model/action.ts";
import type { Frame } from "../../../src/model/command.ts";
import type { LbChange } from "../../../src/model/lb.ts";
import type { Answer, Ask, Outcome } from "../../../src/model/operation.ts";
import type { Channel, Clock } from "../../../src/model/ports.ts";
import { addLbCommands, fakeHaproxy, printLbFact, removeHaproxy } from "../../fake/haproxy.ts";
import { createFakeTransport, FakeFleet } from "../../fake/transport.ts";
import { liveBundle } from "../../fake/haproxy-files.ts";
import { bundleContract } from "../../support/bundle-contract.ts";
import { balancerContract } from "../../support/balancer-contract.ts";
import { shopModel, shopRender, type BalancerBench } from "../../support/balancer.ts";

function bytesOf(frame: Frame, secrets: ReadonlyMap<string, string>): Buffer {
  if (frame.kind === "file") throw new Error("a balancer gets no files");
  return Buffer.from(frame.kind === "text" ? frame.text : (secrets.get(frame.ref) ?? ""));
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString();
}

/** A balancer in memory; only what the operations wait for moves its clock. */
function fakeBench(installed = true): BalancerBench {
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => {
      if (ms >= 1e6) return new Promise(() => undefined);
      now += ms;
      return Promise.resolve();
    },
  };
  const fleet = new FakeFleet(["lb1"], clock);
  addLbCommands(fleet);
  const host = fleet.host("lb1");
  const haproxy = fakeHaproxy(host);
  if (!installed) removeHaproxy(host);
  const secrets = new Map<string, string>();
  const sick = new Set<string>();
  haproxy.passes = (ref) => !sick.has(ref);
  haproxy.failsToStart = (config) => config.includes("/nowhere/at.sock");
  haproxy.traffic = 1;
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 1e6, signal: new AbortController().signal };
  let relay: Channel | null = null;

  const ask = async (socket: string, epoch: number, line: string): Promise<string> => {
    if (relay === null) {
      const command = { name: "lb.relay", text: "", args: [], frames: [], mutates: false };
      const opened = await transport.open("lb1", { command, warrant: null, frames: [] }, limits);
      if (opened.kind === "failed") throw new Error(opened.failure.message);
      relay = opened.channel;
    }
    const answer = await relay.ask(`${socket} ${epoch}\n${line}`, limits);
    if (answer.kind === "failed") throw new Error(answer.failure.message);
    return answer.text;
  };

  const answer = async (asked: Ask, elapsed: () => number): Promise<Answer> => {
    switch (asked.kind) {
      case "sleep":
        await clock.sleep(asked.ms, limits.signal);
        return { kind: "sleep", elapsed: elapsed() };
      case "haproxy": {
        const replies: string[] = [];
        for (const line of asked.lines) replies.push(await ask(asked.socket, asked.mutates ? 1 : 0, line));
        return { kind: "haproxy", elapsed: elapsed(), replies };
      }
      case "exec": {
        const frames = asked.command.frames.map((frame) => Buffer.from(bytesOf(frame, secrets)));
        const sized = frames.map((bytes) => ({ size: bytes.length, bytes }));
        const warrant = { run: "test", epoch: 1 };
        const ran = await transport.exec("lb1", { command: asked.command, warrant, frames: sized }, limits);
        if (ran.kind === "failed") throw new Error(ran.failure.message);
        return { ...ran, kind: "exec", elapsed: elapsed() };
      }
      case "edit":
        throw new Error("a balancer edits no files of the fleet");
      case "dns-query":
      case "dns-update":
        throw new Error("a balancer asks no DNS server");
    }
  };

  let serial = 0;
  return {
    ask,
    secrets,
    reload: () => {
      const files = new Map(liveBundle(host)?.files);
      haproxy.load(host.text(CONFIG) ?? "", host.text(STATE_FILE) ?? "", files);
      return Promise.resolve();
    },
    mapped: () => Promise.resolve(textOf(haproxy.files.get(`${MAPS}/http.map`)?.bytes)),
    serial: (name) => Promise.resolve(textOf(haproxy.files.get(`${CERTS}/${name}.pem`)?.bytes)),
    interrupt: () => {
      host.put(PENDING, Buffer.from("1\n"), "600", "root");
      return Promise.resolve();
    },
    certificate: (names) => Promise.resolve(`certificate ${String((serial += 1))} for ${names.join(" ")}\n`),
    facts: () => Promise.resolve(lbFact.parse(printLbFact(host))),
    health: (server, passes) => {
      if (passes) sick.delete(`shop/${server}`);
      else sick.add(`shop/${server}`);
      return Promise.resolve();
    },
    stateFile: () => Promise.resolve(host.text(STATE_FILE) ?? ""),
    tunnel: () => {
      const stream = haproxy.open("shop/app2", true);
      haproxy.idle = 2;
      return Promise.resolve({ server: "app2", isOpen: () => haproxy.has(stream.id) });
    },
    async go(action: LbAction): Promise<Outcome> {
      const began = now;
      const operation = operateLb(action);
      let turn = operation.next();
      while (turn.done !== true) turn = operation.next(await answer(turn.value, () => now - began));
      return turn.value;
    },
  };
}

describe("the balancer in memory", () => {
  const bench = fakeBench();
  balancerContract(() => bench);
  bundleContract(() => bench);
});

describe("a balancer without HAProxy", () => {
  test("says which package to install, in its facts and to an install", async () => {
    const bench = fakeBench(false);
    expect((await bench.facts()).stable).toMatchObject({ installed: false, package: "haproxy", active: false });
    const change: LbChange = { kind: "restart", why: ["HAProxy does not run"] };
    const action: LbAction = { kind: "lb.install", balancer: "lb1", model: shopModel(), ...shopRender(), change };
    expect(await bench.go(action)).toMatchObject({
      kind: "failed",
      failure: { code: "package-missing", hint: "install it there: apt-get install haproxy" },
    });
  });
});
