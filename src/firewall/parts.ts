import type { FirewallMatch, FirewallRule } from "../model/firewall.ts";
import type { NamedPort } from "../model/fleet.ts";
import type { PolicyPort, PolicyPorts } from "../model/policy.ts";
import { compareText, type Ground, namedPorts } from "./ground.ts";
import { type Addresses, isEmpty } from "./prefixes.ts";
import {
  type Region,
  type Allowance,
  allowanceOfRegions,
  minusAllowance,
  NOTHING,
  slicesOf,
  unionAllowance,
} from "./regions.ts";

/** What one source of rules lets pass for the same apps. */
export interface Part {
  readonly matches: readonly FirewallMatch[];
  readonly addresses: Addresses;
  readonly apps: readonly string[];
}

/** What all rules of one source have in common. */
export type RuleHead = Pick<FirewallRule, "direction" | "source" | "sever">;

/** Ports that an app has under the names that a rule uses. */
export interface AppPorts {
  readonly app: string;
  readonly ports: readonly NamedPort[];
}

/** One port of TCP or UDP. */
export function matchPort(protocol: "tcp" | "udp", port: number): FirewallMatch {
  return { protocol, ports: [{ from: port, to: port }] };
}

/** What `ports` says without the names. */
export function literalMatches(ports: PolicyPorts): readonly FirewallMatch[] {
  if (ports === "any") return [{ protocol: "any" }];
  return ports.flatMap((port): readonly FirewallMatch[] => {
    switch (port.kind) {
      case "range":
        return [{ protocol: port.protocol, ports: [{ from: port.from, to: port.to }] }];
      case "all":
        return [{ protocol: port.protocol, ports: null }];
      case "name":
        return [];
    }
  });
}

function isNamed(wanted: PolicyPort, port: NamedPort): boolean {
  if (wanted.kind !== "name" || wanted.name !== port.name) return false;
  return wanted.protocol === null || wanted.protocol === port.protocol;
}

/** Whether a rule names ports. */
export function hasNames(ports: PolicyPorts): boolean {
  return ports !== "any" && ports.some(({ kind }) => kind === "name");
}

/** What the names in `ports` stand for on a host: of one app, or of every app there (null). Sorted by app. */
export function portsThere(
  ground: Ground,
  host: string,
  { ports, only }: { readonly ports: PolicyPorts; readonly only: string | null },
): readonly AppPorts[] {
  if (ports === "any") return [];
  const apps = (ground.appsOn.get(host) ?? []).filter(({ name }) => only === null || name === only);
  return apps
    .map((app) => ({
      app: app.name,
      ports: namedPorts(app).filter((port) => ports.some((wanted) => isNamed(wanted, port))),
    }))
    .filter((found) => found.ports.length > 0);
}

function sortedApps(apps: readonly string[]): readonly string[] {
  return [...new Set(apps)].toSorted(compareText);
}

/** An app's ports as a part; `apps`: those that the rule is there for in any case. */
export function partOfApp({ app, ports }: AppPorts, addresses: Addresses, apps: readonly string[]): Part {
  return { matches: ports.map(({ protocol, port }) => matchPort(protocol, port)), addresses, apps: [...apps, app] };
}

/** What parts let through, part by part: what an earlier one lets through is left out of later ones. */
function regionsOfParts(parts: readonly Part[]): readonly (readonly Region[])[] {
  let before: Allowance = NOTHING;
  return parts.map(({ matches, addresses }) => {
    const regions = matches.map((match) => ({ match, addresses }));
    // Most rules are one port for one list of peers, and such a region is as it should be.
    if (parts.length === 1 && regions.length === 1) return isEmpty(addresses) ? [] : regions;
    const all = allowanceOfRegions(regions);
    const fresh = before === NOTHING ? all : minusAllowance(all, before);
    before = unionAllowance(before, all);
    return slicesOf(fresh);
  });
}

/** Rules that let through what the parts say, and nothing twice. Without addresses or ports there is no rule. */
export function rulesOfParts(ground: Ground, head: RuleHead, parts: readonly Part[]): readonly FirewallRule[] {
  return regionsOfParts(parts).flatMap((regions, index) => {
    const apps = sortedApps(parts[index]?.apps ?? []);
    return regions.flatMap(({ match, addresses }): readonly FirewallRule[] =>
      // What subtracting ports leaves of "any" would be `other`; a part with "any" is the only one of its source.
      match.protocol === "other" ? [] : [{ ...head, peers: ground.textOf(addresses), match, apps }],
    );
  });
}
