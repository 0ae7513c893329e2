import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReleaseAction } from "../../src/model/action.ts";
import { diffHost } from "../../src/release/diff.ts";
import { releaseFact } from "../../src/release/facts.ts";
import { operateRelease } from "../../src/release/operations.ts";
import { driver } from "./support/drive.ts";
import { lab } from "./support/lab.ts";
import { artifactAt, desiredOn, exampleApp } from "../support/release.ts";

const HOST = "app1";
const ADDRESS = "192.168.56.21";
const SECRETS = { "shop/DATABASE_URL": "secret\n" };
const real = lab("test-interrupted");
const { drive, gather, sh } = driver(real);

/** What kills a command with all it started, after that many milliseconds. */
const dyingAfter = (ms: number): readonly string[] => ["timeout", "-s", "KILL", (ms / 1000).toFixed(3)];

describe("a script killed anywhere, then run again", () => {
  beforeAll(() => real.up("--only", HOST));
  afterAll(() => real.down());

  test("reaches the same end", async () => {
    const releases = ["1.4.0", "1.5.0"].map((release) => {
      const artifact = artifactAt(`${real.fleet}/dist/shop-${release}.tar.gz`);
      const app = exampleApp({ release, secrets: { DATABASE_URL: { kind: "file", path: "unused" } } });
      return { artifact, desired: desiredOn(HOST, ADDRESS, app, artifact.sha256) };
    });
    const delays = fc.sample(fc.integer({ min: 5, max: 450 }), { numRuns: 12, seed: 7 });
    const killed: string[] = [];
    const twice = async (action: ReleaseAction, delay: number): Promise<void> => {
      const first = await drive(operateRelease(action), { secrets: SECRETS, under: dyingAfter(delay) });
      if (first.kind === "failed") killed.push(`${action.kind} at ${delay} ms`);
      // Whatever it left, the facts can be read: it must not stop the next plan.
      await gather(HOST, releaseFact);
      expect(
        await drive(operateRelease(action), { secrets: SECRETS }),
        `${action.kind} after ${delay} ms`,
      ).toMatchObject({ kind: "done" });
    };
    for (const [index, delay] of delays.entries()) {
      const chosen = releases[index % 2];
      if (chosen === undefined) throw new Error("two releases take turns");
      const { artifact, desired } = chosen;
      const { app, release, unit, dropIn, program, secrets } = desired;
      await twice({ kind: "release.stage", host: HOST, app, release, artifact, unit, dropIn, program, secrets }, delay);
      await twice({ kind: "release.switch", host: HOST, app, release, port: 8080 }, delay);
      const facts = await gather(HOST, releaseFact);
      expect(
        diffHost(HOST, [desired], facts).map((each) => each.kind),
        `after ${delay} ms`,
      ).toEqual(["same"]);
      const version = await sh(
        HOST,
        `curl -s --retry 20 --retry-connrefused --retry-delay 0 --retry-max-time 5 http://${ADDRESS}:8080/version`,
      );
      expect(version).toContain(`"${desired.version}"`);
      if (index % 3 === 0) await twice({ kind: "release.prune", host: HOST, app, keep: 1 }, delay / 4);
      if (index % 4 === 3) await twice({ kind: "release.remove", host: HOST, app }, delay);
    }
    expect(killed.length).toBeGreaterThan(delays.length / 2);
    await drive(operateRelease({ kind: "release.remove", host: HOST, app: "shop" }));
    expect(await gather(HOST, releaseFact)).toEqual({ apps: [], orphans: [] });
    expect((await sh(HOST, "ls -A /var/lib/drover")).trim().split("\n")).toEqual([".lock", "epoch"]);
  });
});
