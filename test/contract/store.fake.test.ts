import { expect, test } from "vitest";
import { systemClock } from "../../src/store/clock.ts";
import { FakeStore } from "../fake/store.ts";
import { codeOf, storeContract, take } from "./store.contract.ts";

storeContract("the store in memory", () => {
  const store = new FakeStore(systemClock);
  return Promise.resolve({
    store: () => store,
    facts: () => Promise.resolve(store.fact.parse("")),
    stop: () => Promise.resolve(),
  });
});

test("the store in memory loses a lease on request", async () => {
  const store = new FakeStore(systemClock);
  const lease = await take(store, "r1");
  store.lose();
  expect(lease.lost.aborted).toBe(true);
  expect(await codeOf(lease.append("r1", ["x"]))).toBe("lease-lost");
  expect((await take(store, "r2")).epoch).toBe(2);
});
