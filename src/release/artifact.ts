import { DroverError, failure } from "../model/errors.ts";
import { RESERVED_NAMES } from "../model/reserved.ts";

const APP = /^[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?$/;
const RELEASE_ID = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}-[0-9a-f]{12}$/;
const SECRET = /^[A-Za-z_][A-Za-z0-9_.-]{0,254}$/;

/** True for an app's name; short enough that `drover-<app>` is a user name. `haproxy` and `keepalived` are taken by the balancers' manifests. */
export function isAppName(text: string): boolean {
  return APP.test(text) && !RESERVED_NAMES.includes(text) && text !== "keepalived";
}

/** True for a release id as {@link releaseId} makes it: it can be a folder's name and cannot leave its folder. */
export function isReleaseId(text: string): boolean {
  return RELEASE_ID.test(text) && !text.includes("..");
}

/** True for a secret's name: it becomes a file's name and a credential's id (systemd.exec(5), LoadCredential=). */
export function isSecretName(text: string): boolean {
  return SECRET.test(text) && !text.includes("..");
}

/**
 * The program of `run` as a path below the release's folder, or null where it is absolute (`/usr/bin/java`). An
 * artifact that is one plain file is put there. Throws a DroverError where the path leaves the folder.
 */
export function programPath(run: readonly string[]): string | null {
  const [first] = run;
  if (first === undefined || first === "") {
    throw new DroverError(failure("files-invalid", "run: expected a program, got nothing"));
  }
  if (first.startsWith("/")) return null;
  const parts = first.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || parts.length === 0) {
    throw new DroverError(
      failure("files-invalid", `run: expected a program inside the release, got ${JSON.stringify(first)}`),
    );
  }
  return parts.join("/");
}
