import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { ReleaseAction } from "../../src/model/action.ts";
import { diffHost } from "../../src/release/diff.ts";
import { releaseFact } from "../../src/release/facts.ts";
import { operateRelease } from "../../src/release/operations.ts";
import { drive, gather } from "../support/drive.ts";
import { FLEET, lab, labImpossible, sh } from "../support/lab.ts";
import { artifactAt, desiredOn, exampleApp } from "../support/release.ts";

const HOST = "app1";
const ADDRESS = "192.168.56.21";
const SECRETS = { "shop/DATABASE_URL": "secret\n" };
const why = labImpossible();
if (why !== null) console.warn(`skipped: ${why}`);

/** The shell of a command that is killed, with all it started, after that many milliseconds. */
const dyingAfter = (ms: number): readonly string[] => [
  "timeout",
  "-s",
  "KILL",
  (ms / 1000).toFixed(3),
  "sh",
  "-c",
  'IFS= read -r n && s=$(head -c "$n") && eval "$s"',
];

describe.skipIf(why !== null)("a script killed anywhere, then run again", () => {
  beforeAll(() => void lab("up", "--only", HOST));

  test("reaches the same end", async () => {
    const releases = ["1.4.0", "1.5.0"].map((release) => {
      const artifact = artifactAt(`${FLEET}/dist/shop-${release}.tar.gz`);
      const app = exampleApp({ release, secrets: { DATABASE_URL: { kind: "file", path: "unused" } } });
      return { artifact, desired: desiredOn(HOST, ADDRESS, app, artifact.sha256) };
    });
    const delays = fc.sample(fc.integer({ min: 5, max: 450 }), { numRuns: 12, seed: 7 });
    const killed: string[] = [];
    const twice = async (action: ReleaseAction, delay: number): Promise<void> => {
      const first = await drive(operateRelease(action), { secrets: SECRETS, shell: dyingAfter(delay) });
      if (first.kind === "failed") killed.push(`${action.kind} at ${delay} ms`);
      // Whatever it left, the facts can be read: it must not stop the next plan.
      await gather(HOST, releaseFact);
      expect(
        await drive(operateRelease(action), { secrets: SECRETS }),
        `${action.kind} after ${delay} ms`,
      ).toMatchObject({ kind: "done" });
    };
    for (const [index, delay] of delays.entries()) {
      const { artifact, desired } = releases[index % 2] ?? expect.unreachable();
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
    console.log(`killed: ${killed.join(", ")}`);
    expect(killed.length).toBeGreaterThan(delays.length / 2);
    await drive(operateRelease({ kind: "release.remove", host: HOST, app: "shop" }));
    expect(await gather(HOST, releaseFact)).toEqual({ apps: [], orphans: [] });
    expect((await sh(HOST, "ls -A /var/lib/drover")).trim().split("\n")).toEqual([".lock", "epoch"]);
  });
});
