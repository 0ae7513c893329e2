// Nobody is locked out, whatever is written, rebooted or killed half-way.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { FirewallBench } from "./support/flows/bench.ts";
import { raiseFirewall, tidy } from "./support/flows/bench.ts";
import { adminWithoutOperator, killed, lockedOut, rebooted } from "./support/scenarios/firewall-lockout.ts";

const lab = makeLab("firewall-lockout");
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab, { confirm: 5 });
});

afterAll(() => lab.down());

beforeEach(({ onTestFailed }) => onTestFailed(() => tidy(bench), 120_000));

test("an admin list without the operator is refused at plan", async () => {
  await expect(adminWithoutOperator(bench)).resolves.toBeUndefined();
});

test("rules that let nobody in, from a drover that is killed: the host goes back by itself", async () => {
  await expect(lockedOut(bench)).resolves.toBeUndefined();
});

test("a reboot before the confirmation gives the old rules, after it the new ones", async () => {
  await expect(rebooted(bench)).resolves.toBeUndefined();
});

test("kill -9 at random moments: old or new rules everywhere, SSH open, the next apply goes through", async () => {
  await expect(killed(bench, 4)).resolves.toBeUndefined();
});
