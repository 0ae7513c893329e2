import type { AppDraft, DroverDraft, HostDraft, Parts } from "../drafts.ts";
import type { BalancerFields } from "../schema/balancers.ts";
import { selectHosts } from "../selector/match.ts";
import { readSelector } from "../selector/read.ts";
import type { Selector } from "../selector/selector.ts";

/** A host that a selector can be asked about. */
type Known = HostDraft & { readonly tags: Readonly<Record<string, string>> };

/** An app with the hosts its selector gives among those that are known. */
export interface PlacedApp extends AppDraft {
  /** Names in inventory order; null when that cannot be told. */
  readonly on: readonly string[] | null;
}

/** A balancer set with its hosts. */
export interface PlacedBalancer {
  readonly name: string;
  readonly on: readonly string[] | null;
  /** The selector as written. */
  readonly text: string;
  readonly selector: ReturnType<typeof readSelector>;
  readonly fields: BalancerFields;
}

/** Everything the checks across files look at. */
export interface World {
  readonly drover: DroverDraft;
  /** Every host once or more, in inventory order. */
  readonly hosts: readonly HostDraft[];
  /** True when no host can be missing, so that absence means something. */
  readonly complete: boolean;
  readonly apps: readonly PlacedApp[];
  /** Null when drover.yaml does not say which there are. */
  readonly balancers: readonly PlacedBalancer[] | null;
  /** Null when some may be missing. */
  readonly appNames: readonly string[] | null;
  /** The hosts a selector gives, by name in inventory order; null where the selector itself is wrong. */
  readonly select: (selector: Selector | null) => readonly string[] | null;
}

/** Resolves every selector once. */
export function makeWorld({ drover, inventory, apps, found }: Parts): World {
  const hosts = inventory.flatMap((source) => source.hosts);
  const complete = drover.fields.inventory !== undefined && inventory.every((source) => source.complete);
  const known = hosts.filter((host): host is Known => host.tags !== null);
  const select = (selector: Selector | null): readonly string[] | null =>
    selector === null ? null : [...new Set(selectHosts(known, selector).map(({ name }) => name))];
  const { loadBalancers } = drover.fields;
  const balancers = Object.entries(loadBalancers ?? {}).map(([name, fields]) => {
    const text = fields.hosts;
    const selector = readSelector(drover.file, ["loadBalancers", name, "hosts"], text);
    return { name, text, selector, on: select(selector.selector), fields };
  });
  return {
    drover,
    hosts,
    complete,
    apps: apps.map((app) => ({ ...app, on: select(app.selector) })),
    balancers: loadBalancers === undefined ? null : balancers,
    appNames: drover.fields.apps === undefined || found.length > 0 ? null : namesOf(apps),
    select,
  };
}

function namesOf(apps: readonly AppDraft[]): readonly string[] | null {
  const names = apps.flatMap(({ fields }) => fields.app ?? []);
  return names.length === apps.length ? names : null;
}
