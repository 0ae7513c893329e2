import type { Diagnostic } from "../../model/fleet.ts";
import type { Peer, Peers, Policy, PolicyPort, PolicyRule } from "../../model/policy.ts";
import { quote } from "../describe.ts";
import { complain } from "../diagnostics.ts";
import type { Path } from "../places.ts";
import { suggest } from "../suggest.ts";
import { checkAppName } from "./app-names.ts";
import { portsOfApp } from "./app-ports.ts";
import { checkSelector } from "./selectors.ts";
import type { World } from "./world.ts";

/** What the firewall names is there: hosts, apps and ports. An end that matches nothing is a slip. */
export function checkFirewall(world: World): readonly Diagnostic[] {
  const { firewall = null } = world.drover.fields;
  if (firewall === null) return [];
  const names = portNames(world);
  return [
    ...checkPeers(world, ["firewall", "metrics"], firewall.metrics),
    ...firewall.policies.flatMap((policy) => checkPolicy(world, policy, names)),
  ];
}

/** A port by its name, for messages about names that nobody has. */
interface Named {
  readonly name: string;
  readonly protocol: string;
}

/** Ports by name of all apps; null when some may be missing. */
function portNames({ apps, appNames }: World): readonly Named[] | null {
  const known = apps.every(({ fields }) => fields.port !== undefined && fields.ports !== undefined);
  if (appNames === null || !known) return null;
  return apps.flatMap((app) => portsOfApp(app).map(({ name, protocol }) => ({ name, protocol })));
}

function checkPolicy(world: World, policy: Policy, names: readonly Named[] | null): readonly Diagnostic[] {
  const path = ["firewall", "policies", policy.name];
  const checkRules = (key: "ingress" | "egress", ends: "from" | "to"): readonly Diagnostic[] =>
    (policy[key] ?? []).flatMap((rule: PolicyRule, index) => [
      ...checkPeers(world, [...path, key, index, ends], rule.peers),
      ...(rule.ports === "any" ? [] : rule.ports).flatMap((port, at) =>
        checkPort(world, [...path, key, index, "ports", at], { port, names }),
      ),
    ]);
  return [...checkPeer(world, path, policy.subject), ...checkRules("ingress", "from"), ...checkRules("egress", "to")];
}

function checkPeers(world: World, path: Path, peers: Peers): readonly Diagnostic[] {
  return peers === "anyone" ? [] : peers.flatMap((peer, index) => checkPeer(world, [...path, index], peer));
}

function checkPeer(world: World, path: Path, peer: Peer): readonly Diagnostic[] {
  switch (peer.kind) {
    case "hosts":
      return checkSelector(world, { file: world.drover.file, path: [...path, "hosts"] }, peer.selector);
    case "app":
      return checkAppName(world, { file: world.drover.file, path: [...path, "app"] }, peer.app);
    case "cidr":
      return [];
  }
}

function checkPort(
  { drover }: World,
  path: Path,
  { port, names }: { readonly port: PolicyPort; readonly names: readonly Named[] | null },
): readonly Diagnostic[] {
  if (port.kind !== "name" || names === null) return [];
  const same = names.filter(({ name }) => name === port.name);
  const { protocol } = port;
  if (same.some((each) => protocol === null || each.protocol === protocol)) return [];
  if (same[0] !== undefined) {
    const got = `${quote(port.name)}, which is ${same[0].protocol} only`;
    return [complain(drover.file, path, `expected the name of a ${String(protocol)} port, got ${got}`)];
  }
  const meant = suggest(
    port.name,
    names.map(({ name }) => name),
  );
  const hint = meant === null ? " (apps name their ports by the key ports)" : `, did you mean ${quote(meant)}?`;
  return [complain(drover.file, path, `expected the name of a port that an app has, got ${quote(port.name)}${hint}`)];
}
