import { describe, expect, test } from "vitest";
import type { Action, ReleaseAction } from "../../../src/model/action.ts";
import { sha256 } from "../../../src/model/hash.ts";
import type { Answer, Outcome } from "../../../src/model/operation.ts";
import type { Draft } from "../../../src/model/plan.ts";
import type { Clock } from "../../../src/model/ports.ts";
import { diffHost, type InstanceDiff } from "../../../src/release/diff.ts";
import { releaseFact } from "../../../src/release/facts.ts";
import { operateRelease } from "../../../src/release/operations.ts";
import { platformFact } from "../../../src/release/platform.ts";
import {
  probeInstance,
  pruneReleases,
  removeInstance,
  stageRelease,
  startInstance,
  switchRelease,
} from "../../../src/release/steps.ts";
import { addReleaseCommands, answers, fakeApps, PLATFORM, printReleaseFact } from "../../fake/release.ts";
import type { DesiredInstance } from "../../../src/release/desired.ts";
import { FakeFleet, createFakeTransport } from "../../fake/transport.ts";
import { desiredOn, exampleApp, PROBE } from "../../support/release.ts";

const bytes = Buffer.from("artifact");
const artifact = { path: "a", size: bytes.length, sha256: sha256(bytes) };
const release = (name: string): DesiredInstance =>
  desiredOn("app1", "192.0.2.1", exampleApp({ release: name }), artifact.sha256);

interface World {
  readonly fleet: FakeFleet;
  readonly go: (draft: Draft) => Promise<Outcome>;
  readonly diff: (...desired: readonly DesiredInstance[]) => readonly InstanceDiff["kind"][];
}

function world(): World {
  let now = 0;
  // Only what works in the fake moves this clock; the transport's own deadline, which is longer, never comes.
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => {
      if (ms >= 1e6) return new Promise(() => undefined);
      now += ms;
      return Promise.resolve();
    },
  };
  const fleet = new FakeFleet(["app1"], clock);
  addReleaseCommands(fleet);
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 1e6, signal: new AbortController().signal };
  return {
    fleet,
    diff: (...desired) => {
      const facts = releaseFact.parse(printReleaseFact(fleet.host("app1")));
      return diffHost("app1", desired, facts).map((each) => each.kind);
    },
    async go(draft) {
      if (!isReleaseAction(draft.action)) throw new Error(draft.says);
      const operation = operateRelease(draft.action);
      let next = operation.next();
      while (next.done !== true) {
        if (next.value.kind !== "exec") throw new Error(next.value.kind);
        const { command } = next.value;
        const frames = command.frames.map((frame) => (frame.kind === "text" ? Buffer.from(frame.text) : bytes));
        const sized = frames.map((each) => ({ size: each.length, bytes: each }));
        const ran = await transport.exec("app1", { command, warrant: null, frames: sized }, limits);
        if (ran.kind === "failed") throw new Error(ran.failure.message);
        const answer: Answer = { ...ran, kind: "exec", elapsed: now };
        next = operation.next(answer);
      }
      return next.value;
    },
  };
}

function isReleaseAction(action: Action): action is ReleaseAction {
  return action.kind.startsWith("release.");
}

describe("the fake host", () => {
  test("goes the way of a real one: stage, start, probe, switch, back, prune, remove", async () => {
    const { fleet, go, diff } = world();
    const [old, next] = [release("1"), release("2")];
    expect(diff(old)).toEqual(["new"]);
    expect(await go(stageRelease(old, artifact))).toMatchObject({ kind: "done" });
    expect(await go(stageRelease(old, artifact))).toEqual({ kind: "done", note: "already there" });
    expect(diff(old)).toEqual(["new"]);
    expect(await go(startInstance(old))).toMatchObject({ kind: "done" });
    expect(await go(startInstance(old))).toEqual({ kind: "done", note: "already running" });
    expect(await go(probeInstance(old, PROBE))).toMatchObject({ note: expect.stringContaining("healthy after 2.0 s") });
    expect(diff(old)).toEqual(["same"]);
    expect(answers(fleet.host("app1"), "shop", 0)).toBe(true);
    expect(diff(next)).toEqual(["change"]);
    await go(stageRelease(next, artifact));
    await go(switchRelease(next, { release: old.release, port: 8080 }, PROBE));
    expect(diff(next)).toEqual(["same"]);
    await go(pruneReleases(next, 0));
    expect([...(fakeApps(fleet.host("app1")).get("shop")?.staged.keys() ?? [])]).toEqual([next.release]);
    expect(diff()).toEqual(["leave"]);
    await go(removeInstance(next));
    expect(diff()).toEqual([]);
  });

  test.for([
    ["1-broken", "was not healthy within 15.0 s"],
    ["1-crash", "crashed 5.0 s into its probing"],
  ])("release %s misbehaves as its name says", async ([name = "", message]) => {
    const { go } = world();
    await go(stageRelease(release(name), artifact));
    await go(startInstance(release(name)));
    const outcome = await go(probeInstance(release(name), { ...PROBE, minHealthyTime: 8000 }));
    expect(outcome).toMatchObject({ failure: { code: "unhealthy", message: expect.stringContaining(message ?? "") } });
  });

  test("a slow release is waited for, one that cannot be executed fails its start", async () => {
    const { go } = world();
    await go(stageRelease(release("1-slow"), artifact));
    await go(startInstance(release("1-slow")));
    const slow = await go(probeInstance(release("1-slow"), PROBE));
    expect(slow).toMatchObject({ note: expect.stringContaining("first answer after 5.0 s") });
    await go(stageRelease(release("1-refuses"), artifact));
    expect(await go(startInstance(release("1-refuses")))).toMatchObject({ failure: { code: "release" } });
  });

  test("prints a platform that has everything", () => {
    expect(platformFact.parse(PLATFORM).missing).toEqual([]);
  });
});
