import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import { LEASE_SCRIPT } from "../../../src/store/lease.pl.ts";
import { stateFact } from "../../../src/store/state-facts.ts";

const key = "0123456789abcdef".repeat(4);

test("nothing printed means that there was no run yet", () => {
  expect(stateFact.parse("")).toEqual({
    fingerprintKey: null,
    open: {},
    drains: {},
    ledger: null,
    services: null,
    holder: null,
    epoch: 0,
  });
});

test("all that a state host tells", () => {
  const who = { run: "r1", operator: "ann", purpose: 'a "purpose" with spaces', since: "2026-01-01T00:00:00.000Z" };
  const drain = { reason: 'a "reason" with spaces', operator: "ann", since: "2026-01-01T00:00:00.000Z" };
  const ledger = {
    owners: { "10.0.0.14": "app1", "fd00::14": "app1" },
    debts: [{ host: "app2", address: "10.0.0.13", formerly: "app3", since: "2026-01-01T00:00:00.000Z" }],
  };
  const services = { entries: [{ zone: "svc.lab.internal", kind: "app", name: "shop" }] };
  const told = `epoch 7\nkey ${key}\nholder ${JSON.stringify(who)}\nopen shop r1\nopen orders r0\ndrain app1 ${JSON.stringify(drain)}\nledger ${JSON.stringify(ledger)}\nservices ${JSON.stringify(services)}\n`;
  expect(stateFact.parse(told)).toEqual({
    fingerprintKey: key,
    open: { shop: "r1", orders: "r0" },
    drains: { app1: drain },
    ledger,
    services,
    holder: who,
    epoch: 7,
  });
});

test("a holder that has not said who it is holds the lease all the same", () => {
  for (const words of ["", "{", "[]", "null"]) expect(stateFact.parse(`holder ${words}\n`).holder).not.toBe(null);
});

test.for([
  "epoch x",
  "epoch",
  "key short",
  "open shop",
  "open a b c",
  "drain app1",
  "drain app1 {",
  "drain app1 {}",
  'drain app1 {"reason":1}',
  "ledger",
  "ledger {",
  "ledger null",
  "ledger {}",
  'ledger {"owners":{}}',
  'ledger {"owners":[],"debts":[]}',
  'ledger {"owners":{"10.0.0.1":1},"debts":[]}',
  'ledger {"owners":{},"debts":{}}',
  'ledger {"owners":{},"debts":[null]}',
  'ledger {"owners":{},"debts":[{"host":"a","address":"10.0.0.1","formerly":"b"}]}',
  "services",
  "services {",
  "services {}",
  'services {"entries":[null]}',
  'services {"entries":[{"zone":"z","kind":"app"}]}',
  'services {"entries":[{"zone":"z","kind":"zone","name":"n"}]}',
  "nonsense",
  `${key}`,
])("%s makes the state unknown", (line) => {
  expect(() => stateFact.parse(`${line}\n`)).toThrow(DroverError);
});

test("a fleet's key is not shown when its line makes no sense", () => {
  const parse = (): unknown => stateFact.parse(`key ${key}0\n`);
  expect(parse).toThrow(expect.objectContaining({ failure: expect.objectContaining({ detail: ["key"] }) }));
  expect(parse).not.toThrow(key);
});

test("the lease program stands between two single quotes and is perl", () => {
  const [, program = "", rest] = LEASE_SCRIPT.split("'");
  expect(LEASE_SCRIPT.split("'")).toHaveLength(3);
  expect(rest).toBe(' /var/lib/drover/state "$1" 10');
  const checked = spawnSync("/usr/bin/perl", ["-c", "-e", program], { encoding: "utf8" });
  expect(checked.stderr).toBe("-e syntax OK\n");
});
