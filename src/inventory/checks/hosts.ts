import type { Diagnostic, Place } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, complainAtKey, formatPlace, keyPlaceOf } from "../diagnostics.ts";
import type { HostDraft } from "../drafts.ts";

/** Every host once, over all sources, and no address for two of them. */
export function checkHosts(hosts: readonly HostDraft[]): readonly Diagnostic[] {
  const names = new Map<string, Place>();
  const addresses = new Map<string, HostDraft>();
  const wrong: Diagnostic[] = [];
  for (const host of hosts) {
    const { file, path } = host.at;
    const first = names.get(host.name);
    if (first !== undefined) {
      wrong.push(
        complainAtKey(
          file,
          path,
          `expected each host once, got ${quote(host.name)} again (first at ${formatPlace(first)})`,
        ),
      );
      continue;
    }
    names.set(host.name, keyPlaceOf(file, path));
    for (const address of host.addresses ?? []) {
      const other = addresses.get(address);
      addresses.set(address, other ?? host);
      if (other === undefined) continue;
      const where = formatPlace(keyPlaceOf(other.at.file, other.at.path));
      wrong.push(
        complain(
          file,
          [...path, "address"],
          `expected an address of its own, got ${address}, which ${other.name} has (${where})`,
        ),
      );
    }
  }
  return wrong;
}
