import { expect, test } from "vitest";
import type { NamedAction, NamedModel } from "../../../src/model/named.ts";
import type { Outcome } from "../../../src/model/operation.ts";
import { diffNamed } from "../../../src/named/diff.ts";
import { namedFact, type NamedFacts } from "../../../src/named/facts.ts";
import { operateNamed } from "../../../src/named/operations.ts";
import { addNamedCommands, fakeBind, printNamedFact, type Serves } from "../../fake/named.ts";
import { createFakeTransport, FakeFleet } from "../../fake/transport.ts";
import { VirtualClock } from "../../support/clock.ts";
import { configOf, PRIMARY, SECONDARY, zoneOf } from "./models.ts";

// What test/lab/named.test.ts sees on real hosts, in memory: the fake that plans are tried on keeps the same promises.

interface Bench {
  readonly fleet: FakeFleet;
  readonly told: Parameters<Serves>[];
  readonly go: (action: NamedAction, secret?: string) => Promise<Outcome>;
  readonly facts: (host: string) => NamedFacts;
}

function bench(): Bench {
  const clock = new VirtualClock();
  const fleet = new FakeFleet(["dns1", "dns2"], clock);
  const told: Parameters<Serves>[] = [];
  addNamedCommands(fleet, (...words) => told.push(words));
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 60_000, signal: new AbortController().signal };
  const work = async (action: NamedAction, secret: string): Promise<Outcome> => {
    const operation = operateNamed(action);
    let next = operation.next();
    while (next.done !== true) {
      const ask = next.value;
      if (ask.kind !== "exec") throw new Error(`BIND is set up by scripts alone, not by ${ask.kind}`);
      const frames = ask.command.frames.map((frame) => Buffer.from(frame.kind === "text" ? frame.text : secret));
      const sized = frames.map((bytes) => ({ size: bytes.length, bytes }));
      const warrant = { run: "test", epoch: 1 };
      const result = await transport.exec(ask.host, { command: ask.command, warrant, frames: sized }, limits);
      if (result.kind === "failed") throw new Error(result.failure.message);
      next = operation.next({ ...result, kind: "exec", elapsed: 0 });
    }
    return next.value;
  };
  return {
    fleet,
    told,
    go: (action, secret = "AAAA") => clock.drive(work(action, secret)),
    facts: (host) => namedFact.parse(printNamedFact(fleet.host(host))),
  };
}

function install(host: string, model: NamedModel): NamedAction {
  const zoneFile = model.role === "primary" ? zoneOf(model) : null;
  return { kind: "named.install", host, model, config: configOf(model), zoneFile, secret: "dns/key" };
}

async function pairUp({ go }: Bench): Promise<void> {
  expect(await go(install("dns1", PRIMARY))).toEqual({ kind: "done", note: "started" });
  expect(await go(install("dns2", SECONDARY))).toEqual({ kind: "done", note: "started" });
}

test("a pair comes up, is the same then, and does not change again", async () => {
  const it = bench();
  expect(it.facts("dns1")).toMatchObject({ installed: true, active: false, manifest: null, key: "missing" });
  await pairUp(it);
  expect(diffNamed(PRIMARY, configOf(PRIMARY), it.facts("dns1"))).toEqual({ kind: "same" });
  expect(diffNamed(SECONDARY, configOf(SECONDARY), it.facts("dns2"))).toEqual({ kind: "same" });
  expect(await it.go(install("dns2", SECONDARY))).toEqual({ kind: "done", note: "unchanged" });
  expect(it.told.map(([host, zone]) => `${host} ${zone?.role ?? ""}`)).toEqual(["dns1 primary", "dns2 secondary"]);
});

test("a secondary without its primary, or with another key, is as before", async () => {
  const it = bench();
  const before = it.facts("dns2");
  expect(await it.go(install("dns2", SECONDARY))).toMatchObject({ failure: { code: "dns-server" } });
  await it.go(install("dns1", PRIMARY));
  expect(await it.go(install("dns2", SECONDARY), "BBBB")).toMatchObject({ failure: { code: "dns-server" } });
  expect(it.facts("dns2")).toEqual(before);
});

test("a removal leaves the package's file, and its way back the zone", async () => {
  const it = bench();
  const first = it.facts("dns1");
  await pairUp(it);
  const set = it.facts("dns1");
  expect(await it.go({ kind: "named.remove", host: "dns1" })).toMatchObject({ kind: "done" });
  expect(it.facts("dns1")).toEqual(first);
  const back: NamedAction = { kind: "named.restore", host: "dns1", sha256: set.sha256, model: PRIMARY };
  expect(await it.go(back)).toEqual({ kind: "done", note: "started" });
  expect(it.facts("dns1")).toEqual(set);
});

test("the way back of a first installation is a removal", async () => {
  const it = bench();
  const first = it.facts("dns1");
  await it.go(install("dns1", PRIMARY));
  await it.go({ kind: "named.restore", host: "dns1", sha256: first.sha256, model: null });
  expect(it.facts("dns1")).toEqual(first);
});

test("a secondary becomes the primary with the copy it has", async () => {
  const it = bench();
  await pairUp(it);
  it.fleet.host("dns1").put("/var/lib/bind/drover/svc.lab.internal.zone", Buffer.from("records"), "644", "bind");
  await it.go(install("dns2", { ...SECONDARY, clients: [] }));
  expect(await it.go(install("dns2", { ...PRIMARY, peers: [] }))).toEqual({ kind: "done", note: "reconfigured" });
  expect(it.told.at(-1)).toMatchObject(["dns2", { role: "primary", text: "records" }]);
  expect(it.facts("dns2")).toMatchObject({ zones: ["svc.lab.internal"], copies: [] });
});

test("no BIND, and a BIND that does not take its files", async () => {
  const it = bench();
  fakeBind(it.fleet.host("dns1")).installed = false;
  expect(await it.go(install("dns1", PRIMARY))).toMatchObject({ failure: { code: "package-missing" } });
  Object.assign(fakeBind(it.fleet.host("dns1")), { installed: true, stubborn: true });
  expect(await it.go(install("dns1", PRIMARY))).toMatchObject({ failure: { code: "dns-server" } });
});
