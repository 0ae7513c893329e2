import { describe, expect, test } from "vitest";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import type { FirewallFacts } from "../../../src/firewall/facts.ts";
import { firewallHash } from "../../../src/firewall/render.ts";
import { failure } from "../../../src/model/errors.ts";
import type { FirewallLedger, FirewallModel } from "../../../src/model/firewall.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { Plan, Step } from "../../../src/model/plan.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { ledgerAfter, releasedAddresses } from "../../../src/plan/firewall-ledger.ts";
import { planFirewalls } from "../../../src/plan/firewall-plan.ts";
import type { HostView, PlanInput } from "../../../src/plan/input.ts";
import type { FirewallSketch } from "../../support/firewall.ts";
import { allow, cidr, hosts, httpRoute, policy, port, topologyWith } from "../../support/firewall.ts";

const SIX: FirewallSketch["hosts"] = {
  lb1: ["10.0.0.11"],
  lb2: ["10.0.0.12"],
  app1: ["10.0.0.21"],
  app2: ["10.0.0.22"],
  app3: ["10.0.0.23"],
  dns1: ["10.0.0.31"],
};

const SHOP: FirewallSketch = {
  hosts: SIX,
  sets: { edge: { on: ["lb1", "lb2"] } },
  apps: { shop: { on: ["app1", "app2"], routes: [httpRoute("edge")] } },
};

const FLEET = { kind: "fleet" } as const;
const OPERATOR = { from: "192.168.56.1", to: "10.0.0.1", port: 22 };

/** What a host tells where these rules are in force and confirmed; null: drover never was there. */
function told(model: FirewallModel | null, over: Partial<FirewallFacts["stable"]> = {}): FirewallFacts {
  const generation = model === null ? null : 4;
  return {
    stable: {
      missing: [],
      rivals: [],
      manifest: model === null ? null : { generation: 4, model, hash: firewallHash(model) },
      active: { v4: generation, v6: generation },
      newest: generation ?? 0,
      unconfirmed: null,
      enabled: model !== null,
      drift: [],
      ...over,
    },
    live: { ahead: [], published: [], operator: OPERATOR },
  };
}

interface Circumstances {
  /** The topology whose rules are in force; none: nobody is managed yet. */
  readonly applied?: Topology;
  readonly silent?: readonly string[];
  readonly facts?: Readonly<Record<string, FirewallFacts>>;
  /** Hosts with an app of drover's on them. */
  readonly running?: readonly string[];
  readonly open?: PlanInput["open"];
  readonly ledger?: FirewallLedger;
  /** The balancer that holds the VIP. */
  readonly holder?: string;
}

const VIP = { address: "10.0.0.10", prefix: 24 };

function inputOf(topology: Topology, circumstances: Circumstances = {}): PlanInput {
  const { applied, silent = [], facts = {}, running = [], open = {}, ledger = null, holder } = circumstances;
  const models = applied === undefined ? new Map<string, FirewallModel>() : desiredFirewall(applied);
  const silence = unknown(failure("host-timeout", "no answer"));
  const views = topology.hosts.map(({ name }): [string, HostView] => {
    const apps = running.includes(name) ? [{ app: "shop", manifest: {} }] : [];
    const view = {
      lastChange: known({ epoch: 0, fleet: null }),
      platform: known({ systemd: 252, architecture: "x86_64", freeBytes: 1e9, missing: [] }),
      release: known({ apps }),
      lb: null,
      vip: known({ live: { holds: name === holder ? [VIP.address] : [] } }),
      firewall: silent.includes(name) ? silence : known(facts[name] ?? told(models.get(name) ?? null)),
      former: null,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what else a host tells plays no part here
    return [name, view as unknown as HostView];
  });
  return {
    topology,
    templates: { haproxy: "", keepalived: "", named: "", zone: "" },
    dns: null,
    services: null,
    allowEmpty: false,
    certificates: new Map(),
    desired: new Map(),
    views: new Map(views),
    epoch: 1,
    running: null,
    open,
    ledger,
    drains: {},
  };
}

function stepsOf(plan: Plan | undefined): readonly (readonly Step[])[] {
  if (plan === undefined) return [];
  return [...plan.prologue, ...plan.batches.map((batch) => batch.flatMap(({ stages }) => stages.flat()))];
}

function hostsOf(plan: Plan | undefined): readonly (readonly (string | null)[])[] {
  return stepsOf(plan).map((stage) => stage.map(({ host }) => host));
}

describe("plans of the fleet's firewalls", () => {
  const policies = [policy("orders", hosts("app3"), { ingress: [allow([hosts("app1")], port("tcp", 5432))] })];
  const shop = topologyWith(SHOP);
  const more = topologyWith({ ...SHOP, firewall: { policies } });

  test("there are none where the files name no firewall", () => {
    const plans = planFirewalls(inputOf(topologyWith({ ...SHOP, firewall: null })), FLEET);
    expect(plans).toEqual({ first: [], last: [], closing: [], problems: [], behind: null });
  });

  test("there are none where every host is as the files say", () => {
    const plans = planFirewalls(inputOf(shop, { applied: shop }), FLEET);
    expect(plans).toMatchObject({ first: [], last: [], problems: [] });
  });

  test("hosts that run nothing are isolated before anything else, the others when all is done", () => {
    const { first, last } = planFirewalls(inputOf(shop, { running: ["app1", "app2"] }), FLEET);
    expect(hostsOf(first[0]).flat()).toEqual(expect.arrayContaining(["lb1", "lb2", "app3", "dns1"]));
    expect(stepsOf(first[0]).flat()[0]).toMatchObject({ phase: "isolate" });
    expect(hostsOf(last[0]).flat()).toEqual(expect.arrayContaining(["app1", "app2"]));
    expect(hostsOf(first[0]).flat()).not.toContain("app1");
  });

  test("one host goes first, and never all balancers together", () => {
    const { first } = planFirewalls(inputOf(shop), FLEET);
    const rounds = hostsOf(first[0]);
    expect(rounds[0]).toEqual(["app1"]);
    for (const round of rounds) expect(round.filter((host) => host?.startsWith("lb"))).not.toHaveLength(2);
    expect(rounds.flat()).toHaveLength(6);
  });

  test("a balancer that stands by is the canary, and whoever holds the VIP goes later", () => {
    const paired = topologyWith({ ...SHOP, sets: { edge: { on: ["lb1", "lb2"], vips: [VIP] } } });
    const { first } = planFirewalls(inputOf(paired, { holder: "lb1" }), FLEET);
    expect(hostsOf(first[0])).toEqual([["lb2"], ["app1", "app2", "app3", "dns1", "lb1"]]);
    const unheld = planFirewalls(inputOf(paired), FLEET);
    expect(hostsOf(unheld.first[0])[0]).toEqual(["app1"]);
  });

  test("what a policy opens is opened at first, and said", () => {
    const { first, last } = planFirewalls(inputOf(more, { applied: shop }), FLEET);
    expect(hostsOf(first[0])).toEqual([["app3"]]);
    expect(first[0]?.reasons.join("\n")).toContain("app3 lets app1 in at tcp 5432 (orders:0)");
    expect(last).toEqual([]);
  });

  test("what a policy opened goes last", () => {
    const { first, last } = planFirewalls(inputOf(shop, { applied: more }), FLEET);
    expect(first).toEqual([]);
    expect(last.map(({ firewall }) => firewall)).toEqual(["contract-in"]);
    expect(last[0]?.reasons.join("\n")).toContain("app3 no longer lets app1 in at tcp 5432");
  });

  test("an instance that moves is let in at its new host before, and no longer at its old one after", () => {
    const moved = topologyWith({ ...SHOP, apps: { shop: { on: ["app1", "app3"], routes: [httpRoute("edge")] } } });
    const { first, last } = planFirewalls(inputOf(moved, { applied: shop }), FLEET);
    expect(hostsOf(first[0])).toEqual([["app3"]]);
    expect(hostsOf(last[0])).toEqual([["app2"]]);
  });

  test("generations go on from the newest that a host has seen, and a step back leads to the confirmed one", () => {
    const facts = { app3: told(desiredFirewall(shop).get("app3") ?? null, { newest: 9 }) };
    const { first } = planFirewalls(inputOf(more, { applied: shop, facts }), FLEET);
    const [step] = stepsOf(first[0]).flat();
    expect(step?.action).toMatchObject({ kind: "firewall.apply", generation: 10, confirm: 60_000 });
    expect(step?.undo).toMatchObject({ stages: [[{ action: { kind: "firewall.restore", generation: 4 } }]] });
  });

  test("drift is repaired before anything else, by name", () => {
    const drift = ["INPUT: the rule of app/shop/routes:0 was deleted"];
    const facts = { app1: told(desiredFirewall(shop).get("app1") ?? null, { drift }) };
    const { first } = planFirewalls(inputOf(shop, { applied: shop, facts }), FLEET);
    expect(hostsOf(first[0])).toEqual([["app1"]]);
    expect(first[0]?.reasons).toContain(`app1: ${drift[0] ?? ""}`);
  });

  test("drift is repaired at first also where the files close something at the end", () => {
    const was = desiredFirewall(more).get("app3") ?? null;
    const facts = { app3: told(was, { drift: ["INPUT: the rule of fleet/ssh:0 was deleted"] }) };
    const { first, last } = planFirewalls(inputOf(shop, { applied: more, facts }), FLEET);
    expect(stepsOf(first[0]).flat()[0]?.action).toMatchObject({ host: "app3", generation: 5, model: was });
    expect(stepsOf(last[0]).flat()[0]?.action).toMatchObject({ host: "app3", generation: 6 });
  });

  test("without a firewall block what drover applied goes", () => {
    const none = topologyWith({ ...SHOP, firewall: null });
    const { last } = planFirewalls(inputOf(none, { applied: shop }), FLEET);
    expect(last[0]?.firewall).toBe("remove");
    expect(stepsOf(last[0]).flat()).toHaveLength(6);
  });

  test("one that would refuse the operator is refused, and names the address", () => {
    const strange = topologyWith({ ...SHOP, firewall: { admin: ["203.0.113.0/24"] } });
    const { problems, first } = planFirewalls(inputOf(strange, { applied: shop }), FLEET);
    expect(first).toEqual([]);
    expect(problems[0]).toMatchObject({ code: "shut-out" });
    expect(problems[0]?.message).toContain("192.168.56.1");
    expect(problems.filter(({ code }) => code === "shut-out")).toHaveLength(6);
  });

  test.for([
    [{ missing: ["ipset"] }, "package-missing", "apt-get install ipset"],
    [{ rivals: ["ufw is active"] }, "firewall-rival", "ufw is active"],
  ] as const)("a host with %j is found before anything is changed", ([over, code, words]) => {
    const { problems } = planFirewalls(inputOf(shop, { facts: { app2: told(null, over) } }), FLEET);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.code).toBe(code);
    expect(`${problems[0]?.message ?? ""} ${problems[0]?.hint ?? ""}`).toContain(words);
  });
});

describe("firewalls with somebody silent", () => {
  const shop = topologyWith(SHOP);
  const policies = [policy("orders", hosts("app3"), { ingress: [allow([cidr("203.0.113.0/24")], port("tcp", 5432))] })];
  const more = topologyWith({ ...SHOP, firewall: { policies } });

  test("nothing is opened", () => {
    const plans = planFirewalls(inputOf(more, { applied: shop, silent: ["app1"] }), FLEET);
    expect(plans).toMatchObject({ first: [], last: [], closing: [] });
  });

  test("what nobody asks for any more is closed on the others", () => {
    const { closing, behind } = planFirewalls(inputOf(shop, { applied: more, silent: ["app1"] }), FLEET);
    expect(hostsOf(closing[0])).toEqual([["app3"]]);
    expect(behind).toContain("app1");
  });

  test("what is there for apps stays: their instances may still need it", () => {
    const gone = topologyWith({ ...SHOP, apps: {} });
    const { closing } = planFirewalls(inputOf(gone, { applied: shop, silent: ["dns1"] }), FLEET);
    expect(closing).toEqual([]);
  });
});

describe("firewalls in the change of one app", () => {
  const shop = topologyWith(SHOP);
  const policies = [policy("orders", hosts("app3"), { ingress: [allow([hosts("app1")], port("tcp", 5432))] })];

  test("only what is there for it changes", () => {
    const both = topologyWith({
      ...SHOP,
      apps: { shop: { on: ["app1", "app2", "app3"], routes: [httpRoute("edge")] } },
      firewall: { policies },
    });
    const { first } = planFirewalls(inputOf(both, { applied: shop }), { kind: "app", app: "shop" });
    expect(first[0]?.reasons.join("\n")).toContain("app3 lets lb1, lb2 in at tcp 8080");
    expect(first[0]?.reasons.join("\n")).not.toContain("5432");
  });

  test("what an open rollout may still need stays", () => {
    const gone = topologyWith({ ...SHOP, apps: {} });
    const { last, behind } = planFirewalls(inputOf(gone, { applied: shop, open: { shop: "r1" } }), FLEET);
    expect(last).toEqual([]);
    expect(behind).toEqual(expect.arrayContaining(["app1", "app2", "lb1", "lb2"]));
  });
});

describe("addresses that change hands", () => {
  const owners = { "10.0.0.21": "old", "10.0.0.22": "app2" };
  const topology = topologyWith({ hosts: { app1: ["10.0.0.21"], app2: ["10.0.0.22"], db1: ["10.0.0.41"] } });

  test("are known by whom they belonged to", () => {
    expect(releasedAddresses(topology, { owners, debts: [] })).toEqual([
      { address: "10.0.0.21", formerly: "old", now: "app1" },
    ]);
    expect(releasedAddresses(topology, null)).toEqual([]);
  });

  test("may be a set's VIP", () => {
    const was = { owners: { "10.0.0.10": "VIP edge" }, debts: [] };
    const next = topologyWith({ hosts: { new1: ["10.0.0.10"] } });
    expect(releasedAddresses(next, was)).toEqual([{ address: "10.0.0.10", formerly: "VIP edge", now: "new1" }]);
    const paired = topologyWith({ ...SHOP, sets: { edge: { on: ["lb1", "lb2"], vips: [VIP] } } });
    expect(ledgerAfter(paired, null, { behind: [], now: "" }).owners).toMatchObject(was.owners);
  });

  test("are owed by every host that stays behind, since the first time", () => {
    const first = ledgerAfter(topology, { owners, debts: [] }, { behind: ["db1"], now: "2026-01-01T00:00:00.000Z" });
    expect(first.debts).toEqual([
      { host: "db1", address: "10.0.0.21", formerly: "old", since: "2026-01-01T00:00:00.000Z" },
    ]);
    const second = ledgerAfter(topology, first, { behind: ["db1"], now: "2026-02-02T00:00:00.000Z" });
    expect(second.debts).toEqual(first.debts);
    expect(ledgerAfter(topology, second, { behind: [], now: "2026-03-03T00:00:00.000Z" }).debts).toEqual([]);
  });

  const was = { hosts: { old: ["10.0.0.21"], app2: ["10.0.0.22"], db1: ["10.0.0.41"] } };
  const grant = [policy("db", hosts("db1"), { ingress: [allow([hosts("old")], port("tcp", 5432))] })];
  const applied = topologyWith({ ...was, firewall: { policies: grant } });

  test("lose what was meant for the host before, first of all", () => {
    const ledger = { owners: { "10.0.0.21": "old", "10.0.0.22": "app2", "10.0.0.41": "db1" }, debts: [] };
    const { first, problems } = planFirewalls(inputOf(topology, { applied, ledger }), FLEET);
    expect(problems).toEqual([]);
    expect(first[0]?.firewall).toBe("release");
    expect(hostsOf(first[0])).toEqual([["db1"]]);
    const [step] = stepsOf(first[0]).flat();
    expect(step?.action).toMatchObject({ cuts: [{ direction: "in", peers: ["10.0.0.21/32"] }] });
  });

  test("let nothing begin on their new host while somebody who may still let them in is silent", () => {
    const ledger = { owners: { "10.0.0.21": "old" }, debts: [] };
    const { problems } = planFirewalls(inputOf(topology, { applied, ledger, silent: ["db1"] }), FLEET);
    expect(problems.map(({ code }) => code)).toContain("address-quarantined");
  });

  test("let no rollout begin on their new host before every firewall is in line", () => {
    const debts = [{ host: "db1", address: "10.0.0.21", formerly: "old", since: "2026-01-01T00:00:00.000Z" }];
    const reused = topologyWith({
      hosts: { app1: ["10.0.0.21"], db1: ["10.0.0.41"] },
      apps: { shop: { on: ["app1"] } },
    });
    const ledger = { owners: { "10.0.0.21": "app1" }, debts };
    const { problems } = planFirewalls(inputOf(reused, { applied: reused, ledger }), { kind: "app", app: "shop" });
    expect(problems[0]).toMatchObject({ code: "address-quarantined" });
    expect(problems[0]?.message).toContain("db1 may still let in");
  });
});
