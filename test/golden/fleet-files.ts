import { execFile } from "node:child_process";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../../src/model/ports.ts";

/** The part of the Files port that loading a fleet needs, on a folder of this repository. */
export function filesIn(folder: string): Files {
  const unused = (): never => {
    throw new Error("loading a fleet reads, lists and runs, and nothing else");
  };
  return {
    read: async (path) => ((await isFile(join(folder, path))) ? readFile(join(folder, path)) : null),
    list: async (path) => ((await isFolder(join(folder, path))) ? (await readdir(join(folder, path))).toSorted() : null),
    run: ([program = "", ...args]) =>
      new Promise((resolve) => {
        execFile(program, args, { cwd: folder, encoding: "buffer" }, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : 127;
          resolve({ code, stdout, stderr: stderr.toString("utf8") });
        });
      }),
    digest: unused,
    stream: unused,
    write: unused,
    fetch: unused,
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isFile(), () => false);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false);
}
