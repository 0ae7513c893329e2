import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import type { Told } from "../../../src/plan/verify/dns-answers.ts";
import type { Place } from "../../../src/plan/verify/dns-account.ts";
import type { DnsFinding } from "../../../src/plan/verify/dns-findings.ts";
import type { Diagnosis } from "../../../src/plan/verify/doctor.ts";
import { dnsVerificationCode, dnsVerificationLines } from "../../../src/report/dns-findings.ts";
import type { DnsShow } from "../../../src/report/dns-show.ts";
import { dnsShowCode, dnsShowLines } from "../../../src/report/dns-show.ts";
import { doctorCode, doctorLines } from "../../../src/report/doctor.ts";

const EMPTY: DnsShow = { zone: "svc.test", fleet: "web", servers: [], apps: [], hosts: [], unknown: [] };
const DRAIN = { reason: "disk", operator: "ann", since: "today" };

/** The mark, the word for the place, and the cell of one row. */
function rowOf(place: Place, told: Pick<Told, "kind" | "says">): readonly string[] {
  const rows = [{ who: "app1", place, told: [{ server: "ns1", ...told }] }];
  const sets = [{ name: "_shop._tcp.svc.test", set: "_shop._tcp", rows }];
  const apps = [{ app: "shop", wanted: true, owner: { kind: "none" } as const, sets }];
  const lines = dnsShowLines({ ...EMPTY, apps });
  const line = lines.find((each) => each.includes("app1  ")) ?? "";
  return [line.startsWith("!") ? "!" : "", ...line.replace(/^!/, "").trim().split(/ {2,}/).slice(1)];
}

describe("dns show", () => {
  test.for<[Place, Told["kind"], readonly string[]]>([
    [{ kind: "in" }, "same", ["", "in", "same"]],
    [{ kind: "in" }, "missing", ["!", "in", "missing"]],
    [{ kind: "in" }, "unknown", ["", "in", "unknown"]],
    [{ kind: "drained", drain: DRAIN }, "missing", ["", "out, drained", "out"]],
    [{ kind: "drained", drain: DRAIN }, "same", ["!", "out, drained", "in"]],
    [{ kind: "unwanted" }, "there", ["!", "out", "in"]],
    [{ kind: "unwanted" }, "missing", ["", "out", "out"]],
    [{ kind: "open", rollout: "r1" }, "missing", ["", "open rollout", "out"]],
    [{ kind: "open", rollout: "r1" }, "same", ["", "open rollout", "in"]],
    [{ kind: "unknown" }, "same", ["", "unknown", "in"]],
  ])("%j, %s", ([place, kind, expected]) => {
    expect(rowOf(place, { kind, says: "" })).toEqual(expected);
  });

  test("what differs is said in place, and cannot reach the terminal as it came", () => {
    expect(rowOf({ kind: "in" }, { kind: "differs", says: "weight 2, not 1\u001b[2J" })).toEqual([
      "!",
      "in",
      String.raw`weight 2, not 1\x1b[2J`,
    ]);
  });

  test("a server that drover has still to set up has no serial; an IPv6 address has brackets", () => {
    const server = { server: "dns1", address: "fd00::1", port: 53, role: "primary", otherwise: [], why: null } as const;
    const lines = dnsShowLines({ ...EMPTY, servers: [{ ...server, serial: null, behind: 0, setUp: false }] });
    expect(lines).toContain("dns1    primary  [fd00::1]:53  not set up yet  -");
    expect(dnsShowCode({ ...EMPTY, unknown: [failure("host-timeout", "dns1: silent")] })).toBe(1);
  });
});

const EXTRA: DnsFinding = {
  code: "extra",
  kind: "difference",
  subject: "shop",
  message: "app9 is in it",
  hint: "apply",
};
const NOTE: DnsFinding = { ...EXTRA, code: "ttl", kind: "note", message: "1 s", hint: "" };
const SILENT: DnsFinding = { ...EXTRA, code: "unanswered", kind: "unknown", subject: "ns2" };

describe("dns verify", () => {
  const of = (...findings: readonly DnsFinding[]) => ({ zone: "svc.test", checks: 9, servers: 2, findings });

  test.for<[number, string, readonly DnsFinding[]]>([
    [0, "verified: svc.test: 9 checks on 2 servers", []],
    [0, "verified, 1 note: svc.test: 9 checks on 2 servers", [NOTE]],
    [2, "1 difference, 1 note: svc.test: 9 checks on 2 servers", [NOTE, EXTRA]],
    [1, "1 difference, 1 unknown: svc.test: 9 checks on 2 servers", [EXTRA, SILENT]],
  ])("ends with %i: %s", ([code, last, findings]) => {
    expect([dnsVerificationCode(of(...findings)), dnsVerificationLines(of(...findings)).at(-1)]).toEqual([code, last]);
  });

  test("a line for each, with what to type next", () => {
    expect(dnsVerificationLines(of(NOTE, EXTRA)).slice(0, 2)).toEqual([
      "note: shop: 1 s [ttl]",
      "shop: app9 is in it [extra] → apply",
    ]);
  });
});

test("doctor ends with 1 only where something is wrong, and says what to do", () => {
  const fine: Diagnosis = { subject: "lb1", kind: "ok", message: "answers", hint: "" };
  const note: Diagnosis = { subject: "ns1", kind: "note", message: "is late", hint: "wait" };
  const wrong: Diagnosis = { subject: "app1", kind: "wrong", message: "is away", hint: "look" };
  expect([doctorCode([fine, note]), doctorLines([fine, note]).at(-1)]).toEqual([0, "nothing wrong, 1 note: 2 checks"]);
  expect([doctorCode([fine, wrong]), doctorLines([fine, wrong])]).toEqual([
    1,
    ["ok     lb1   answers", "WRONG  app1  is away", "       hint: look", "1 wrong: 2 checks"],
  ]);
});
