import type { FirewallMatch, FirewallRule } from "../model/firewall.ts";
import type { NamedPort } from "../model/fleet.ts";
import type { PolicyPort, PolicyPorts } from "../model/policy.ts";
import { compareText, type Ground, namedPorts } from "./ground.ts";
import type { Addresses } from "./prefixes.ts";
import { type Allowance, allowanceOfRegions, minusAllowance, NOTHING, slicesOf, unionAllowance } from "./regions.ts";

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

/**
 * Rules that let through what the parts say and nothing twice: what an earlier part lets through is left out of later
 * ones. Where a part has no addresses or no ports there is no rule: nothing chosen never means anyone.
 */
export function rulesOfParts(ground: Ground, head: RuleHead, parts: readonly Part[]): readonly FirewallRule[] {
  let before: Allowance = NOTHING;
  return parts.flatMap(({ matches, addresses, apps }) => {
    const all = allowanceOfRegions(matches.map((match) => ({ match, addresses })));
    const fresh = before === NOTHING ? all : minusAllowance(all, before);
    before = parts.length === 1 ? all : unionAllowance(before, all);
    return slicesOf(fresh).flatMap(({ match, addresses: peers }): readonly FirewallRule[] =>
      // What is left of "any" beside other ports of the same source would be `other`; parts with "any" have no names.
      match.protocol === "other" ? [] : [{ ...head, peers: ground.textOf(peers), match, apps: sortedApps(apps) }],
    );
  });
}
