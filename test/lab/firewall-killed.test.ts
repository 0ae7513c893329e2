// drover killed in the middle of changes of firewalls.
import { afterAll, beforeAll, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import type { FirewallBench } from "./support/flows/bench.ts";
import { raiseFirewall } from "./support/flows/bench.ts";
import { killed } from "./support/scenarios/firewall-lockout.ts";

const lab = makeLab("firewall-killed");
let bench: FirewallBench;

beforeAll(async () => {
  bench = await raiseFirewall(lab, { confirm: 5 });
});

afterAll(() => lab.down());

test("kill -9 at random moments: old or new rules everywhere, SSH open, the next apply goes through", async () => {
  await expect(killed(bench, 4)).resolves.toBeUndefined();
});
