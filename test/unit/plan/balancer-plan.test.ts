import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { known } from "../../../src/model/known.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import type { HostView, PlanInput } from "../../../src/plan/input.ts";
import { desiredVip } from "../../../src/vip/desired.ts";
import { actionsOf, carryOut } from "../../support/fleet-arbitraries.ts";
import { withLostManifest } from "../../../src/plan/lost-manifest.ts";
import type { FleetSketch } from "../../support/fleets.ts";
import { PaperFleet } from "../../support/fleets.ts";

const KEEPALIVED = readFileSync(new URL("../../../templates/keepalived.conf.hbs", import.meta.url), "utf8");
const FLEET = { kind: "fleet" } as const;
const VIP = { address: "10.0.0.100", prefix: 24 };

const SHOP: FleetSketch = {
  hosts: ["app1", "app2", "app3"],
  balancers: { edge: ["lb1", "lb2"] },
  apps: [{ name: "shop", release: "1.0", hosts: ["app1", "app2", "app3"], sets: ["edge"], rollout: {} }],
};

function shopAt(port: number): FleetSketch {
  return { ...SHOP, apps: SHOP.apps.map((app) => ({ ...app, port })) };
}

function running(): PaperFleet {
  const fleet = new PaperFleet();
  carryOut(fleet, SHOP);
  return fleet;
}

/** The same input with a VIP on the set, held by one of the balancers; nothing of keepalived is installed yet. */
function withVip(input: PlanInput, holder: string): PlanInput {
  const balancers = input.topology.balancers.map((set) => ({ ...set, vips: [VIP], virtualRouterId: 51 }));
  const addresses = new Map(input.topology.hosts.map(({ name, addresses: [own = ""] }) => [name, own]));
  const views = new Map(
    [...input.views].map(([name, view]): [string, HostView] => {
      if (view.vip?.kind !== "known") return [name, view];
      const { stable, live } = view.vip.value;
      const interfaces = { [addresses.get(name) ?? ""]: "eth0" };
      const vip = known({
        stable: { ...stable, installed: true, active: true, interfaces },
        live: { ...live, alive: true, holds: name === holder ? [VIP.address] : [] },
      });
      return [name, { ...view, vip }];
    }),
  );
  const templates = { ...input.templates, keepalived: KEEPALIVED };
  return { ...input, templates, topology: { ...input.topology, balancers }, views };
}

function edit(input: PlanInput, host: string, change: (view: HostView) => HostView): PlanInput {
  const view = input.views.get(host);
  return view === undefined ? input : { ...input, views: new Map(input.views).set(host, change(view)) };
}

describe("the balancers' own plan", () => {
  test("the balancer that holds the VIP is changed last", () => {
    for (const [holder, order] of [
      ["lb1", ["lb2", "lb1"]],
      ["lb2", ["lb1", "lb2"]],
    ] as const) {
      const input = withVip(running().input(SHOP), holder);
      const other = { ...input, templates: { ...input.templates, haproxy: `# ours\n${input.templates.haproxy}` } };
      const [plan] = planFleet(other, FLEET).plans;
      const hosts = plan?.prologue.flat().map((step) => `${step.action.kind} ${step.host ?? ""}`) ?? [];
      const [first, last] = order;
      expect(hosts).toEqual([
        `lb.install ${first}`,
        `lb.try ${first}`,
        `lb.install ${last}`,
        `lb.try ${last}`,
        `vip.install ${first}`,
        `vip.install ${last}`,
        "vip.await ",
      ]);
    }
  });

  test("says for every change how it comes into effect, and why", () => {
    const input = running().input(SHOP);
    const other = {
      ...input,
      templates: {
        ...input.templates,
        haproxy: input.templates.haproxy.replace("\nglobal\n", "\nglobal\n    spread-checks 5\n"),
      },
    };
    expect(planFleet(other, FLEET).plans[0]?.reasons).toContain("lb1, lb2: HAProxy reloads: global changed");
    const smaller = { ...SHOP, apps: SHOP.apps.map((app) => ({ ...app, hosts: ["app1", "app2"] })) };
    expect(planFleet(running().input(smaller), FLEET).plans[0]?.reasons).toContain(
      "lb1, lb2: HAProxy changes at runtime: server shop/app3 leaves",
    );
  });

  test("HAProxy is started anew while another balancer has the VIP", () => {
    const input = edit(withVip(running().input(SHOP), "lb1"), "lb1", (view) =>
      view.lb?.kind === "known"
        ? { ...view, lb: known({ ...view.lb.value, live: { ...view.lb.value.live, processes: null } }) }
        : view,
    );
    const kinds = planFleet(input, FLEET)
      .plans[0]?.prologue.flat()
      .map((step) => step.action.kind);
    expect(kinds?.slice(0, 6)).toEqual(["vip.yield", "vip.await", "lb.install", "lb.try", "vip.resume", "vip.await"]);
  });

  test("a balancer without keepalived cannot get a VIP, and nothing is changed", () => {
    const input = edit(withVip(running().input(SHOP), "lb1"), "lb2", (view) =>
      view.vip?.kind === "known"
        ? { ...view, vip: known({ ...view.vip.value, stable: { ...view.vip.value.stable, installed: false } }) }
        : view,
    );
    const { plans, problems } = planFleet(input, FLEET);
    expect(plans).toEqual([]);
    expect(problems).toMatchObject([{ code: "package-missing", hint: "on lb2: apt-get install keepalived" }]);
  });
});

describe("a balancer whose manifest is gone", () => {
  const lost = (input: PlanInput, name: string): PlanInput =>
    edit(input, name, (view) => {
      if (view.lb?.kind !== "known") return view;
      const stable = { ...view.lb.value.stable, manifest: null };
      return withLostManifest(input.topology, name, { ...view, lb: known({ ...view.lb.value, stable }) });
    });

  test("keeps its apps while it is installed anew", () => {
    const { plans, problems } = planFleet(lost(lost(running().input(SHOP), "lb1"), "lb2"), FLEET);
    expect(problems).toEqual([]);
    expect(plans).toHaveLength(1);
    const installs = plans.flatMap(actionsOf).filter((action) => action.kind === "lb.install");
    expect(installs.map(({ balancer, model }) => [balancer, Object.keys(model.apps)])).toEqual([
      ["lb1", ["shop"]],
      ["lb2", ["shop"]],
    ]);
  });

  test("knows where its file has each server", () => {
    const view = lost(running().input(shopAt(9090)), "lb1").views.get("lb1")?.lb;
    const servers = view?.kind === "known" ? view.value.stable.manifest?.model.apps["shop"]?.servers : [];
    expect(servers?.map(({ name, port }) => [name, port])).toEqual([
      ["app1", 8080],
      ["app2", 8080],
      ["app3", 8080],
    ]);
  });

  test("counts as untouched where the file is not drover's", () => {
    const input = running().input(SHOP);
    const view = input.views.get("lb1");
    if (view?.lb?.kind !== "known") throw new Error("lb1 is no balancer");
    const config = { sha256: "", text: "backend shop\n    server app1 10.0.0.1:8080\n" };
    const stable = { ...view.lb.value.stable, manifest: null, config };
    const foreign = { ...view, lb: known({ ...view.lb.value, stable }) };
    expect(withLostManifest(input.topology, "lb1", foreign)).toBe(foreign);
  });
});

describe("a set's certificates", () => {
  const certificate = { name: "shop", fingerprint: "aa", names: ["shop.test"] };
  const source = { name: "shop", chain: { kind: "file", path: "shop.pem" }, key: null } as const;

  function withCertificate(input: PlanInput): PlanInput {
    const balancers = input.topology.balancers.map((set) => ({ ...set, certificates: [source] }));
    return {
      ...input,
      topology: { ...input.topology, balancers },
      certificates: new Map([["edge", [certificate]]]),
    };
  }

  test("come with the set, and https with the apps; without the last one all is plain http again", () => {
    const fleet = running();
    for (const plan of planFleet(withCertificate(fleet.input(SHOP)), FLEET).plans)
      actionsOf(plan).forEach((each) => fleet.act(each));
    expect(fleet.balancer("lb1").model?.apps["shop"]?.routes[0]).toMatchObject({ tls: "redirect" });
    expect(planFleet(withCertificate(fleet.input(SHOP)), FLEET).plans).toEqual([]);
    carryOut(fleet, SHOP);
    expect(fleet.balancer("lb1").model?.apps["shop"]?.routes[0]).toMatchObject({ tls: "none" });
    expect(planFleet(fleet.input(SHOP), FLEET)).toMatchObject({ plans: [], problems: [] });
  });
});

describe("a route that is open to the fleet alone", () => {
  test.for([[FLEET], [{ kind: "app", app: "db" }]] as const)("lets the fleet in at once, planned for %j", ([scope]) => {
    const route = { kind: "port", lb: "edge", port: 7000, mode: "tcp", from: "fleet" } as const;
    const db = { name: "db", release: "1.0", hosts: ["app1", "app2"], sets: ["edge"], rollout: {}, port: 5432 };
    const input = running().input({ ...SHOP, apps: [...SHOP.apps, db] });
    const apps = input.topology.apps.map((app) => (app.name === "db" ? { ...app, routes: [route] } : app));
    const { plans, problems } = planFleet({ ...input, topology: { ...input.topology, apps } }, scope);
    expect(problems).toEqual([]);
    const installs = plans.flatMap(actionsOf).filter((action) => action.kind === "lb.install");
    const maps = installs.flatMap(({ files }) => files.filter(({ path }) => path.endsWith("/fleet.map")));
    expect(maps).toHaveLength(2);
    for (const map of maps) expect(map.kind === "text" && map.text).toContain("10.0.0.1 1\n");
  });
});

describe("a balancer that joins or leaves", () => {
  test("can get the VIP only once it carries the apps of the others", () => {
    const input = withVip(running().input(SHOP), "lb1");
    const joining = edit(input, "lb2", (view) =>
      view.lb?.kind === "known" && view.vip?.kind === "known"
        ? {
            ...view,
            lb: known({
              ...view.lb.value,
              stable: { ...view.lb.value.stable, manifest: null, config: null, active: false },
            }),
            vip: known({ ...view.vip.value, stable: { ...view.vip.value.stable, active: false } }),
          }
        : view,
    );
    const { plans, problems } = planFleet(joining, FLEET);
    expect(problems).toEqual([]);
    expect(plans.map(({ app }) => app)).toEqual([null, "shop", null]);
    expect(plans[0]?.prologue.flat().map(({ action }) => action.kind)).toEqual(["lb.install"]);
    expect(plans[2]?.prologue.flat().map(({ action }) => action.kind)).toContain("vip.install");
  });

  test("gives up the VIP before the others are told, and its HAProxy at last", () => {
    const input = withVip(running().input(SHOP), "lb1");
    const balancers = input.topology.balancers.map((set) => ({ ...set, hosts: ["lb1"] }));
    const gone = edit({ ...input, topology: { ...input.topology, balancers } }, "lb2", (view) => {
      return { ...view, lb: null, vip: null, former: known({ haproxy: true, keepalived: true }) };
    });
    const steps = planFleet(gone, FLEET).plans[0]?.prologue.flat() ?? [];
    expect(steps.map(({ action, host }) => `${action.kind} ${host ?? ""}`)).toEqual([
      "vip.restore lb2",
      "vip.install lb1",
      "vip.await ",
      "lb.restore lb2",
    ]);
  });

  test("is named where it has left the inventory, because it may take the VIP too", () => {
    const input = edit(withVip(running().input(SHOP), "lb1"), "lb1", (view) => {
      if (view.vip?.kind !== "known") return view;
      const model = desiredVip(withVip(running().input(SHOP), "lb1").topology, "lb1", null);
      if (model === null) throw new Error("no VIP");
      const manifest = { model: { ...model, peers: ["10.0.0.99"] }, sha256: "" };
      return { ...view, vip: known({ ...view.vip.value, stable: { ...view.vip.value.stable, manifest } }) };
    });
    expect(planFleet(input, FLEET).plans[0]?.reasons.join("\n")).toContain(
      "10.0.0.99 was a balancer of edge and has left the inventory",
    );
  });

  test("a server that HAProxy was told of by hand is put right by a reload", () => {
    const input = edit(running().input(SHOP), "lb1", (view) => {
      if (view.lb?.kind !== "known") return view;
      const { live } = view.lb.value;
      const addresses = { ...live.addresses, "shop/app1": { address: "10.9.9.9", port: 1 } };
      return { ...view, lb: known({ ...view.lb.value, live: { ...live, addresses } }) };
    });
    const [plan] = planFleet(input, FLEET).plans;
    expect(plan?.reasons[0]).toBe("lb1: the running HAProxy has another shop/app1 than its file");
    expect(plan?.prologue.flat()[0]?.action).toMatchObject({ kind: "lb.install", change: { kind: "reload" } });
  });
});

describe("an instance that moves to another port", () => {
  test("moves while it is out, on every balancer, before it is proven", () => {
    const [plan] = planFleet(running().input(shopAt(8081)), FLEET).plans;
    const lane = plan?.batches[0]?.[0];
    const kinds = lane?.stages.map((stage) => stage[0]?.action.kind);
    expect(kinds).toEqual([
      "lb.drain",
      "lb.mark",
      "lb.quiesce",
      "lb.maint",
      "release.switch",
      "release.probe",
      "lb.move",
      "lb.prove",
      "lb.ready",
      "lb.mark",
      "lb.hold",
    ]);
    const moves = lane?.stages.flat().flatMap(({ action }) => (action.kind === "lb.move" ? [action] : []));
    expect(moves?.map(({ balancer, from, to }) => [balancer, from.port, to.port])).toEqual([
      ["lb1", 8080, 8081],
      ["lb2", 8080, 8081],
    ]);
  });

  test("leaves nothing to do, and no file of a balancer is written anew", () => {
    const fleet = running();
    const plans = carryOut(fleet, shopAt(8081));
    expect(plans.flatMap(actionsOf).filter(({ kind }) => kind === "lb.install")).toEqual([]);
    expect(planFleet(fleet.input(shopAt(8081)), FLEET).plans).toEqual([]);
  });
});

describe("a host that somebody drained", () => {
  const drained = { ...SHOP, drained: ["app1"] };

  function out(): PaperFleet {
    const fleet = running();
    for (const balancer of ["lb1", "lb2"]) {
      const server = { backend: "shop", server: "app1" };
      fleet.act({ kind: "lb.drain", balancer, server, floor: 0 });
      fleet.act({ kind: "lb.mark", balancer, server, disabled: true });
      fleet.act({ kind: "lb.maint", balancer, server });
    }
    return fleet;
  }

  test("is left as it is", () => {
    expect(planFleet(out().input(drained), FLEET)).toMatchObject({ plans: [], problems: [] });
  });

  test("gets its release and its port, and is not let in", () => {
    const fleet = out();
    const apps = SHOP.apps.map((app) => ({ ...app, port: 8081, release: "2.0", rollout: { minAvailable: 1 } }));
    carryOut(fleet, { ...drained, apps });
    expect(fleet.machine("app1").apps.get("shop")?.port).toBe(8081);
    expect(fleet.drained()).toEqual(["lb1 shop/app1", "lb2 shop/app1"]);
    expect(planFleet(fleet.input({ ...drained, apps }), FLEET).plans).toEqual([]);
  });

  test("does not count as coming back: the numbers say so, with the next command", () => {
    const apps = SHOP.apps.map((app) => ({ ...app, release: "2.0" }));
    expect(planFleet(out().input({ ...drained, apps }), FLEET).problems).toMatchObject([
      {
        code: "min-available",
        message: "shop: 2 instances are ready; taking out 1 would leave 1, fewer than minAvailable 2",
        hint: "bring back what is drained: drover undrain app1",
      },
    ]);
  });

  test("gets a new app that waits outside", () => {
    const fleet = out();
    const orders = { name: "orders", release: "1.0", hosts: ["app1", "app2"], sets: ["edge"], rollout: {}, port: 9090 };
    carryOut(fleet, { ...drained, apps: [...SHOP.apps, orders] });
    expect(fleet.drained()).toContain("lb1 orders/app1");
    expect(fleet.drained()).not.toContain("lb1 orders/app2");
  });

  test("stops every plan about its apps while a balancer still sends it traffic", () => {
    const { plans, problems } = planFleet(running().input(drained), FLEET);
    expect(plans).toEqual([]);
    expect(problems).toMatchObject([{ code: "unsafe-plan" }]);
    expect(problems[0]?.hint).toContain("drover drain app1");
  });
});
