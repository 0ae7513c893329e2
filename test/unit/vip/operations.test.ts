import { describe, expect, test } from "vitest";
import type { Answer, Ask, Outcome } from "../../../src/model/operation.ts";
import type { VipAction } from "../../../src/model/vip.ts";
import { EXIT } from "../../../src/model/command.ts";
import { INSTALL_EXIT } from "../../../src/model/installing.ts";
import { operateVip } from "../../../src/vip/operations.ts";
import { parseVrrpProbe, vrrpProbe } from "../../../src/vip/probe.ts";
import { LB1, textOf } from "./models.ts";

/** What a host answers to a command's name. */
type Host = (host: string, command: string, turn: number) => { code?: number; stdout?: string; stderr?: string };

function drive(action: VipAction, host: Host): { outcome: Outcome; asked: readonly Ask[] } {
  const asked: Ask[] = [];
  const operation = operateVip(action);
  let elapsed = 0;
  let next = operation.next();
  while (next.done !== true) {
    const ask = next.value;
    asked.push(ask);
    if (ask.kind === "sleep") elapsed += ask.ms;
    const answer: Answer =
      ask.kind === "exec"
        ? { kind: "exec", elapsed, code: 0, stdout: "", stderr: "", ...host(ask.host, ask.command.name, asked.length) }
        : { kind: "sleep", elapsed };
    next = operation.next(answer);
  }
  return { outcome: next.value, asked };
}

const install: VipAction = { kind: "vip.install", balancer: "lb1", model: LB1, config: textOf(LB1), wire: false };

describe("vip.install", () => {
  test("is one exec, with the check, the drop-in, the file and the manifest", () => {
    const { outcome, asked } = drive(install, () => ({ stdout: "started\n" }));
    expect(outcome).toEqual({ kind: "done", note: "started" });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ host: "lb1", command: { name: "vip.install", mutates: true } });
    expect(asked[0]?.kind === "exec" ? asked[0].command.frames.length : 0).toBe(4);
  });

  test("never runs without an interface", () => {
    const { outcome, asked } = drive({ ...install, model: { ...LB1, interface: null } }, () => ({}));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "bug" } });
    expect(asked).toEqual([]);
  });

  test.for([
    [INSTALL_EXIT.missing, "package-missing", "keepalived is not installed on lb1"],
    [INSTALL_EXIT.refused, "balancer-config", "lb1: it says no"],
    [INSTALL_EXIT.putBack, "balancer-config", "lb1: it says no"],
    [INSTALL_EXIT.stuck, "balancer-config", "lb1: it says no"],
    [EXIT.diskFull, "disk-full", "the disk of lb1 is full"],
    [99, "command-failed", "could not be changed (exit code 99)"],
  ] as const)("exit code %i is %s", ([code, kind, says]) => {
    const { outcome } = drive(install, () => ({ code, stderr: "it says no\nand why\n" }));
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: kind, message: expect.stringContaining(says) },
    });
  });
});

describe("vip.await", () => {
  const held = "2: eth0    inet 192.168.56.10/24 scope global eth0\n2: eth0    inet6 fd00:56::10/64 scope global\n";
  const action = (not: string | null): VipAction => ({
    kind: "vip.await",
    balancers: ["lb1", "lb2"],
    vips: LB1.vips,
    not,
    deadline: 5000,
  });

  test("ends with the one holder's name", () => {
    const host: Host = (name, _, turn) => ({ stdout: name === "lb2" && turn > 8 ? held : "" });
    expect(drive(action(null), host).outcome).toEqual({ kind: "done", note: "lb2 holds it" });
  });

  test.for([
    ["nobody", null, () => "", "no balancer holds the VIP"],
    ["both", null, () => held, "lb1 and lb2 hold the VIP"],
    ["the one that should not", "lb1", (name: string) => (name === "lb1" ? held : ""), "did not settle: lb1 holds it"],
    ["one that holds some", null, (name: string) => (name === "lb1" ? held.split("\n")[0] : ""), "did not settle"],
  ] as const)("gives up on %s, with numbers", ([, not, print, says]) => {
    const { outcome } = drive(action(not), (name) => ({ stdout: print(name) ?? "" }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { message: expect.stringContaining(says) } });
    expect(outcome.kind === "failed" ? outcome.failure.detail : []).toHaveLength(2);
  });

  test("a host that does not tell is not one without a VIP", () => {
    expect(drive(action(null), () => ({ code: 1 })).outcome).toMatchObject({ failure: { code: "unknown-state" } });
  });
});

describe("the probe", () => {
  test("only reads, and takes its addresses as arguments", () => {
    const command = vrrpProbe("192.168.56.11", ["192.168.56.12"]);
    expect(command).toMatchObject({ mutates: false, args: ["2000", "192.168.56.11", "192.168.56.12"] });
  });

  test("tells whom it heard, and an answer cut off is none", () => {
    expect(parseVrrpProbe("heard 192.168.56.12\nheard fd00::1\nend\n")).toEqual(["192.168.56.12", "fd00::1"]);
    expect(parseVrrpProbe("end\n")).toEqual([]);
    expect(() => parseVrrpProbe("heard 192.168.56.12\n")).toThrow("cut off");
  });
});
