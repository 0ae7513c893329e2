import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { planDns } from "../../../src/plan/dns-plan.ts";
import { planResolvers } from "../../../src/plan/dns-resolvers.ts";
import type { HostView, PlanInput } from "../../../src/plan/input.ts";
import { desiredResolver } from "../../../src/resolver/desired.ts";
import { PaperFleet } from "../../support/fleets.ts";
import { undoOf } from "../../support/release.ts";
import { exampleZone } from "../../support/zone.ts";
import { fileFacts, plainFacts, topologyWith } from "../resolver/models.ts";

/** `v4a`, app1 and v6 run an app that talks to another; app2 runs the other. */
function topology(changes: Partial<Topology> = {}): Topology {
  const base = topologyWith(changes);
  const third = { app: "shop", host: "v4a", address: "192.168.56.24", port: 8080, weight: 1 };
  return {
    ...base,
    hosts: [{ name: "v4a", addresses: ["192.168.56.24"], tags: {} }, ...base.hosts],
    apps: base.apps.map((app) => (app.name === "shop" ? { ...app, instances: [third, ...app.instances] } : app)),
  };
}

const UNWANTED: Partial<Topology> = {
  dns: {
    servers: { kind: "addresses", addresses: [{ address: "192.168.56.31", port: 53 }] },
    zone: exampleZone({ resolver: false }),
  },
};

/** A fleet whose hosts say this of how they find names; those that are not named have a plain resolv.conf. */
function inputOf(told: Readonly<Record<string, HostView["resolver"]>> = {}, of: Topology = topology()): PlanInput {
  const names = of.hosts.map(({ name }) => name);
  const paper = new PaperFleet().input({ hosts: names, balancers: {}, apps: [] });
  const views = [...paper.views].map(([name, view]): [string, HostView] => [
    name,
    { ...view, resolver: told[name] ?? known(plainFacts()) },
  ]);
  return { ...paper, topology: of, views: new Map(views) };
}

/** What a host says on which the resolver is as these files want it. */
function settled(host: string, of: Topology = topology()): HostView["resolver"] {
  const model = desiredResolver(of, host);
  if (model === null) throw new Error(`${host} needs no resolver`);
  return known(fileFacts(model));
}

const ALL = { v4a: settled("v4a"), app1: settled("app1"), v6: settled("v6") };

function says(stages: readonly (readonly { readonly says: string }[])[]): readonly (readonly string[])[] {
  return stages.map((stage) => stage.map((step) => step.says));
}

const SILENT = unknown(failure("host-timeout", "v6 does not answer"));

describe("hosts of apps that talk to others", () => {
  test("are told which servers to ask: the first in the inventory alone, then all others together", () => {
    const { first, last } = planResolvers(inputOf());
    expect(says(first.stages)).toEqual([
      ["let v4a resolve names of svc.lab.internal"],
      ["let app1 resolve names of svc.lab.internal", "let v6 resolve names of svc.lab.internal"],
    ]);
    expect(first.stages.flat().map(({ action }) => action)).toMatchObject([
      { kind: "resolver.install", host: "v4a", model: { servers: ["192.168.56.31", "192.168.56.32"] } },
      { kind: "resolver.install", host: "app1", model: { recursive: true } },
      { kind: "resolver.install", host: "v6", model: { servers: ["fd00:56::31", "fd00:56::32"] } },
    ]);
    expect(first.reasons).toHaveLength(3);
    expect(first.reasons[0]).toBe("v4a: /etc/resolv.conf does not name the fleet's servers");
    expect([first.problems, last]).toEqual([[], { stages: [], reasons: [] }]);
  });

  test("are left alone once they know; one that does not is first then, with the way back to what it was told", () => {
    expect(planResolvers(inputOf(ALL)).first).toEqual({ stages: [], reasons: [], problems: [] });
    const older = { zone: "svc.lab.internal", servers: ["192.168.56.31"], recursive: true };
    const { first } = planResolvers(inputOf({ ...ALL, app1: known(fileFacts(older)) }));
    expect(says(first.stages)).toEqual([["let app1 resolve names of svc.lab.internal"]]);
    const [draft] = first.stages.flat();
    if (draft === undefined) throw new Error("there is a step");
    expect(undoOf(draft).map(({ action }) => action)).toEqual([
      { kind: "resolver.restore", host: "app1", model: older },
    ]);
  });

  test("where one cannot be told without harm, that is a problem, and none of the others is forgotten", () => {
    const symlink = known(plainFacts({ resolvConf: { kind: "symlink", target: "/run/other" } }));
    const { first } = planResolvers(inputOf({ v4a: symlink }));
    expect(first.problems).toMatchObject([
      { code: "resolver", message: expect.stringContaining("v4a: /etc/resolv.conf is a symlink to /run/other") },
    ]);
    expect(says(first.stages)).toHaveLength(2);
  });

  test("where no server has an address of a host's kind, the files are wrong", () => {
    const of = topology();
    const only4 = of.hosts.map((host) =>
      host.name.startsWith("dns") ? { ...host, addresses: host.addresses.slice(0, 1) } : host,
    );
    const { first } = planResolvers(inputOf({}, { ...of, hosts: only4 }));
    expect(first.problems.map(({ code, message }) => [code, message.split(" ")[0]])).toEqual([["files-invalid", "v6"]]);
  });

  test("that are silent are a problem where they are to be told, and nobody's affair elsewhere", () => {
    expect(planResolvers(inputOf({ v6: SILENT })).first.problems).toEqual([SILENT.why]);
    expect(planResolvers(inputOf({ app2: SILENT })).first.problems).toEqual([]);
  });
});

describe("hosts that need the zone no more", () => {
  const gone = inputOf(ALL, topology(UNWANTED));

  /** The plans of a whole fleet that are about DNS, with what each does. */
  function plansOf(input: PlanInput): readonly (readonly [Plan["dns"], readonly (readonly string[])[]])[] {
    const { first, last } = planDns(input, { kind: "fleet" }, []);
    return [...first, ...last].map(({ dns, prologue }) => [dns, says(prologue)]);
  }

  test("find names as before drover, at the very end: in the farewell, one host first", () => {
    expect(plansOf(gone)).toEqual([
      [
        "farewell",
        [
          ["let v4a resolve names as before drover"],
          ["let app1 resolve names as before drover", "let v6 resolve names as before drover"],
        ],
      ],
    ]);
    const { last } = planResolvers(gone);
    expect(last.reasons[0]).toBe("v4a: nothing here needs the fleet's DNS servers any more");
    const told = last.stages.flat().flatMap((draft) => undoOf(draft).map(({ action }) => action));
    expect(told).toMatchObject([
      { kind: "resolver.restore", host: "v4a", model: { zone: "svc.lab.internal" } },
      { host: "app1" },
      { host: "v6" },
    ]);
  });

  test("are not touched where drover never was, nor where nobody answers", () => {
    const untouched = inputOf({ v6: SILENT }, topology(UNWANTED));
    expect(plansOf(untouched)).toEqual([]);
    expect(planResolvers(untouched).first.problems).toEqual([]);
  });

  test("are no part of a plan for one app", () => {
    const { first, last } = planDns(gone, { kind: "app", app: "shop" }, ["shop"]);
    expect([first, last]).toEqual([[], []]);
  });
});
