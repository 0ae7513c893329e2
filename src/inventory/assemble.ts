import type { App, Diagnostic, Fleet, Host, LoadBalancer } from "../model/fleet.ts";
import { checkApps } from "./checks/apps.ts";
import { checkBalancers } from "./checks/balancers.ts";
import { checkDns } from "./checks/dns.ts";
import { checkFollow } from "./checks/follow.ts";
import { checkFirewall } from "./checks/firewall.ts";
import { checkHosts } from "./checks/hosts.ts";
import { checkPorts } from "./checks/ports.ts";
import { checkRollout } from "./checks/rollout.ts";
import { checkRoutes } from "./checks/routes.ts";
import { checkTalksTo } from "./checks/talks-to.ts";
import { checkVips } from "./checks/vips.ts";
import type { World } from "./checks/world.ts";
import { makeWorld } from "./checks/world.ts";
import { compareText, tidyDiagnostics } from "./diagnostics.ts";
import type { Parts } from "./drafts.ts";
import type { FollowFields } from "./schema/follow.ts";
import { placeRules } from "./rule-places.ts";

/**
 * A valid fleet, or everything that is wrong with its files, sorted; with the hosts, where these are not in doubt, to
 * look up what a selector should have said.
 */
export type Assembled =
  | { readonly kind: "ok"; readonly fleet: Fleet }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[]; readonly hosts: readonly Host[] };

/** Puts the files together and checks them against each other. Pure; throws only for a bug of its own. */
export function assembleFleet(parts: Parts): Assembled {
  const world = makeWorld(parts);
  const aboutHosts = [...parts.inventory.flatMap((source) => source.diagnostics), ...checkHosts(world.hosts)];
  const diagnostics = [
    ...parts.found,
    ...parts.drover.diagnostics,
    ...aboutHosts,
    ...parts.apps.flatMap((app) => app.diagnostics),
    ...checkBalancers(world),
    ...checkApps(world),
    ...checkRoutes(world),
    ...checkFollow(world),
    ...checkRollout(world),
    ...checkVips(world),
    ...checkPorts(world),
    ...checkTalksTo(world),
    ...checkDns(world),
    ...checkFirewall(world),
  ];
  const fleet = diagnostics.length === 0 ? build(parts, world) : null;
  if (fleet === null && diagnostics.length === 0) throw new TypeError("files without errors give no fleet");
  if (fleet !== null) return { kind: "ok", fleet };
  const hosts = world.complete && aboutHosts.length === 0 ? hostsOf(world) : [];
  return { kind: "invalid", diagnostics: tidyDiagnostics(diagnostics), hosts };
}

/** The fleet itself; null when a part is missing, which some diagnostic has told then. */
function build({ drover, apps }: Parts, world: World): Fleet | null {
  const { fleet: name, ssh, state, templates, loadBalancers, dns, firewall } = drover.fields;
  if (name === undefined || ssh === undefined || state === undefined) return null;
  if (templates === undefined || loadBalancers === undefined) return null;
  if (dns === undefined || firewall === undefined) return null;
  return {
    name,
    ssh,
    hosts: hostsOf(world),
    templates,
    loadBalancers: Object.entries(loadBalancers)
      .map(([lb, { hosts: selector, follow, ...set }]) => ({ name: lb, selector, ...set, ...followOf(lb, follow) }))
      .toSorted((left, right) => compareText(left.name, right.name)),
    state,
    dns,
    firewall,
    rulePlaces: placeRules({ drover, apps }),
    apps: apps
      .map(({ app }) => app)
      .filter((app): app is App => app !== null)
      .toSorted((left, right) => compareText(left.name, right.name)),
  };
}

/** A set that follows nothing has no such key. */
function followOf(lb: string, follow: readonly FollowFields[]): Pick<LoadBalancer, "follow"> {
  if (follow.length === 0) return {};
  return {
    follow: follow.map(({ routes, ...each }) => ({ ...each, routes: routes.map((route) => ({ ...route, lb })) })),
  };
}

function hostsOf({ hosts }: World): readonly Host[] {
  return hosts.map(({ name, addresses, tags }) => ({ name, addresses: addresses ?? [], tags: tags ?? {} }));
}
