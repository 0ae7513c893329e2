import { sha256 } from "../model/hash.ts";
import type { NamedModel } from "../model/named.ts";
import type { NamedFacts } from "./facts.ts";

/** What differs between a host's BIND and the files. */
export type NamedDiff =
  | { readonly kind: "same" }
  | {
      readonly kind: "install";
      readonly reasons: readonly string[];
      /** The zone has no file there yet; then the installation needs its first contents. */
      readonly creates: boolean;
      /** With `creates`: this host was a secondary, and the zone begins with its copy, so that no name goes away. */
      readonly inherits: boolean;
    };

function fileReasons(config: string, { sha256: found, manifest }: NamedFacts): readonly string[] {
  const wanted = sha256(config);
  if (found === null) return ["named.conf is missing"];
  if (found === wanted) return manifest?.sha256 === wanted ? [] : ["the manifest does not match named.conf"];
  if (manifest === null) return ["named.conf was not written by drover"];
  return [manifest.sha256 === found ? "named.conf is older than the files" : "named.conf was changed by hand"];
}

function keyReasons({ key, manifest }: NamedFacts): readonly string[] {
  // Where drover has done nothing yet there cannot be one.
  if (key === "right" || manifest === null) return [];
  return [key === "missing" ? "the key's file is missing" : "the key's file is not the one that was installed"];
}

/** Compares what a DNS host should have with what was observed there. */
export function diffNamed(model: NamedModel, config: string, facts: NamedFacts): NamedDiff {
  const creates = model.role === "primary" && !facts.zones.includes(model.zone);
  const inherits = creates && facts.copies.includes(model.zone);
  const leftover = model.role === "secondary" && facts.zones.includes(model.zone);
  const reasons = [
    ...fileReasons(config, facts),
    ...keyReasons(facts),
    ...(creates && !inherits ? [`the zone ${model.zone} has no file there yet`] : []),
    ...(inherits ? [`it becomes the primary of ${model.zone}, with the copy it has as a secondary`] : []),
    ...(leftover ? [`it was the primary of ${model.zone}, and its file is still there`] : []),
    ...(facts.active ? [] : ["BIND is not running"]),
    ...(facts.enabled ? [] : ["BIND is not started at boot"]),
    ...(facts.interrupted ? ["an earlier change of BIND was cut off"] : []),
  ];
  return reasons.length === 0 ? { kind: "same" } : { kind: "install", reasons, creates, inherits };
}
