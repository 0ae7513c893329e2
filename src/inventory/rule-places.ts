import type { Place } from "../model/fleet.ts";
import { keyPlaceOf, placeOf } from "./diagnostics.ts";
import type { AppDraft, DroverDraft, Parts } from "./drafts.ts";

/** The directions of a rule's source, the source, and where it was written. */
type Found = readonly [directions: readonly ("in" | "out")[], source: string, place: Place];

const BOTH = ["in", "out"] as const;

/**
 * Where each rule that the firewall may have was written, by `in` or `out` and its source. Some of them may come to
 * nothing on the hosts there are; none is missing. Empty where firewalls are left alone.
 */
export function placeRules({ drover, apps }: Pick<Parts, "drover" | "apps">): Readonly<Record<string, Place>> {
  if ((drover.fields.firewall ?? null) === null) return {};
  const found = [...ofFleet(drover), ...ofBalancers(drover), ...apps.flatMap(ofApp), ...ofPolicies(drover)];
  return Object.fromEntries(
    found.flatMap(([directions, source, place]) => directions.map((direction) => [`${direction} ${source}`, place])),
  );
}

function ofFleet({ file, fields }: DroverDraft): readonly Found[] {
  const dns: Found = [BOTH, "fleet/dns:0", placeOf(file, ["dns", "servers"])];
  return [
    [["in"], "fleet/ssh:0", placeOf(file, ["firewall", "admin"])],
    [BOTH, "fleet/metrics:0", placeOf(file, ["firewall", "metrics"])],
    ...((fields.dns ?? null) === null ? [] : [dns]),
  ];
}

function ofBalancers({ file, fields }: DroverDraft): readonly Found[] {
  return Object.entries(fields.loadBalancers ?? {}).flatMap(([name, { vips, settings, follow }]): readonly Found[] => {
    const path = ["loadBalancers", name];
    const set: Found = [["in"], `fleet/balancer/${name}:0`, keyPlaceOf(file, path)];
    const vrrp: Found = [BOTH, `fleet/vrrp/${name}:0`, placeOf(file, [...path, "vip"])];
    const log: Found = [BOTH, `fleet/log/${name}:0`, placeOf(file, [...path, "log"])];
    const names: Found = [BOTH, `fleet/follow/${name}:0`, keyPlaceOf(file, [...path, "follow"])];
    return [
      set,
      ...(follow.length === 0 ? [] : [names]),
      ...(vips.length === 0 ? [] : [vrrp]),
      ...(settings.log.target === "/dev/log" ? [] : [log]),
    ];
  });
}

function ofApp({ file, fields }: AppDraft): readonly Found[] {
  return (["routes", "talksTo"] as const).flatMap((key) =>
    (fields[key] ?? []).map((_item: unknown, index): Found => [
      BOTH,
      `app/${fields.app ?? ""}/${key}:${String(index)}`,
      placeOf(file, [key, index]),
    ]),
  );
}

function ofPolicies({ file, fields }: DroverDraft): readonly Found[] {
  return (fields.firewall?.policies ?? []).flatMap((policy) =>
    (
      [
        ["in", "ingress"],
        ["out", "egress"],
      ] as const
    ).flatMap(([direction, key]) =>
      (policy[key] ?? []).map((_rule, index): Found => [
        [direction],
        `${policy.name}:${String(index)}`,
        placeOf(file, ["firewall", "policies", policy.name, key, index]),
      ]),
    ),
  );
}
