import { mutating } from "../../model/command.ts";
import type { Command } from "../../model/command.ts";
import { DroverError } from "../../model/errors.ts";
import { canonicalJson, sha256 } from "../../model/hash.ts";
import type { ResolverModel } from "../../model/resolver.ts";
import type { ResolverFacts, ResolverManifest } from "../facts.ts";
import { INSTALL } from "../script.ts";
import { textFor, wayOf } from "../way.ts";
import type { OpenWay } from "../way.ts";

/** What of a file is there without drover: mode and owner stay. */
const ORDINARY = { mode: "0644", owner: "0:0" };

function manifestOf(model: ResolverModel, way: OpenWay, text: string): ResolverManifest {
  const original = way.kind === "resolved" ? null : way.original;
  const kept = original === null ? null : { sha256: original.sha256, mode: original.mode, owner: original.owner };
  return { model, way: way.kind, sha256: sha256(text), original: kept };
}

/** The first arguments of the script: what it replaces, and with whose mode. */
function target(way: OpenWay, { resolvConf, dropIn }: ResolverFacts): readonly string[] {
  switch (way.kind) {
    case "resolved":
      return ["resolved", dropIn?.sha256 ?? "-", ORDINARY.mode, ORDINARY.owner];
    case "file": {
      const { mode, owner } = way.original ?? ORDINARY;
      return ["file", resolvConf.kind === "file" ? resolvConf.sha256 : "-", mode, owner];
    }
  }
}

/**
 * The change that lets a host resolve names of the zone; not `proven` on the way back: what was there before is put there
 * whatever the servers do. Throws a DroverError where the host must be left alone.
 */
export function installing(
  host: string,
  model: ResolverModel,
  { facts, proven }: { readonly facts: ResolverFacts; readonly proven: boolean },
): Command {
  const way = wayOf(host, model, facts);
  if (way.kind === "refused") throw new DroverError(way.failure);
  const text = textFor(model, way);
  const checks = [proven ? "proven" : "trusted", way.kind === "file" ? "yes" : "no"];
  const args = [...target(way, facts), ...checks, model.zone, ...model.servers];
  const texts = [text, `${canonicalJson(manifestOf(model, way, text))}\n`];
  const frames = texts.map((each) => ({ kind: "text", text: each }) as const);
  return mutating(proven ? "resolver.install" : "resolver.restore", INSTALL, args, frames);
}
