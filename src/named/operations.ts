import { mutating } from "../model/command.ts";
import type { Command, Frame } from "../model/command.ts";
import { DroverError } from "../model/errors.ts";
import { canonicalJson, sha256 } from "../model/hash.ts";
import type { NamedAction, NamedModel } from "../model/named.ts";
import { done, failed, run } from "../model/operation.ts";
import type { Operation } from "../model/operation.ts";
import type { NamedManifest } from "./facts.ts";
import { namedFailure } from "./failures.ts";
import { INSTALL, REMOVE_ONLY, RESTORE } from "./script.ts";
import { algorithm, dnsName } from "./syntax.ts";

type Of<Kind extends NamedAction["kind"]> = Extract<NamedAction, { kind: Kind }>;

/** How an action on a host's BIND is carried out. */
export function* operateNamed(action: NamedAction): Operation {
  try {
    return yield* finish(action.host, commandOf(action));
  } catch (error) {
    // A value that may not reach BIND's files.
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

function commandOf(action: NamedAction): Command {
  switch (action.kind) {
    case "named.install":
      return install(action);
    case "named.restore":
      return restore(action);
    case "named.remove":
      return mutating("named.remove", REMOVE_ONLY, []);
  }
}

function* finish(host: string, command: Command): Operation {
  const ran = yield* run(host, command);
  return ran.code === 0 ? done(ran.stdout.trim()) : failed(namedFailure(host, ran));
}

function text(content: string): Frame {
  return { kind: "text", text: content };
}

function manifest(model: NamedModel, hash: string): Frame {
  const content: NamedManifest = { model, sha256: hash };
  return text(`${canonicalJson(content)}\n`);
}

/** See `named.install`. The secret is a frame: in no argument, no plan and no manifest. */
function install({ model, config, zoneFile, secret }: Of<"named.install">): Command {
  const { zone, role, key } = model;
  const args = [dnsName("the zone", zone), role, dnsName("the key", key.name), algorithm(key.algorithm)];
  const frames: readonly Frame[] = [{ kind: "secret", ref: secret }, text(config), manifest(model, sha256(config))];
  const more = zoneFile === null ? [] : [text(zoneFile)];
  return mutating("named.install", INSTALL, [...args, zoneFile === null ? "none" : "zone"], [...frames, ...more]);
}

/** See `named.restore`. The file kept under the hash is the one the manifest is of, so the hash is the manifest's too. */
function restore({ sha256: hash, model }: Of<"named.restore">): Command {
  if (model === null) return mutating("named.restore", RESTORE, [hash ?? "-", "none", "-", "-"]);
  const args = [hash ?? "-", "manifest", dnsName("the zone", model.zone), model.role];
  return mutating("named.restore", RESTORE, args, [manifest(model, hash ?? "")]);
}
