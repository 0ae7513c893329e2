// Balancers that follow an SRV name: 90 records over TCP from a real named, instances that leave and come back under load
// that does not retry, a reload in between, and DNS that is gone.
import { afterAll, beforeAll, expect, test } from "vitest";
import { COUNT, SRV } from "./support/followed.ts";
import { lab as makeLab } from "./support/lab.ts";
import type { FollowBench } from "./support/scenarios/follow.ts";
import {
  ADDRESSES,
  dnsGone,
  expectUp,
  leaveAndReturn,
  raiseFollow,
  reloadMeanwhile,
} from "./support/scenarios/follow.ts";
import { balancers, expectDrover } from "./support/shop.ts";

const lab = makeLab("follow");
/** The whole time, beyond which HAProxy would take servers away by itself, is in test/prove/dns-parts.test.ts. */
const SILENCE = 5000;
let bench: FollowBench;

beforeAll(async () => {
  bench = await raiseFollow(lab);
}, 180_000);

afterAll(() => lab.down());

test("90 records come over TCP, whatever their weight; drover finds nothing to change in what DNS does", async () => {
  await expectUp(bench, COUNT);
  const shown = await expectDrover(lab, 0, "lb", "show");
  for (const balancer of balancers) {
    expect(shown).toContain(`billing on ${balancer} follows ${SRV}: 90 servers, room for 100`);
  }
  const port = await lab.run(["curl", "-sf", `http://${ADDRESSES[0] ?? ""}:7000/`]);
  expect(Number(port.stdout)).toBeGreaterThan(0);
  expect(await expectDrover(lab, 0, "lb", "verify")).toMatch(/^verified: /);
  expect(await expectDrover(lab, 0, "plan")).toBe("no difference\n");
});

test("an instance leaves DNS, ends as by kill -9, comes back and is published: nobody sees a failure", async () => {
  await expect(leaveAndReturn(bench, [7, 88])).resolves.toBeUndefined();
});

test("a reload: no request fails, a server that is down stays down, and one withdrawn meanwhile does not come back", async () => {
  await expect(reloadMeanwhile(bench, 3000)).resolves.toBeUndefined();
});

test("DNS is gone: servers stay, and changes are seen when it is back", async () => {
  await expect(dnsGone(bench, SILENCE)).resolves.toBeUndefined();
});
