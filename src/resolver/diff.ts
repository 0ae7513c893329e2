import type { Failure } from "../model/errors.ts";
import { canonicalJson, sha256 } from "../model/hash.ts";
import type { ResolverModel } from "../model/resolver.ts";
import type { ResolverFacts } from "./facts.ts";
import { isOurs } from "./normalize.ts";
import { RESOLV_CONF } from "./paths.ts";
import { textFor, wayOf } from "./way.ts";
import type { OpenWay } from "./way.ts";

/** What differs between how a host resolves names and the files. */
export type ResolverDiff =
  | { readonly kind: "same" }
  | { readonly kind: "install"; readonly reasons: readonly string[] }
  /** drover was here and is not wanted any more. */
  | { readonly kind: "remove"; readonly reasons: readonly string[] }
  /** It differs, and must not be changed: to be told before anything runs. */
  | { readonly kind: "refused"; readonly failure: Failure };

function dropInReasons(text: string, { dropIn, manifest }: ResolverFacts): readonly string[] {
  if (dropIn?.text === text) return [];
  if (dropIn === null) return ["systemd-resolved is not told of the zone"];
  const isOlder = manifest?.way === "resolved" && manifest.sha256 === dropIn.sha256;
  return [
    isOlder ? "systemd-resolved's drop-in is older than the files" : "systemd-resolved's drop-in was changed by hand",
  ];
}

function fileReasons(text: string, { resolvConf, manifest, dropIn }: ResolverFacts): readonly string[] {
  const leftover = dropIn !== null && isOurs(dropIn.text) ? ["a drop-in of systemd-resolved is left over"] : [];
  if (resolvConf.kind !== "file") return [`${RESOLV_CONF} is missing`, ...leftover];
  if (resolvConf.text === text) return leftover;
  if (!isOurs(resolvConf.text)) {
    const is =
      manifest?.way === "file" ? "was replaced by another program or by hand" : "does not name the fleet's servers";
    return [`${RESOLV_CONF} ${is}`, ...leftover];
  }
  const isOlder = manifest?.sha256 === resolvConf.sha256;
  return [`${RESOLV_CONF} ${isOlder ? "is older than the files" : "was changed by hand"}`, ...leftover];
}

function manifestReasons(
  model: ResolverModel,
  way: OpenWay["kind"],
  text: string,
  { manifest }: ResolverFacts,
): readonly string[] {
  const isThis =
    manifest?.way === way && manifest.sha256 === sha256(text) && canonicalJson(manifest.model) === canonicalJson(model);
  return isThis ? [] : ["the manifest does not match"];
}

function removal({ resolvConf, dropIn, manifest, interrupted }: ResolverFacts): ResolverDiff {
  const isThere =
    manifest !== null ||
    interrupted ||
    (dropIn !== null && isOurs(dropIn.text)) ||
    (resolvConf.kind === "file" && isOurs(resolvConf.text));
  return isThere
    ? { kind: "remove", reasons: ["nothing here needs the fleet's DNS servers any more"] }
    : { kind: "same" };
}

/** Compares what a host should do (null: nothing of drover's) with what was observed there. */
export function diffResolver(host: string, model: ResolverModel | null, facts: ResolverFacts): ResolverDiff {
  if (model === null) return removal(facts);
  const way = wayOf(host, model, facts);
  if (way.kind === "refused") return way;
  const text = textFor(model, way);
  const found = way.kind === "resolved" ? dropInReasons(text, facts) : fileReasons(text, facts);
  const reasons = [
    ...found,
    ...(found.length > 0 ? [] : manifestReasons(model, way.kind, text, facts)),
    ...(facts.interrupted ? ["an earlier change was cut off"] : []),
  ];
  return reasons.length === 0 ? { kind: "same" } : { kind: "install", reasons };
}
