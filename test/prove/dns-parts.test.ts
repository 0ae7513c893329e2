// The parts of service discovery one by one, with the full counts; each has a lab of its own.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { driver } from "../lab/support/drive.ts";
import { COUNT } from "../lab/support/followed.ts";
import { lab } from "../lab/support/lab.ts";
import { namedPair } from "../lab/support/named.ts";
import type { ResolverBench } from "../lab/support/resolver.ts";
import { raiseResolver } from "../lab/support/resolver.ts";
import type { FollowBench } from "../lab/support/scenarios/follow.ts";
import { dnsGone, expectUp, leaveAndReturn, raiseFollow, reloadMeanwhile } from "../lab/support/scenarios/follow.ts";
import { killedAnywhere, wrongSecret } from "../lab/support/scenarios/named-cuts.ts";
import { cutAnywhere } from "../lab/support/scenarios/resolver-cuts.ts";

/** More than HAProxy's own 30 s, after which it would take its servers away. */
const LONG_SILENCE = 33_000;
const INSTANCES: readonly number[] = [1, 7, 15, 30, 44, 51, 66, 75, 88, 90];
const RELOADS = 5;
/** Seconds after a change of a DNS server began: from the first write to when it is long over. A multiple of four. */
const MOMENTS: readonly number[] = Array.from({ length: 24 }, (_, index) => index * 0.04);

describe("balancers that follow a name", () => {
  const own = lab("prove-follow");
  let bench: FollowBench;

  beforeAll(async () => {
    bench = await raiseFollow(own);
    await expectUp(bench, COUNT);
  });

  afterAll(() => own.down());

  test("ten instances leave DNS, end, and come back: nobody sees a failure", async () => {
    await expect(leaveAndReturn(bench, INSTANCES)).resolves.toBeUndefined();
  });

  test("DNS is gone for longer than HAProxy would wait: servers stay, and changes are seen when it is back", async () => {
    await expect(dnsGone(bench, LONG_SILENCE)).resolves.toBeUndefined();
  });

  test("five reloads: one that is down stays down, and one withdrawn meanwhile does not come back", async () => {
    for (let round = 0; round < RELOADS; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await expect(reloadMeanwhile(bench, 3000 + round)).resolves.toBeUndefined();
    }
  });
});

describe("hosts that learn where the zone is answered", () => {
  const own = lab("prove-resolver");
  let bench: ResolverBench;

  beforeAll(async () => {
    bench = await raiseResolver(own);
  });

  afterAll(() => own.down());

  test("a plain resolv.conf: killed before each write, there and back", async () => {
    await bench.plain();
    await expect(cutAnywhere(bench, "plain", "all")).resolves.toBeUndefined();
  });

  test("systemd-resolved: killed before each write, there and back", async () => {
    await bench.resolved();
    await expect(cutAnywhere(bench, "resolved", "all")).resolves.toBeUndefined();
  });
});

describe("a primary and a secondary", () => {
  const own = lab("prove-named");
  const pair = namedPair(own);

  beforeAll(async () => {
    await own.down();
    await own.up("--only", "dns1", "--add", "dns2");
  });

  afterAll(() => own.down());

  beforeEach(async () => {
    for (const host of ["dns1", "dns2"] as const) {
      // oxlint-disable-next-line no-await-in-loop -- the primary first
      expect(await pair.install(host, "drover")).toMatchObject({ kind: "done" });
    }
  });

  test("killed at 24 moments while their key changes, and done again: the same end", async () => {
    await expect(killedAnywhere(pair, MOMENTS)).resolves.toBeUndefined();
  });

  test("a key with which nothing can be transferred is given up after 15 s, and the one before is back", async () => {
    await expect(wrongSecret(pair, driver(own).sh, "true")).resolves.toBeUndefined();
  });
});
