// The full counts of the road: twenty rollouts back and forth under load, half of them with an app that stops badly.
import { afterAll, beforeAll, expect, test } from "vitest";
import { lab as makeLab } from "../lab/support/lab.ts";
import {
  expectClosedOnlyAtDeadline,
  expectDrover,
  expectNothingDrained,
  openWebsocket,
  runEvents,
  underLoad,
} from "../lab/support/shop.ts";

const lab = makeLab("prove-rollout");
const ROLLOUTS = 20;
const REQUESTS = 100_000;
const DRAIN_TIMEOUT = 5000;

beforeAll(async () => {
  await lab.down();
  await lab.up();
  await expectDrover(lab, 0, "apply", "--yes");
});

afterAll(() => lab.down());

/** Well-behaved releases first, then two that die on SIGTERM with requests in flight. */
function releaseOf(round: number): string {
  const pair = round < ROLLOUTS / 2 ? ["1.5.0", "1.4.0"] : ["1.6.3-abrupt", "1.6.4-abrupt"];
  return pair[round % 2] ?? "1.5.0";
}

test("twenty rollouts lose none of 100,000 requests, and a websocket is closed only at its deadline", async () => {
  const websocket = await openWebsocket(lab, "192.168.56.11");
  const { result, totals } = await underLoad(
    lab,
    async () => {
      const outputs: string[] = [];
      for (let round = 0; round < ROLLOUTS; round += 1) {
        const start = ["rollout", "start", "shop", "--release", releaseOf(round), "--output", "json"];
        // oxlint-disable-next-line no-await-in-loop -- one rollout after the other is the point
        outputs.push(await expectDrover(lab, 0, ...start));
      }
      return outputs.join("\n");
    },
    40,
  );
  websocket.leave();
  console.log(totals.report);
  console.log(`${String(ROLLOUTS)} rollouts, ${String(totals.requests)} requests, ${String(totals.failed)} failed`);
  expect(totals.failed, totals.report).toBe(0);
  expect(totals.requests).toBeGreaterThanOrEqual(REQUESTS);
  expectClosedOnlyAtDeadline(websocket.seen, runEvents(result), DRAIN_TIMEOUT);
  await expectNothingDrained(lab);
});
