import type { ServiceLedger, ServiceSubject } from "../model/discovery.ts";
import type { Topology } from "../model/topology.ts";
import { addressesOf, serviceOf } from "../discovery/desired.ts";

type Entry = ServiceLedger["entries"][number];

/** Names that the files want in the zone. */
function wantedOf(topology: Topology): readonly Entry[] {
  const zone = topology.dns?.zone?.name;
  if (zone === undefined) return [];
  const apps = topology.apps.filter((app) => serviceOf(topology, app) !== null);
  return [
    ...apps.map(({ name }): Entry => ({ zone, kind: "app", name })),
    ...addressesOf(topology).map(({ host }): Entry => ({ zone, kind: "host", name: host })),
  ];
}

function sorted(entries: readonly Entry[]): ServiceLedger {
  const text = ({ zone, kind, name }: Entry): string => `${zone} ${kind} ${name}`;
  const byText = new Map(entries.map((entry) => [text(entry), entry]));
  return { entries: [...byText.keys()].toSorted().flatMap((key) => byText.get(key) ?? []) };
}

/** Before anything is published: whatever may be in a zone afterwards, so that a run that is killed loses no name. */
export function namesBefore(topology: Topology, before: ServiceLedger | null): ServiceLedger | null {
  const wanted = wantedOf(topology);
  return wanted.length === 0 && before === null ? null : sorted([...(before?.entries ?? []), ...wanted]);
}

/** After everything came through: of this zone what the files want, and what was never looked at in others. */
export function namesAfter(topology: Topology, before: ServiceLedger | null): ServiceLedger | null {
  const zone = topology.dns?.zone?.name;
  if (zone === undefined) return before;
  return sorted([...(before?.entries ?? []).filter((entry) => entry.zone !== zone), ...wantedOf(topology)]);
}

function entriesOf(zone: string, subjects: readonly ServiceSubject[]): readonly Entry[] {
  return subjects.map((each) => ({ zone, kind: each.kind, name: each.kind === "app" ? each.app : each.host }));
}

/** With these names besides. */
export function namesWith(
  before: ServiceLedger | null,
  zone: string,
  subjects: readonly ServiceSubject[],
): ServiceLedger {
  return sorted([...(before?.entries ?? []), ...entriesOf(zone, subjects)]);
}

/** Of this zone without those that `stays` says nothing of; of others all. */
export function namesLeft(
  before: ServiceLedger | null,
  zone: string,
  stays: (subject: ServiceSubject) => boolean,
): ServiceLedger {
  const entries = (before?.entries ?? []).filter((entry) => {
    const { kind, name } = entry;
    return entry.zone !== zone || stays(kind === "app" ? { kind, app: name } : { kind, host: name });
  });
  return sorted(entries);
}
