import type { Command, Frame } from "../../model/command.ts";
import { mutating } from "../../model/command.ts";
import { failure } from "../../model/errors.ts";
import { canonicalJson, sha256 } from "../../model/hash.ts";
import type { Installed } from "../../model/installing.ts";
import { installFailure } from "../../model/installing.ts";
import { done, failed, run } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import type { VipAction, VipModel } from "../../model/vip.ts";
import { CHECK_SCRIPT } from "../check.ts";
import { DROP_IN_TEXT } from "../drop-in.ts";
import type { VipManifest } from "../facts.ts";
import { CONFIG } from "../paths.ts";
import { CHECK_ONLY, INSTALL, RESTORE } from "../script.ts";

type Of<Kind extends VipAction["kind"]> = Extract<VipAction, { kind: Kind }>;

function frames(...texts: readonly string[]): readonly Frame[] {
  return [CHECK_SCRIPT, DROP_IN_TEXT, ...texts].map((text) => ({ kind: "text", text }) as const);
}

function manifest(model: VipModel, hash: string): string {
  const content: VipManifest = { model, sha256: hash };
  return `${canonicalJson(content)}\n`;
}

const KEEPALIVED: Installed = { program: "keepalived", package: "keepalived", file: CONFIG };

/** Runs one of keepalived's scripts and tells in words how it ended. */
export function* finish(balancer: string, command: Command): Operation {
  const ran = yield* run(balancer, command);
  return ran.code === 0 ? done(ran.stdout.trim()) : failed(installFailure(balancer, KEEPALIVED, ran));
}

/** See `vip.install`. */
export function* install(action: Of<"vip.install">): Operation {
  const { balancer, model, config } = action;
  if (model.interface === null) {
    return failed(failure("bug", `the keepalived.conf for ${balancer} was made without asking for its interfaces`));
  }
  const command = mutating("vip.install", INSTALL, [], frames(config, manifest(model, sha256(config))));
  return yield* finish(balancer, command);
}

/** See `vip.check`. */
export function* check(action: Of<"vip.check">): Operation {
  return yield* finish(action.balancer, mutating("vip.check", CHECK_ONLY, [], frames(action.config)));
}

/** See `vip.restore`. The file kept under the hash is the one the manifest is of, so the hash is the manifest's too. */
export function* restore(action: Of<"vip.restore">): Operation {
  const { balancer, sha256: hash, model } = action;
  const args = [hash ?? "-", model === null ? "none" : "manifest"];
  const more = model === null ? [] : [manifest(model, hash ?? "")];
  return yield* finish(balancer, mutating("vip.restore", RESTORE, args, frames(...more)));
}
