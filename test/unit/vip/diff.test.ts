import { expect, test } from "vitest";
import { diffVip } from "../../../src/vip/diff.ts";
import type { VipFacts } from "../../../src/vip/facts.ts";
import type { VipModel } from "../../../src/model/vip.ts";
import { factsWith, LB1, textOf } from "./models.ts";

test("what was installed and runs is the same", () => {
  expect(diffVip(textOf(LB1), factsWith(LB1))).toEqual({ kind: "same" });
});

const V4 = { address: "192.168.56.10", prefix: 24 };
const V6 = { address: "fd00:56::10", prefix: 64 };

test.for<readonly [string, Partial<VipModel>, boolean]>([
  ["another excluded VIP", { vips: [V4, V6, { address: "192.168.56.9", prefix: 24 }] }, false],
  ["one excluded VIP less", { vips: [V4] }, false],
  ["another priority", { priority: 240 }, false],
  ["another interface", { interface: "eth1" }, false],
  ["another anchor", { vips: [{ address: "192.168.56.9", prefix: 24 }, V4, V6] }, true],
  ["another virtual router", { virtualRouterId: 52 }, true],
  ["fast failover", { failover: "fast" }, true],
  ["another balancer more", { peers: ["192.168.56.12", "192.168.56.13"] }, true],
])("%s: on the wire %s", ([, change, wire]) => {
  expect(diffVip(textOf({ ...LB1, ...change }), factsWith(LB1))).toMatchObject({ kind: "install", wire });
});

test("a new virtual router is told to cost a moment without a holder", () => {
  const { reasons } = { reasons: [], ...diffVip(textOf({ ...LB1, virtualRouterId: 52 }), factsWith(LB1)) };
  expect(reasons).toContain("a new virtual router begins without a holder: the VIP is away for about 3 s");
});

test("another way of writing one address, comments and order are not on the wire", () => {
  const text = textOf({ ...LB1, peers: ["192.168.56.12", "192.168.56.13"] });
  const facts = factsWith({ ...LB1, peers: ["192.168.56.13", "192.168.56.12"] });
  expect(diffVip(`# of mine\n${text}`, facts)).toMatchObject({ kind: "install", wire: false });
});

test("a keepalived that does not run speaks nothing", () => {
  const facts = factsWith(LB1, { active: false });
  expect(diffVip(textOf({ ...LB1, virtualRouterId: 52 }), facts)).toMatchObject({ wire: false });
});

test.for<readonly [string, Partial<VipFacts["stable"]>]>([
  ["keepalived.conf is missing", { config: null }],
  ["keepalived.conf was not written by drover", { manifest: null, config: { sha256: "1", text: textOf(LB1) } }],
  ["keepalived.conf was changed by hand", { config: { sha256: "1", text: textOf(LB1) } }],
  ["the manifest does not match keepalived.conf", { manifest: null }],
  ["keepalived's check is not the one of drover", { check: "#!/bin/sh\n" }],
  ["keepalived's drop-in is not the one of drover", { dropIn: null }],
  ["keepalived is not running", { active: false }],
  ["keepalived is not started at boot", { enabled: false }],
  ["an earlier change of keepalived.conf was cut off", { interrupted: true }],
  ["keepalived was stopped for maintenance and not started again", { yielded: true, active: false, enabled: false }],
])("%s", ([says, changes]) => {
  expect(diffVip(textOf(LB1), factsWith(LB1, changes))).toMatchObject({ kind: "install", reasons: [says] });
});

test("an older file of drover is told from one changed by hand", () => {
  const diff = diffVip(textOf({ ...LB1, priority: 240 }), factsWith(LB1));
  expect(diff).toEqual({ kind: "install", reasons: ["keepalived.conf is older than the files"], wire: false });
});
