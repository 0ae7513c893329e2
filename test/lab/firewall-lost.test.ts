// The firewall of a fleet whose hosts do not answer, are lost half-way, or hand their address on.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { FirewallBench } from "./support/flows/bench.ts";
import { raiseFirewall, tidy } from "./support/flows/bench.ts";
import {
  addressReleased,
  addressReused,
  lostInExpansion,
  silentInContraction,
  silentInExpansion,
} from "./support/scenarios/firewall-lost.ts";

const lab = makeLab("firewall-lost");
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab, { confirm: 5 });
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

test("a silent host stops what opens, before anything is changed", async () => {
  await expect(silentInExpansion(bench)).resolves.toBeUndefined();
});

test("a silent host keeps the others from nothing that closes", async () => {
  await expect(silentInContraction(bench)).resolves.toBeUndefined();
});

test("a host lost in the middle of what opens: taken back on the others", async () => {
  await expect(lostInExpansion(bench)).resolves.toBeUndefined();
});

test("a host lost in the middle of what closes: closed on the others, owed, and its address waits", async () => {
  await expect(addressReleased(bench)).resolves.toBeUndefined();
});

test("an address that is another host's by now lets nobody in, and its connections are cut", async () => {
  await expect(addressReused(bench)).resolves.toBeUndefined();
});
