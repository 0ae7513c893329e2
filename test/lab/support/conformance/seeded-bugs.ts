/** Known mistakes of firewall compilers, put back in on purpose: a suite that finds none of them finds nothing. */
import { desiredFirewall } from "../../../../src/firewall/desired.ts";
import { renderFirewall } from "../../../../src/firewall/render.ts";
import type { FirewallModel, FirewallRule } from "../../../../src/model/firewall.ts";
import type { PlacedFirewall, PlacedPeer, Policy, PolicyPort, PolicyRule } from "../../../../src/model/policy.ts";
import type { Topology } from "../../../../src/model/topology.ts";
import type { Compiler } from "./verdicts.ts";
import { DROVER } from "./verdicts.ts";

type Placed = Policy<PlacedPeer>;
type Rule = PolicyRule<PlacedPeer>;

/** One mistake. */
export interface SeededBug {
  readonly name: string;
  /** It is in what is compiled, so that `explain` shows it; otherwise packets alone do. */
  readonly paper: boolean;
  readonly compiler: Compiler;
  /** Only cases in which the fleet changes can show it. */
  readonly ofChanges?: boolean;
}

/** A fleet read wrongly. */
function misread(name: string, change: (firewall: PlacedFirewall, topology: Topology) => PlacedFirewall): SeededBug {
  const models: Compiler["models"] = (topology) =>
    desiredFirewall(
      topology.firewall === null ? topology : { ...topology, firewall: change(topology.firewall, topology) },
    );
  return { name, paper: true, compiler: { ...DROVER, models } };
}

/** Policies read wrongly, one by one. */
function misreadPolicies(name: string, change: (policy: Placed, topology: Topology) => readonly Placed[]): SeededBug {
  return misread(name, (firewall, topology) => ({
    ...firewall,
    policies: firewall.policies.flatMap((policy) => change(policy, topology)),
  }));
}

function misreadRules(name: string, change: (rule: Rule, policy: Placed, topology: Topology) => Rule): SeededBug {
  return misreadPolicies(name, (policy, topology) => {
    const changed = (rules: readonly Rule[] | null): readonly Rule[] | null =>
      rules?.map((rule) => change(rule, policy, topology)) ?? null;
    return [{ ...policy, ingress: changed(policy.ingress), egress: changed(policy.egress) }];
  });
}

/** Hosts' models compiled wrongly. */
function miscompile(name: string, change: (model: FirewallModel) => FirewallModel): SeededBug {
  const models: Compiler["models"] = (topology) =>
    new Map([...desiredFirewall(topology)].map(([host, model]) => [host, change(model)]));
  return { name, paper: true, compiler: { ...DROVER, models } };
}

function miscompileRules(name: string, change: (rule: FirewallRule) => FirewallRule): SeededBug {
  return miscompile(name, (model) => ({ ...model, rules: model.rules.map(change) }));
}

function withoutExcept(peer: PlacedPeer): PlacedPeer {
  return peer.kind === "cidr" ? { ...peer, except: [] } : peer;
}

function crossed(rules: readonly Rule[] | null): readonly Rule[] | null {
  return rules?.flatMap(({ peers }) => rules.map(({ ports }) => ({ peers, ports }))) ?? null;
}

function hostsOf(peer: PlacedPeer, { apps }: Topology): readonly string[] {
  if (peer.kind === "cidr") return [];
  if (peer.kind === "hosts") return peer.hosts;
  return apps.find(({ name }) => name === peer.app)?.instances.map(({ host }) => host) ?? [];
}

/** The numbers that hosts give a name, as ports by number. */
function numbersAt(hosts: readonly string[], port: PolicyPort, { apps }: Topology): readonly PolicyPort[] {
  if (port.kind !== "name") return [port];
  return apps
    .filter(({ instances }) => instances.some(({ host }) => hosts.includes(host)))
    .flatMap(({ name, port: own, ports }) =>
      own === null ? ports : [...ports, { name, protocol: "tcp", port: own } as const],
    )
    .filter(({ name }) => name === port.name)
    .map((named) => ({ kind: "range", protocol: named.protocol, from: named.port, to: named.port }));
}

function atSource(rule: Rule, sources: readonly string[], topology: Topology): Rule {
  if (rule.ports === "any") return rule;
  return { ...rule, ports: rule.ports.flatMap((port) => numbersAt(sources, port, topology)) };
}

/** What a host lets out is let in at the other end. */
function reflected(policy: Placed): readonly Placed[] {
  const rules = (policy.egress ?? []).flatMap(({ peers, ports }) =>
    peers === "anyone"
      ? []
      : peers.flatMap((peer) =>
          peer.kind === "cidr" ? [] : [{ subject: peer, ingress: [{ peers: [policy.subject], ports }] }],
        ),
  );
  return [
    policy,
    ...rules.map((rule, at) => ({ ...policy, ...rule, egress: null, name: `${policy.name}-r${String(at)}` })),
  ];
}

/** Only the last policy of a host counts. */
function lastPolicyOnly(model: FirewallModel): FirewallModel {
  const names = model.rules.map(({ source }) => source.split(":")[0] ?? "").filter((name) => !name.includes("/"));
  const last = names.toSorted().at(-1);
  return {
    ...model,
    rules: model.rules.filter(({ source }) => source.includes("/") || source.startsWith(`${String(last)}:`)),
  };
}

function withPorts(change: (range: { from: number; to: number }) => { from: number; to: number }) {
  return (rule: FirewallRule): FirewallRule =>
    "ports" in rule.match && rule.match.ports !== null
      ? { ...rule, match: { ...rule.match, ports: rule.match.ports.map(change) } }
      : rule;
}

function vipsOf({ balancers }: Topology): ReadonlySet<string> {
  return new Set(balancers.flatMap(({ vips }) => vips.map(({ address }) => address)));
}

/** The rules of before stay beside the new ones. */
const unrevoked: Compiler["models"] = (topology, before) =>
  new Map(
    [...desiredFirewall(topology)].map(([host, model]) => [
      host,
      {
        ...model,
        rules: [
          ...new Map(
            [...(before?.get(host)?.rules ?? []), ...model.rules].map((rule) => [JSON.stringify(rule), rule]),
          ).values(),
        ],
      },
    ]),
  );

const OPEN = "*filter\n:DRV-INPUT - [0:0]\n:DRV-OUTPUT - [0:0]\nCOMMIT\n";

export const SEEDED_BUGS: readonly SeededBug[] = [
  misreadRules("an empty list of peers means anyone", (rule) =>
    rule.peers.length === 0 ? { ...rule, peers: "anyone" } : rule,
  ),
  misreadRules("an empty list of ports means any", (rule) =>
    rule.ports.length === 0 ? { ...rule, ports: "any" } : rule,
  ),
  misreadPolicies("peers and ports are multiplied across rules", (policy) => [
    { ...policy, ingress: crossed(policy.ingress), egress: crossed(policy.egress) },
  ]),
  misreadRules("exceptions are ignored", (rule) =>
    rule.peers === "anyone" ? rule : { ...rule, peers: rule.peers.map(withoutExcept) },
  ),
  misread("an exception denies what others allow", (firewall) => {
    const denied = firewall.policies
      .flatMap(({ ingress }) => ingress ?? [])
      .flatMap(({ peers }) => (peers === "anyone" ? [] : peers))
      .flatMap((peer) => (peer.kind === "cidr" ? peer.except : []));
    const policies = firewall.policies.map((policy) => ({
      ...policy,
      ingress:
        policy.ingress?.map((rule) => (denied.length > 0 && isNarrow(rule) ? { ...rule, peers: [] } : rule)) ?? null,
    }));
    return { ...firewall, policies };
  }),
  misreadPolicies("names of ports are resolved at the source", (policy, topology) => {
    const all = (rule: Rule): readonly string[] =>
      rule.peers === "anyone" ? [] : rule.peers.flatMap((peer) => hostsOf(peer, topology));
    return [
      {
        ...policy,
        ingress: policy.ingress?.map((rule) => atSource(rule, all(rule), topology)) ?? null,
        egress: policy.egress?.map((rule) => atSource(rule, hostsOf(policy.subject, topology), topology)) ?? null,
      },
    ];
  }),
  misreadPolicies("names of ports are resolved once for all destinations", (policy, topology) => [
    {
      ...policy,
      ingress: policy.ingress?.map((rule) => atSource(rule, hostsOf(policy.subject, topology), topology)) ?? null,
    },
  ]),
  misreadPolicies("what may leave may arrive", reflected),
  misreadPolicies("isolation for egress is forgotten where the list is empty", (policy) => [
    policy.egress?.length === 0 ? { ...policy, egress: null, ingress: policy.ingress ?? [] } : policy,
  ]),
  misreadPolicies("a policy for ingress isolates egress", (policy) => [{ ...policy, egress: policy.egress ?? [] }]),
  miscompile("policies replace each other instead of adding up", lastPolicyOnly),
  misreadRules("all hosts are everybody", (rule) =>
    rule.peers !== "anyone" && rule.peers.some((peer) => peer.kind === "hosts" && peer.selector === "@host=*")
      ? { ...rule, peers: "anyone" }
      : rule,
  ),
  misreadRules("anyone is the fleet", (rule, _, { hosts }) =>
    rule.peers === "anyone"
      ? { ...rule, peers: [{ kind: "hosts", selector: "@host=*", hosts: hosts.map(({ name }) => name) }] }
      : rule,
  ),
  misread("operators are anyone", (firewall) => ({ ...firewall, admin: ["0.0.0.0/0", "::/0"] })),
  misread("metrics without readers are for anyone", (firewall) => ({
    ...firewall,
    metrics: firewall.metrics.length === 0 ? "anyone" : firewall.metrics,
  })),
  miscompileRules("UDP is taken for TCP", (rule) =>
    rule.match.protocol === "udp" ? { ...rule, match: { ...rule.match, protocol: "tcp" } } : rule,
  ),
  miscompileRules(
    "a range lacks its last port",
    withPorts(({ from, to }) => ({ from, to: Math.max(from, to - 1) })),
  ),
  miscompileRules(
    "a range is its first port",
    withPorts(({ from }) => ({ from, to: from })),
  ),
  miscompileRules("only fifteen ports of a rule are kept", (rule) =>
    "ports" in rule.match && rule.match.ports !== null
      ? { ...rule, match: { ...rule.match, ports: rule.match.ports.slice(0, 15) } }
      : rule,
  ),
  miscompileRules("only eight peers of a rule are kept", (rule) =>
    rule.peers === "anyone" ? rule : { ...rule, peers: rule.peers.slice(0, 8) },
  ),
  miscompileRules("networks are rounded to the whole of a /24", (rule) =>
    rule.peers === "anyone"
      ? rule
      : { ...rule, peers: rule.peers.map((peer) => peer.replace(/\.\d+\/(2[5-9]|3[0-2])$/, ".0/24")) },
  ),
  {
    name: "VIPs are nobody's addresses",
    paper: true,
    compiler: {
      ...DROVER,
      models: (topology) => {
        const vips = vipsOf(topology);
        const models = desiredFirewall(topology);
        const isVip = (prefix: string): boolean => vips.has(prefix.split("/")[0] ?? "");
        return new Map(
          [...models].map(([host, model]) => [
            host,
            {
              ...model,
              rules: model.rules.map((rule) =>
                rule.peers === "anyone" ? rule : { ...rule, peers: rule.peers.filter((peer) => !isVip(peer)) },
              ),
            },
          ]),
        );
      },
    },
  },
  {
    name: "only a host's first address is its own",
    paper: true,
    compiler: {
      ...DROVER,
      models: (topology) =>
        desiredFirewall({
          ...topology,
          hosts: topology.hosts.map((host) => ({ ...host, addresses: host.addresses.slice(0, 1) })),
        }),
    },
  },
  {
    name: "to talk opens the other direction",
    paper: true,
    compiler: {
      ...DROVER,
      models: (topology) =>
        desiredFirewall({
          ...topology,
          apps: topology.apps.map((app) => ({
            ...app,
            talksTo: topology.apps.filter(({ talksTo }) => talksTo.includes(app.name)).map(({ name }) => name),
          })),
        }),
    },
  },
  { name: "old rules stay after a change", ofChanges: true, paper: true, compiler: { ...DROVER, models: unrevoked } },
  {
    name: "IPv6 has no rules",
    paper: false,
    compiler: { ...DROVER, texts: (model, generation) => ({ ...renderFirewall(model, generation), v6: OPEN }) },
  },
  {
    name: "IPv6 has no rules but the last that drops",
    paper: false,
    compiler: {
      ...DROVER,
      texts: (model, generation) => ({
        ...renderFirewall(model, generation),
        v6: renderFirewall({ ...model, rules: [] }, generation).v6,
      }),
    },
  },
  {
    name: "a new generation is loaded and never entered",
    paper: false,
    ofChanges: true,
    compiler: {
      ...DROVER,
      texts: (model, generation) => {
        const texts = renderFirewall(model, generation);
        const stays = (text: string): string =>
          generation === 1 ? text : text.replaceAll(/^(-A|:)( ?)DRV-(IN|OUT)PUT .*\n/gm, "");
        return { ...texts, v4: stays(texts.v4), v6: stays(texts.v6) };
      },
    },
  },
  {
    name: "replies are not let in",
    paper: false,
    compiler: {
      ...DROVER,
      texts: (model, generation) => {
        const texts = renderFirewall(model, generation);
        const without = (text: string): string => text.replaceAll(/^.*RELATED,ESTABLISHED.*\n/gm, "");
        return { ...texts, v4: without(texts.v4), v6: without(texts.v6) };
      },
    },
  },
  {
    name: "a set keeps its members when the group shrinks",
    paper: false,
    ofChanges: true,
    compiler: { ...DROVER, texts: renderWithStaleSets },
  },
];

function isNarrow({ peers }: Rule): boolean {
  return peers !== "anyone" && peers.every((peer) => peer.kind !== "cidr" || peer.except.length === 0);
}

/** As if sets were called by what they are for and filled up, not by what is in them. */
function renderWithStaleSets(model: FirewallModel, generation: number): ReturnType<typeof renderFirewall> {
  const texts = renderFirewall(model, generation);
  const named = (text: string): string => text.replaceAll(/drv([46])\.[0-9a-f]{12}/g, "drv$1.members");
  const sets = named(texts.sets)
    .replaceAll(/^(flush|swap|destroy) .*\n/gm, "")
    .replaceAll(".new ", " ");
  return { sets, v4: named(texts.v4), v6: named(texts.v6) };
}
