import { mutating } from "../../model/command.ts";
import type { Command } from "../../model/command.ts";
import { DroverError } from "../../model/errors.ts";
import type { ResolverFacts } from "../facts.ts";
import { isOurs } from "../normalize.ts";
import { REMOVE } from "../script.ts";
import { originalGone } from "../way.ts";

/** The change that puts everything back as it was before drover. Throws a DroverError where that is not known. */
export function removing(host: string, { resolvConf, manifest }: ResolverFacts): Command {
  const command = (...args: readonly string[]): Command => mutating("resolver.restore", REMOVE, args);
  // Somebody has put another file there since: it is theirs now.
  if (resolvConf.kind !== "file" || !isOurs(resolvConf.text)) return command("leave", "-", "-", "-", "-");
  if (manifest?.way !== "file") throw new DroverError(originalGone(host, manifest));
  const { original } = manifest;
  if (original === null) return command("gone", resolvConf.sha256, "-", "-", "-");
  return command("back", resolvConf.sha256, original.sha256, original.mode, original.owner);
}
