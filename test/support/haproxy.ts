import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LbRender } from "../../src/lb/render.ts";
import { FILES } from "../../src/lb/paths.ts";

/** What the installed HAProxy says to rendered files. */
export interface RealHaproxy {
  /** Null: it takes them without a warning; else its words. */
  refusal(render: LbRender): string | null;
  close(): void;
}

/** A certificate and its key, made once: HAProxy reads the files that a crt-list names. */
function certificate(folder: string): string {
  const made = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "-", "-days", "2", "-subj", "/CN=test", "-out", "-"],
    { encoding: "utf8", cwd: folder },
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return made.stdout;
}

/** The `haproxy` of this machine in a folder of its own, or null where there is none; then the reason is printed. */
export function realHaproxy(): RealHaproxy | null {
  if (spawnSync("haproxy", ["-v"]).status !== 0 || spawnSync("openssl", ["version"]).status !== 0) {
    console.log("not asked: haproxy -c (haproxy or openssl is not installed here)");
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), "drover-haproxy-"));
  const pem = certificate(folder);
  // What needs root or belongs to the machine: where the files lie, and users that only Debian's package has.
  const here = (text: string): string =>
    text
      .replaceAll(FILES, folder)
      .replaceAll("/run/drover/haproxy.state", join(folder, "state"))
      .replaceAll(/^ {4}(?:user|group|chroot) .*$/gm, "");
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  write(join(folder, "state"), "1\n");
  return {
    refusal: ({ config, files }) => {
      const path = join(folder, "haproxy.cfg");
      write(path, here(config));
      for (const file of files) write(here(file.path), file.kind === "text" ? here(file.text) : pem);
      const said = spawnSync("haproxy", ["-c", "-dW", "-f", path], { encoding: "utf8" });
      return said.status === 0 ? null : `${said.stdout}${said.stderr}`;
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
