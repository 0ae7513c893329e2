import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DroverError } from "../../src/model/errors.ts";
import type { Lease, StateFacts, Store } from "../../src/model/ports.ts";
import { relaxed } from "./support/commands.ts";

/** What the contract is tried on. */
export interface StoreSubject {
  /** The same store as seen by another run. */
  store(): Store;
  /** What the store's fact tells right now. */
  facts(): Promise<StateFacts>;
  stop(): Promise<void>;
}

/** Somebody who wants the lease. */
export function who(run: string): Parameters<Store["acquire"]>[0] {
  return { run, operator: "ann@laptop", purpose: `rollout of "shop", it's ${run}` };
}

const NOTHING: StateFacts = {
  fingerprintKey: null,
  open: {},
  drains: {},
  ledger: null,
  services: null,
  holder: null,
  epoch: 0,
};

/** Takes the lease; fails the test when it cannot. */
export async function take(store: Store, run: string): Promise<Lease> {
  const acquired = await store.acquire(who(run), relaxed());
  if (acquired.kind !== "held") throw new Error(`not held: ${JSON.stringify(acquired)}`);
  return acquired.lease;
}

/** The code of the DroverError a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof DroverError ? error.failure.code : String(error);
  }
  return "nothing was thrown";
}

/** Everything that any `Store` must hold. */
export function storeContract(name: string, make: () => Promise<StoreSubject>): void {
  describe(`contract: ${name}`, () => {
    let subject: StoreSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(() => subject.stop());

    test("before the first run there is nothing, and looking creates nothing", async () => {
      expect(await subject.facts()).toEqual(NOTHING);
      expect(await subject.facts()).toEqual(NOTHING);
      expect(await subject.store().read("never", relaxed())).toEqual([]);
    });

    test("one run holds the lease, another is refused with the holder's name", async () => {
      const lease = await take(subject.store(), "r1");
      expect(lease).toMatchObject({ epoch: 1, run: "r1", fingerprintKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
      const refused = await subject.store().acquire(who("r2"), relaxed());
      expect(refused).toMatchObject({
        kind: "busy",
        holder: { ...who("r1"), since: expect.stringMatching(/^20.*Z$/) },
      });
      expect(await subject.facts()).toMatchObject({
        holder: who("r1"),
        epoch: 1,
        fingerprintKey: lease.fingerprintKey,
      });
      await lease.release();
      expect(lease.lost.aborted).toBe(false);
      expect((await subject.facts()).holder).toBe(null);
    });

    test("every lease has a higher epoch and the same key", async () => {
      const first = await take(subject.store(), "r3");
      await first.release();
      await first.release();
      const second = await take(subject.store(), "r4");
      expect(second.epoch).toBe(first.epoch + 1);
      expect(second.fingerprintKey).toBe(first.fingerprintKey);
      await second.release();
    });

    test("journal lines come back in the order they were appended, per rollout", async () => {
      const lease = await take(subject.store(), "r5");
      const lines = Array.from({ length: 200 }, (_, at) => JSON.stringify({ at, text: `'"$(x) ✓ ${"y".repeat(at)}` }));
      await Promise.all(lines.map((line, at) => lease.append(at % 2 === 0 ? "even-1" : "odd-1", [line])));
      await lease.append("even-1", ["a", "b"]);
      await lease.append("even-1", []);
      expect(await subject.store().read("even-1", relaxed())).toEqual([
        ...lines.filter((_, at) => at % 2 === 0),
        "a",
        "b",
      ]);
      expect(await subject.store().read("odd-1", relaxed())).toEqual(lines.filter((_, at) => at % 2 === 1));
      await lease.release();
    });

    test("open rollouts are named until they are closed", async () => {
      const lease = await take(subject.store(), "r6");
      await lease.setOpen("shop", "r6");
      await lease.setOpen("orders", "r5");
      await lease.setOpen("shop", "r7");
      expect((await subject.facts()).open).toEqual({ shop: "r7", orders: "r5" });
      await lease.setOpen("shop", null);
      await lease.setOpen("shop", null);
      await lease.release();
      expect((await subject.facts()).open).toEqual({ orders: "r5" });
    });

    test("drains are told with their reason until they are taken back, whoever holds the lease", async () => {
      const lease = await take(subject.store(), "r9");
      const since = "2026-01-01T00:00:00.000Z";
      const hostile = { reason: `new "disk" \\n \\\\ it's $(x) \`y\` ✓`, operator: "ann@laptop", since };
      await lease.setDrain("app1", { reason: "first", operator: "bob", since });
      await lease.setDrain("app1", hostile);
      await lease.setDrain("app2.drover-tmp", { reason: "odd name", operator: "ann", since });
      await lease.release();
      expect((await subject.facts()).drains).toEqual({
        app1: hostile,
        "app2.drover-tmp": { reason: "odd name", operator: "ann", since },
      });
      const next = await take(subject.store(), "r10");
      await next.setDrain("app2.drover-tmp", null);
      await next.setDrain("app2.drover-tmp", null);
      expect((await subject.facts()).drains).toEqual({ app1: hostile });
      await next.setDrain("app1", null);
      await next.release();
      expect((await subject.facts()).drains).toEqual({});
    });

    test("what is remembered of the firewall is replaced as a whole, and outlives every lease", async () => {
      const lease = await take(subject.store(), "r11");
      const since = "2026-01-01T00:00:00.000Z";
      const owners = Object.fromEntries(
        Array.from({ length: 3000 }, (_, at) => [`10.1.${String(at >> 8)}.${String(at & 255)}`, `host-${String(at)}`]),
      );
      await lease.setLedger({ owners, debts: [] });
      expect((await subject.facts()).ledger).toEqual({ owners, debts: [] });
      const debts = [{ host: "app2", address: "fd00::13", formerly: `it's "app3" \\n $(x)`, since }];
      await lease.setLedger({ owners: { "10.0.0.14": "app1" }, debts });
      await lease.release();
      const next = await take(subject.store(), "r12");
      expect((await subject.facts()).ledger).toEqual({ owners: { "10.0.0.14": "app1" }, debts });
      await next.setLedger({ owners: {}, debts: [] });
      await next.release();
      expect((await subject.facts()).ledger).toEqual({ owners: {}, debts: [] });
      expect(await codeOf(next.setLedger({ owners, debts }))).not.toBe("nothing was thrown");
      expect((await subject.facts()).ledger).toEqual({ owners: {}, debts: [] });
    });

    test("what drover may have written in DNS is replaced as a whole, and outlives every lease", async () => {
      const lease = await take(subject.store(), "r13");
      const zone = "svc.lab.internal";
      const hosts = Array.from({ length: 3000 }, (_, at) => ({ zone, kind: "host" as const, name: `h${String(at)}` }));
      await lease.setServices({ entries: hosts });
      expect((await subject.facts()).services).toEqual({ entries: hosts });
      const entries = [{ zone, kind: "app" as const, name: "shop" }];
      await lease.setServices({ entries });
      await lease.release();
      expect((await subject.facts()).services).toEqual({ entries });
      const next = await take(subject.store(), "r14");
      await next.setServices({ entries: [] });
      await next.release();
      expect(await codeOf(next.setServices({ entries }))).not.toBe("nothing was thrown");
      expect((await subject.facts()).services).toEqual({ entries: [] });
    });

    test("a released lease writes nothing any more", async () => {
      const lease = await take(subject.store(), "r8");
      await lease.append("r8", ["one"]);
      await lease.release();
      expect(await codeOf(lease.append("r8", ["two"]))).not.toBe("nothing was thrown");
      expect(await subject.store().read("r8", relaxed())).toEqual(["one"]);
    });
  });
}
