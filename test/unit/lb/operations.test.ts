import { describe, expect, test } from "vitest";
import { operateLb } from "../../../src/lb/operations.ts";
import type { LbAction } from "../../../src/model/action.ts";
import type { Answer, Outcome } from "../../../src/model/operation.ts";
import { FakeHaproxy } from "../../fake/haproxy-cli.ts";
import { shop, shopConfig } from "../../support/balancer.ts";

const balancer = "lb1";
const on = (server: string) => ({ balancer, server: shop(server) });

function running(): FakeHaproxy {
  const haproxy = new FakeHaproxy();
  haproxy.load(shopConfig(), "1\n");
  haproxy.admin("show stat");
  return haproxy;
}

/** Drives an operation on an HAProxy in memory; `meanwhile` happens before each line is answered. */
function drive(
  haproxy: FakeHaproxy,
  action: LbAction,
  meanwhile: (line: string) => void = () => undefined,
): { outcome: Outcome; lines: readonly string[] } {
  const lines: string[] = [];
  let elapsed = 0;
  const operation = operateLb(action);
  let turn = operation.next();
  while (turn.done !== true) {
    const asked = turn.value;
    if (asked.kind === "sleep") elapsed += asked.ms;
    if (asked.kind !== "sleep" && asked.kind !== "haproxy") throw new Error(asked.kind);
    const answer: Answer =
      asked.kind === "sleep"
        ? { kind: "sleep", elapsed }
        : {
            kind: "haproxy",
            elapsed,
            replies: asked.lines.map((line) => {
              lines.push(line);
              meanwhile(line);
              return (asked.socket === "admin" ? haproxy.admin(line) : haproxy.master(line)) ?? "";
            }),
          };
    turn = operation.next(answer);
  }
  return { outcome: turn.value, lines };
}

describe("a drain", () => {
  test("waits for requests and idle connections of old workers, and not for their tunnels", () => {
    const haproxy = running();
    const request = haproxy.open("shop/app1", false);
    haproxy.open("shop/app2", true);
    haproxy.idle = 3;
    haproxy.load(shopConfig(), "1\n");
    haproxy.admin("show stat");
    let looks = 0;
    const { outcome, lines } = drive(haproxy, { kind: "lb.drain", ...on("app3"), floor: 2 }, (line) => {
      if (line === "show proc") looks += 1;
      if (looks === 6) haproxy.end(request.id);
      if (line.startsWith("set server"))
        expect(haproxy.old.flatMap(({ streams }) => streams.map(({ tunnel }) => tunnel))).toEqual([true]);
    });
    expect(outcome.kind).toBe("done");
    expect(looks).toBeGreaterThan(5);
    expect(lines.filter((line) => line.startsWith("set"))).toEqual(["set server shop/app3 state drain"]);
  });

  test("is taken back when another server falls while it happens", () => {
    const haproxy = running();
    const { outcome, lines } = drive(haproxy, { kind: "lb.drain", ...on("app1"), floor: 2 }, (line) => {
      if (line === "set server shop/app1 state drain") haproxy.admin("set server shop/app2 health down");
    });
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: "min-available", detail: ["app2: ready, DOWN 1/3", "app3: ready, UP"] },
    });
    expect(lines.at(-3)).toBe("set server shop/app1 state ready");
  });

  test("takes a server that is down as well", () => {
    const haproxy = running();
    haproxy.passes = (ref) => ref !== "shop/app1";
    for (let look = 0; look < 4; look += 1) haproxy.admin("show stat");
    expect(drive(haproxy, { kind: "lb.drain", ...on("app1"), floor: 2 }).outcome.kind).toBe("done");
  });
});

describe("proving", () => {
  test("with one pass to rise counts a pass that came between the command and the look", () => {
    const haproxy = new FakeHaproxy();
    haproxy.load(shopConfig().replaceAll("rise 3", "rise 1"), "1\n");
    haproxy.admin("set server shop/app1 state maint");
    const { outcome } = drive(haproxy, { kind: "lb.prove", ...on("app1"), deadline: 1000 }, (line) => {
      // The look after `health down` comes too late to see it down.
      if (line === "show servers state shop") haproxy.admin("show stat");
    });
    expect(outcome).toEqual({ kind: "done", note: "" });
  });

  test("gives up with what the check said", () => {
    const haproxy = running();
    haproxy.passes = (ref) => ref !== "shop/app1";
    haproxy.admin("set server shop/app1 state maint");
    expect(drive(haproxy, { kind: "lb.prove", ...on("app1"), deadline: 1000 }).outcome).toMatchObject({
      kind: "failed",
      failure: { code: "unhealthy", detail: ["DOWN, last check L7STS/503"] },
    });
  });
});

describe("the wait for sessions", () => {
  test("closes what old workers still hold one by one, and what the current one holds at once", () => {
    const haproxy = running();
    const old = [haproxy.open("shop/app1", true), haproxy.open("shop/app1", true)];
    haproxy.open("shop/app2", true);
    haproxy.load(shopConfig(), "1\n");
    haproxy.open("shop/app1", true);
    const action: LbAction = { kind: "lb.quiesce", ...on("app1"), drainTimeout: 1000, drainAction: "force" };
    const { outcome, lines } = drive(haproxy, action);
    expect(outcome).toEqual({ kind: "done", note: "3 sessions closed at the deadline" });
    const pid = haproxy.old[0]?.pid;
    expect(lines.filter((line) => line.includes("shutdown"))).toEqual([
      "shutdown sessions server shop/app1",
      ...old.map(({ id }) => `@!${pid} shutdown session ${id}`),
    ]);
  });
});

describe("holding", () => {
  test("fails at the first error, says which, and forgives what was there before", () => {
    const haproxy = running();
    haproxy.traffic = 3;
    const server = haproxy.servers.get("shop/app1");
    if (server === undefined) throw new Error("no server");
    server.econ = 5;
    const action: LbAction = { kind: "lb.hold", ...on("app1"), window: 5000 };
    expect(drive(haproxy, action).outcome).toMatchObject({
      kind: "done",
      note: expect.stringMatching(/^\d+ requests, no error$/),
    });
    let looks = 0;
    const failing = drive(haproxy, action, (line) => {
      if (line.startsWith("show stat") && ++looks === 3) server.econ += 2;
    });
    expect(failing.outcome).toMatchObject({
      kind: "failed",
      failure: { code: "traffic-errors", detail: ["failed connections: 2"] },
    });
  });

  test("counts again from zero after a reload, and ends with its window when nothing comes", () => {
    const haproxy = running();
    haproxy.traffic = 0;
    const action: LbAction = { kind: "lb.hold", ...on("app1"), window: 1000 };
    expect(drive(haproxy, action).outcome).toEqual({ kind: "done", note: "no traffic came" });
  });
});

describe("an answer that makes no sense", () => {
  test("fails the step with HAProxy's words", () => {
    const haproxy = running();
    haproxy.admin = () => "Permission denied\n";
    expect(drive(haproxy, { kind: "lb.maint", ...on("app1") }).outcome).toMatchObject({
      kind: "failed",
      failure: { code: "balancer-answer", message: expect.stringContaining("Permission denied") },
    });
  });
});
