import { sha256 } from "../model/hash.ts";
import { CHECK_SCRIPT } from "./check.ts";
import { DROP_IN_TEXT } from "./drop-in.ts";
import type { VipFacts, VipStable } from "./facts.ts";
import { wireOf } from "./normalize.ts";

/** What differs between a balancer's keepalived and the files. */
export type VipDiff =
  | { readonly kind: "same" }
  /**
   * `wire`: what it speaks with the other balancers changes. Then they change together: one that already speaks the
   * new way and one that still speaks the old way do not hear each other, and both hold the VIP.
   */
  | { readonly kind: "install"; readonly reasons: readonly string[]; readonly wire: boolean };

function fileReasons(config: string, stable: VipStable): readonly string[] {
  const wanted = sha256(config);
  if (stable.config === null) return ["keepalived.conf is missing"];
  if (stable.config.sha256 === wanted) {
    return stable.manifest?.sha256 === wanted ? [] : ["the manifest does not match keepalived.conf"];
  }
  if (stable.manifest === null) return ["keepalived.conf was not written by drover"];
  const isOurs = stable.manifest.sha256 === stable.config.sha256;
  return [isOurs ? "keepalived.conf is older than the files" : "keepalived.conf was changed by hand"];
}

function stateReasons(stable: VipStable): readonly string[] {
  if (stable.yielded) return ["keepalived was stopped for maintenance and not started again"];
  if (!stable.active) return ["keepalived is not running"];
  return [
    ...(stable.interrupted ? ["an earlier change of keepalived.conf was cut off"] : []),
    ...(stable.enabled ? [] : ["keepalived is not started at boot"]),
  ];
}

function wireReasons(config: string, { active, config: file }: VipStable): readonly string[] {
  if (!active || file === null) return [];
  const [before, after] = [wireOf(file.text), wireOf(config)];
  if (before.join("\n") === after.join("\n")) return [];
  const routers = (lines: readonly string[]): string =>
    lines.filter((line) => line.includes("virtual_router_id")).join();
  return [
    "what it speaks with the other balancers changes",
    // keepalived takes it for another instance, which waits for three adverts of somebody else first.
    ...(routers(before) === routers(after)
      ? []
      : ["a new virtual router begins without a holder: the VIP is away for about 3 s"]),
  ];
}

/** Compares the text a balancer should have with what was observed there. */
export function diffVip(config: string, facts: VipFacts): VipDiff {
  const { stable } = facts;
  const reasons = [
    ...fileReasons(config, stable),
    ...(stable.config === null || stable.check === CHECK_SCRIPT ? [] : ["keepalived's check is not the one of drover"]),
    ...(stable.config === null || stable.dropIn === DROP_IN_TEXT
      ? []
      : ["keepalived's drop-in is not the one of drover"]),
    ...stateReasons(stable),
  ];
  if (reasons.length === 0) return { kind: "same" };
  const spoken = wireReasons(config, stable);
  return { kind: "install", reasons: [...reasons, ...spoken], wire: spoken.length > 0 };
}
