import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, chown, open, readFile, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DroverError, failure } from "../model/errors.ts";
import type { Files } from "../model/ports.ts";
import { reason, syncPath } from "./disk.ts";
import { download } from "./download.ts";
import { runProgram } from "./program.ts";

/** What the local adapter takes from its surroundings. */
export interface LocalPlaces {
  /** The fleet's folder, absolute: what paths are relative to and programs run in. */
  readonly directory: string;
  /** Drover's own cache, absolute, e.g. `$XDG_CACHE_HOME/drover`. */
  readonly cache: string;
  /** More certificates (PEM) to trust for downloads, beside node's own; empty for none. */
  readonly certificates: readonly string[];
}

/** The `Files` port on the controller's own disk. */
export function createFiles(places: LocalPlaces): Files {
  const at = (path: string): string => resolve(places.directory, path);
  return {
    read: (path) => orNull(readFile(at(path)), path),
    async list(path) {
      const entries = await orNull(readdir(at(path)), path);
      if (entries === null) return null;
      const kinds = await Promise.all(entries.map((name) => orNull(stat(join(at(path), name)), name)));
      return entries.filter((_, index) => kinds[index]?.isFile() === true).sort();
    },
    digest: (path) => orNull(digest(at(path)), path),
    stream: (path) => ({ [Symbol.asyncIterator]: () => pieces(at(path)) }),
    write: (path, text) => replace(at(path), text),
    run: (argv, limits) => runProgram(argv, places.directory, limits),
    async fetch(url, sha256, limits) {
      const path = join(places.cache, "artifacts", sha256);
      const present = await orNull(digest(path), path);
      if (present?.sha256 === sha256) return path;
      await download({ url, sha256, path, certificates: places.certificates }, limits);
      return path;
    },
  };
}

async function digest(path: string): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const bytes of bytesOf(path)) {
    hash.update(bytes);
    size += bytes.length;
  }
  return { size, sha256: hash.digest("hex") };
}

/** A pipe or a terminal would be waited for without an end, and could be read only once. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(await stat(path)).isFile()) throw new Error("not a regular file");
  for await (const chunk of createReadStream(path)) {
    const bytes: Buffer = chunk;
    yield bytes;
  }
}

/** Opens the file only when somebody reads: an error that nobody listens for would end the whole process. */
async function* pieces(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytesOf(path);
  } catch (error) {
    throw new DroverError(
      failure("artifact", `cannot read ${path} any more: ${reason(error)}`, "put it back and run the command again"),
    );
  }
}

/** Whoever reads the path sees the old text or the new one, whole; a link keeps pointing to its file. */
async function replace(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const before = await stat(target).catch(() => null);
  const temp = `${target}.drover-tmp.${process.pid}`;
  try {
    const file = await open(temp, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // umask decides for a new file; an existing one keeps its mode, and its owner where we may give it away.
    await chmod(temp, before === null ? 0o666 & ~process.umask() : before.mode & 0o7777);
    if (before !== null) await chown(temp, before.uid, before.gid).catch(() => undefined);
    await rename(temp, target);
    await syncPath(dirname(target));
  } catch (error) {
    await rm(temp, { force: true });
    throw new DroverError(
      failure("files-invalid", `cannot write ${path}: ${reason(error)}`, `look at it: ls -ld ${dirname(path)} ${path}`),
    );
  }
}

/** Null for what is not there; every other error is one to show. */
async function orNull<T>(promise: Promise<T>, path: string): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    const code = error instanceof Error ? String(Reflect.get(error, "code")) : "";
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new DroverError(
      failure("files-invalid", `cannot read ${path}: ${reason(error)}`, `look at it: ls -l ${path}`),
    );
  }
}
