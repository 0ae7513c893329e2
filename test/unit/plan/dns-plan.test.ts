import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import { sha256 } from "../../../src/model/hash.ts";
import { known, unknown } from "../../../src/model/known.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { DnsZone } from "../../../src/model/zone.ts";
import { EMPTY_ZONE } from "../../../src/discovery/facts.ts";
import { desiredNamed } from "../../../src/named/desired.ts";
import type { NamedFacts } from "../../../src/named/facts.ts";
import { namedFact } from "../../../src/named/facts.ts";
import { renderNamed } from "../../../src/named/render.ts";
import { planFleet } from "../../../src/plan/fleet-plan.ts";
import type { HostView, PlanInput } from "../../../src/plan/input.ts";
import { PaperFleet } from "../../support/fleets.ts";
import { exampleZone } from "../../support/zone.ts";
import { NAMED_TEMPLATE, ZONE_TEMPLATE } from "../named/models.ts";

const FLEET = { kind: "fleet" } as const;
const SERVERS = ["app4", "app5"] as const;
const FINGERPRINT = "a1".repeat(32);

const IDLE = namedFact.parse("end 796573\n");
/** BIND as its package leaves it. */
const FRESH: NamedFacts = { ...IDLE, installed: true, version: "9.18", sha256: sha256("as Debian has it") };

/** A fleet without apps whose zone two of its hosts answer for; `change` says what else is so. */
function inputOf(
  change: (input: PlanInput) => Partial<PlanInput> = () => ({}),
  zone: DnsZone | null = exampleZone(),
): PlanInput {
  const sketch = { hosts: ["app1", "app2", "app3", ...SERVERS], balancers: {}, apps: [] };
  const plain = new PaperFleet().input(sketch);
  const topology = { ...plain.topology, dns: { servers: { kind: "hosts", hosts: [...SERVERS] } as const, zone } };
  const [primary, secondary] = SERVERS.map((name, index) => {
    return { server: { name, address: `10.0.0.${String(index + 4)}`, port: 53 }, facts: known(EMPTY_ZONE) };
  });
  if (primary === undefined || secondary === undefined) throw new Error("two servers");
  const servers = { primary: primary.server, secondaries: [secondary.server], onSilent: zone?.onSilent ?? "stop" };
  const ref = { zone: "svc.lab.internal", owner: "test", servers };
  const input: PlanInput = {
    ...plain,
    topology,
    templates: { ...plain.templates, named: NAMED_TEMPLATE, zone: ZONE_TEMPLATE },
    dns: zone === null ? null : { zone: ref, view: { primary, secondaries: [secondary] }, fingerprint: FINGERPRINT },
  };
  const ready = seen(input, { app4: { named: known(FRESH) }, app5: { named: known(FRESH) } });
  return { ...ready, ...change(ready) };
}

/** The same with what some hosts told otherwise. */
function seen(input: PlanInput, told: Readonly<Record<string, Partial<HostView>>>): PlanInput {
  return { ...input, views: new Map([...input.views].map(([name, view]) => [name, { ...view, ...told[name] }])) };
}

/** A host that drover has set up as these files want it. */
function settled(host: string, input: PlanInput): NamedFacts {
  const model = desiredNamed(input.topology, host, { fingerprint: FINGERPRINT });
  if (model === null) throw new Error(`${host} is no DNS server`);
  const hash = sha256(renderNamed(NAMED_TEMPLATE, model));
  const zones = model.role === "primary" ? [model.zone] : [];
  const copies = model.role === "secondary" ? [model.zone] : [];
  const manifest = { model, sha256: hash };
  return { ...FRESH, active: true, enabled: true, sha256: hash, manifest, key: "right", zones, copies };
}

function settledBoth(input: PlanInput): PlanInput {
  const told = Object.fromEntries(SERVERS.map((host) => [host, { named: known(settled(host, input)) }]));
  return seen(input, told);
}

const silence = unknown(failure("dns-unreachable", "app4 does not answer"));

function silenced(input: PlanInput, which: "primary" | "secondary"): PlanInput {
  if (input.dns === null) throw new Error("no zone");
  const { view } = input.dns;
  const [other] = view.secondaries;
  if (other === undefined) throw new Error("no secondary");
  const primary = which === "primary" ? { ...view.primary, facts: silence } : view.primary;
  const secondaries = which === "secondary" ? [{ ...other, facts: silence }] : [other];
  return { ...input, dns: { ...input.dns, view: { primary, secondaries } } };
}

function stepsOf(plan: Plan | undefined): readonly (readonly string[])[] {
  return (plan?.prologue ?? []).map((stage) => stage.map(({ says }) => says));
}

describe("the zone's servers", () => {
  test("are set up one after the other, the primary first and with a zone; then their addresses are published", () => {
    const { plans, problems } = planFleet(inputOf(), FLEET);
    expect(problems).toEqual([]);
    expect(plans.map(({ dns }) => dns)).toEqual(["servers", "names"]);
    expect(stepsOf(plans[0])).toEqual([
      ["set up BIND on app4 as primary of svc.lab.internal"],
      ["set up BIND on app5 as secondary of svc.lab.internal"],
    ]);
    const files = plans[0]?.prologue
      .flat()
      .map(({ action }) => action.kind === "named.install" && action.zoneFile !== null);
    expect(files).toEqual([true, false]);
    expect(stepsOf(plans[1])).toEqual([["publish the addresses of app4, app5"]]);
    expect(JSON.stringify(plans)).not.toMatch(/secret":"(?!_dns\/key)/);
  });

  test("are left alone once they are as the files want them", () => {
    const { plans, problems } = planFleet(settledBoth(inputOf()), FLEET);
    expect([plans.map(({ dns }) => dns), problems]).toEqual([["names"], []]);
  });

  test("have to have BIND", () => {
    const input = inputOf((each) => seen(each, { app5: { named: known(IDLE) } }));
    const { plans, problems } = planFleet(input, FLEET);
    expect([plans, problems.map(({ message }) => message)]).toEqual([
      [],
      ["app5 is to answer for svc.lab.internal and has no BIND"],
    ]);
  });

  test("that do not run are put right first where the zone is silent; what depends on it waits", () => {
    const both = settledBoth(inputOf());
    const stopped = seen(both, { app4: { named: known({ ...settled("app4", both), active: false }) } });
    const { plans, problems, skipped, whole } = planFleet(silenced(stopped, "primary"), FLEET);
    expect([plans.map(({ dns }) => dns), problems, whole]).toEqual([["servers"], [], false]);
    expect(skipped.map(({ code }) => code)).toEqual(["dns-unreachable"]);
  });

  test("that are silent though they run stop everything", () => {
    for (const which of ["primary", "secondary"] as const) {
      const { plans, problems } = planFleet(silenced(settledBoth(inputOf()), which), FLEET);
      expect([plans, problems.map(({ code }) => code)]).toEqual([[], ["dns-unreachable"]]);
    }
  });

  test("other than the primary are named and passed over where the fleet says so", () => {
    const skipping = exampleZone({ onSilent: "skip" });
    const over = (which: "primary" | "secondary") =>
      planFleet(silenced(settledBoth(inputOf(undefined, skipping)), which), FLEET);
    expect(over("secondary").problems).toEqual([]);
    expect(over("secondary").skipped.map(({ message }) => message)).toEqual([
      "passed over, as dns.onSilent says: app4 does not answer",
    ]);
    expect(over("primary").problems).toHaveLength(1);
  });
});

describe("a zone that would be lost", () => {
  test("with a primary that begins it empty while others have it is refused, unless that is allowed", () => {
    const both = settledBoth(inputOf());
    const anew = seen(both, { app4: { named: known(FRESH) } });
    expect(planFleet(anew, FLEET).problems.map(({ code }) => code)).toEqual(["dns-empty"]);
    expect(planFleet({ ...anew, allowEmpty: true }, FLEET).problems).toEqual([]);
  });

  test("goes on with a secondary's copy", () => {
    const both = settledBoth(inputOf());
    const swapped = {
      ...both.topology,
      dns: { servers: { kind: "hosts", hosts: ["app5", "app4"] } as const, zone: exampleZone() },
    };
    const { plans, problems } = planFleet({ ...both, topology: swapped }, FLEET);
    expect(problems).toEqual([]);
    expect(plans[0]?.reasons).toContain(
      "app5: it becomes the primary of svc.lab.internal, with the copy it has as a secondary",
    );
  });

  test("with its name is refused, unless that is allowed: the same servers would answer for another one", () => {
    const renamed = { ...exampleZone(), name: "svc.new.internal" };
    const told = Object.fromEntries(SERVERS.map((host) => [host, { named: known(settled(host, inputOf())) }]));
    const input = seen(
      inputOf(() => ({}), renamed),
      told,
    );
    const problems = (allowEmpty: boolean) => planFleet({ ...input, allowEmpty }, FLEET).problems;
    expect(problems(false)).toMatchObject([{ code: "dns-empty", hint: expect.stringContaining("--allow-empty") }]);
    expect(problems(false)[0]?.message).toContain("svc.lab.internal");
    expect(problems(true)).toEqual([]);
  });

  test("with its block is refused, unless that is allowed; then every trace of it goes", () => {
    const both = settledBoth(inputOf());
    const gone = { ...both, dns: null, topology: { ...both.topology, dns: null } };
    expect(planFleet(gone, FLEET).problems.map(({ code }) => code)).toEqual(["dns-empty"]);
    const { plans, problems } = planFleet({ ...gone, allowEmpty: true }, FLEET);
    expect(problems).toEqual([]);
    expect(plans.map(({ dns }) => dns)).toEqual(["farewell"]);
    expect(stepsOf(plans[0]).flat()).toEqual([
      "remove the zone from BIND on app4",
      "remove the zone from BIND on app5",
    ]);
  });

  test("is mentioned where drover wrote to it and the files name another", () => {
    const services = { entries: [{ zone: "svc.old.internal", kind: "app", name: "shop" } as const] };
    const { notes } = planFleet({ ...settledBoth(inputOf()), services }, FLEET);
    expect(notes.join()).toContain("svc.old.internal");
  });
});
