import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { reading } from "../../../src/model/command.ts";
import { DroverError } from "../../../src/model/errors.ts";
import { createMarkerFilter } from "../../../src/ssh/marker.ts";
import { quoteAll } from "../../../src/ssh/quote.ts";
import { MARKER, remoteCommand, renderScript, stopCommand } from "../../../src/ssh/script.ts";

/** Runs what sshd would be asked to run, with `input` as its stdin. */
function run(input: Uint8Array): { readonly code: number | null; readonly stdout: string } {
  const result = spawnSync("sh", ["-c", remoteCommand("none")], { input });
  return { code: result.status, stdout: result.stdout.toString() };
}

function request(text: string, args: readonly string[] = []): Parameters<typeof renderScript>[0] {
  return { command: reading("test", text, args), warrant: null, frames: [] };
}

/** A folder that is gone after the test. */
function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "drover-script-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe("quoting", () => {
  test("any words come out of a shell as they went in", () => {
    const word = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const printed = spawnSync("sh", ["-c", `printf '%s\\0' start ${quoteAll(words)}`]).stdout.toString();
        expect(printed.split("\0").slice(1, -1)).toEqual(words);
      }),
      { numRuns: 30 },
    );
  });
  test("NUL is refused", () => {
    expect(() => quoteAll(["a\0b"])).toThrow(DroverError);
  });
});

describe("the remote command", () => {
  test.for(["bash", "dash"])("is the same text to every login shell: %s", (shell) => {
    const result = spawnSync(shell, ["-c", remoteCommand("none")], { input: renderScript(request("echo ran")) });
    expect(result.stdout.toString()).toMatch(/^drover-begin [0-9]+\nran\n$/);
  });
  test("has nothing that fish or tcsh read differently between single quotes", () => {
    for (const command of [remoteCommand("sudo"), stopCommand("sudo", 17)]) {
      const [before, inside, after] = command.split("'");
      expect(before).toBe("sudo -n sh -c ");
      expect(inside).not.toMatch(/[\\!\n]/);
      expect(after).toBe("");
    }
  });
  test("runs nothing of a script that was cut off on the way", () => {
    const script = renderScript(request("echo first\necho second"));
    expect(run(script)).toMatchObject({ code: 0 });
    for (const cut of [1, 5, 20]) {
      const end = run(script.subarray(0, script.length - cut));
      expect(end.code).toBe(74);
      expect(end.stdout).not.toContain("first");
    }
  });
  test("leaves what follows the script for the script", () => {
    const input = Buffer.concat([renderScript(request("take | tr a-z A-Z; take; cat")), Buffer.from("3\nabc0\nrest")]);
    expect(run(input).stdout).toMatch(/\nABCrest$/);
  });
});

describe("the epoch", () => {
  const guard = (directory: string, epoch: number): number | null =>
    run(renderScript(request(`drover_dir=$1; epoch_guard "$2" run-${epoch}`, [directory, String(epoch)]))).code;

  test("is kept, and an older one is refused", () => {
    const directory = folder();
    expect(guard(directory, 3)).toBe(0);
    expect(guard(directory, 3)).toBe(0);
    expect(guard(directory, 10)).toBe(0);
    expect(readFileSync(join(directory, "epoch"), "utf8")).toBe("10 run-10\n");
    expect(guard(directory, 9)).toBe(76);
  });
  test("is written over the old one where there is no room for another file", () => {
    const directory = folder();
    expect(guard(directory, 9)).toBe(0);
    writeFileSync(join(directory, "epoch"), "9 of-a-run-with-a-longer-name\n");
    // Stands in the way of the temporary file, as a full disk would.
    mkdirSync(join(directory, "epoch.tmp"));
    expect(guard(directory, 10)).toBe(0);
    expect(readFileSync(join(directory, "epoch"), "utf8")).toBe("10 run-10\n");
    expect(guard(directory, 9)).toBe(76);
  });
  test("that cannot be kept at all lets nothing be changed", () => {
    const directory = folder();
    mkdirSync(join(directory, "epoch.tmp"));
    expect(guard(directory, 1)).toBe(28);
  });
});

describe("the marker", () => {
  const filtered = (chunks: readonly string[]): { readonly own: string; readonly pid: number | null } => {
    const filter = createMarkerFilter();
    const own = chunks.map((chunk) => filter.push(Buffer.from(chunk)).toString()).join("");
    return { own, pid: filter.pid() };
  };
  test("divides a profile's noise from the command's output, however it is cut", () => {
    const text = `welcome ✓\n${MARKER}\nno newline ${MARKER} 4711\nout\n${MARKER} 1\n`;
    const own = `out\n${MARKER} 1\n`;
    expect(filtered([text])).toEqual({ own, pid: 4711 });
    expect(filtered(text.split(""))).toEqual({ own, pid: 4711 });
  });
  test("that does not come leaves nothing, even after a lot of noise", () => {
    expect(filtered(["x".repeat(100_000), "y"])).toEqual({ own: "", pid: null });
    expect(filtered(["x".repeat(100_000), `${MARKER} 5\nz`])).toEqual({ own: "z", pid: 5 });
  });
});
