import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operateRelease } from "../../src/release/operations.ts";
import { driver } from "./support/drive.ts";
import { AWKWARD, fitText } from "../support/hostile.ts";
import { lab } from "./support/lab.ts";
import { artifactAt, desiredOn, exampleApp } from "../support/release.ts";

const HOST = "app1";
const real = lab("test-hostile");
const { drive, sh } = driver(real);

describe("words and variables through a real systemd", () => {
  const folder = mkdtempSync(join(tmpdir(), "drover-hostile-"));
  beforeAll(() => real.up("--only", HOST));
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await real.down();
  });

  test("come back byte for byte from the process", async () => {
    // A plain file as the artifact, too: it lands where `run` looks for it.
    writeFileSync(join(folder, "echo"), "#!/usr/bin/perl\nsleep 1000;\n");
    const artifact = artifactAt(join(folder, "echo"));
    const words = [...AWKWARD, ...fc.sample(fitText, { numRuns: 400, seed: 2 })];
    const env = Object.fromEntries(words.map((word, index) => [`V${index}`, word]));
    const run = ["bin/%n $HOME {{app}} é;", ...words];
    const app = exampleApp({ name: "echo", release: "1", run, env, port: null });
    const desired = desiredOn(HOST, "192.168.56.21", app, artifact.sha256);
    const { release, unit, dropIn, program } = desired;
    const where = { host: HOST, app: "echo", release };
    const staged = await drive(
      operateRelease({ kind: "release.stage", ...where, artifact, unit, dropIn, program, secrets: [] }),
    );
    expect(staged).toMatchObject({ kind: "done" });
    expect(await drive(operateRelease({ kind: "release.switch", ...where, port: null }))).toMatchObject({
      kind: "done",
    });

    const show = (file: string): Promise<string> =>
      sh(HOST, `base64 -w0 /proc/$(systemctl show -p MainPID --value drover-echo)/${file}`);
    const strings = (text: string): readonly string[] =>
      Buffer.from(text, "base64").toString().split("\0").slice(0, -1);
    // The kernel puts the interpreter before a script's own words.
    expect(strings(await show("cmdline")).slice(2)).toEqual(words);
    const seen = new Set(strings(await show("environ")));
    expect(words.filter((word, index) => !seen.has(`V${index}=${word}`))).toEqual([]);
  });
});
