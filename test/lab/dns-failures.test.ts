// Service discovery with everything that can be wrong with it, on the real thing: a clear error, and nothing half-changed.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { raiseDns } from "./support/dns/bench.ts";
import { lab as makeLab } from "./support/lab.ts";
import { besideForeign, expectForeign, layForeign, refusesForeign, tooMany } from "./support/scenarios/dns-foreign.ts";
import {
  primaryStopsMidway,
  secondaryStopped,
  skewedClock,
  tampered,
  tidyDns,
  wrongKey,
} from "./support/scenarios/dns-refusals.ts";

const lab = makeLab("dns-failures");

beforeAll(async () => {
  await raiseDns(lab);
  // Whatever goes wrong below goes wrong beside these.
  await layForeign(lab);
});

afterAll(() => lab.down());

// A test that failed half way must not take the next ones with it.
beforeEach(({ onTestFailed }) => onTestFailed(() => tidyDns(lab), 120_000));

test("a secondary that is stopped refuses every change, or is named and passed over", async () => {
  await expect(secondaryStopped(lab)).resolves.toBeUndefined();
});

test("a primary that stops in the middle of a rollout stops it; users are served, and abort puts everything back", async () => {
  await expect(primaryStopsMidway(lab)).resolves.toBeUndefined();
});

test("a wrong key stops a rollout at its first write", async () => {
  await expect(wrongKey(lab)).resolves.toBeUndefined();
});

test("a clock that is ten minutes off stops a rollout at its first write, and is told", async () => {
  await expect(skewedClock(lab)).resolves.toBeUndefined();
});

test("whoever meddles with updates or their answers gets nothing half-changed", async () => {
  await expect(tampered(lab)).resolves.toBeUndefined();
});

test("records of others, and a CNAME, are refused; an app with 101 instances is no plan", async () => {
  await refusesForeign(lab);
  await expect(tooMany(lab)).resolves.toBeUndefined();
});

test("records of others survive all of this, another app's rollout and gc", async () => {
  await besideForeign(lab);
  await expect(expectForeign(lab)).resolves.toBeUndefined();
});
