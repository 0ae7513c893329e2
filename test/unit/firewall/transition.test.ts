import { describe, expect, test } from "vitest";
import { checkPasses } from "../../../src/firewall/invariants.ts";
import { type FirewallChange, type FirewallPass, transition } from "../../../src/firewall/transition.ts";
import type { FirewallModel } from "../../../src/model/firewall.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const ADDRESSES = { lb1: "10.0.0.1", app1: "10.0.0.11", app2: "10.0.0.12", db1: "10.0.0.21" };

type Hosts = Readonly<Partial<Record<keyof typeof ADDRESSES, FirewallModel | null>>>;

function change(before: Hosts, after: Hosts, isolate: readonly string[] = []): FirewallChange {
  return {
    before: new Map(Object.entries(before)),
    after: new Map(Object.entries(after)),
    isolate: new Set(isolate),
    addresses: new Map(Object.entries(ADDRESSES).map(([host, address]) => [host, [address]])),
  };
}

function told(passes: readonly FirewallPass[]): readonly string[] {
  return passes.map(({ phase, direction, targets }) => `${phase} ${direction}: ${[...targets.keys()].join(" ")}`);
}

const from = (address: string, over: Parameters<typeof ruleFor>[2] = {}): FirewallModel =>
  modelWith([ruleFor("a:0", [`${address}/32`], over)]);
const nothing = modelWith([]);
const silent = modelWith([], { egress: true });

describe("the passes of a change", () => {
  test("an app that moves: its new host opens first, the old one closes last", () => {
    const moved = change({ app1: from("10.0.0.1"), app2: nothing }, { app1: nothing, app2: from("10.0.0.1") });
    expect(told(transition(moved))).toEqual(["expand in: app2", "contract in: app1"]);
    expect(transition(moved).map(({ targets }) => [...targets.values()])).toEqual([[from("10.0.0.1")], [nothing]]);
  });

  test("a host that lets in somebody else has both in between", () => {
    const passes = transition(change({ db1: from("10.0.0.11") }, { db1: from("10.0.0.12") }));
    expect(told(passes)).toEqual(["expand in: db1", "contract in: db1"]);
    expect(passes[0]?.targets.get("db1")?.rules.map(({ peers }) => peers)).toEqual([
      ["10.0.0.11/32"],
      ["10.0.0.12/32"],
    ]);
  });

  test("a host that only lets in more changes once", () => {
    const peers = ["10.0.0.11/32", "10.0.0.12/32"];
    const wider = modelWith([ruleFor("a:0", peers)]);
    const passes = transition(change({ db1: from("10.0.0.11") }, { db1: wider }));
    expect(told(passes)).toEqual(["expand in: db1"]);
    expect(passes[0]?.targets.get("db1")).toEqual(wider);
  });

  test("isolated sources open after destinations and close before them", () => {
    const out = from("10.0.0.21", { direction: "out" });
    const passes = transition(
      change({ app1: out, app2: silent, db1: from("10.0.0.11") }, { app1: silent, app2: out, db1: from("10.0.0.12") }),
    );
    expect(told(passes)).toEqual(["expand in: db1", "expand out: app2", "contract out: app1", "contract in: db1"]);
  });

  test("new hosts that run nothing come first, others that were not managed with the last contraction", () => {
    const made = change({ app1: null, lb1: null }, { app1: from("10.0.0.1"), app2: nothing, lb1: silent }, [
      "app1",
      "app2",
    ]);
    expect(told(transition(made))).toEqual(["isolate in: app1 app2", "contract both: lb1"]);
  });

  test("what one end gains and the other loses comes last, and the two never meet", () => {
    // app1 may open connections to db1 but db1 refuses them; afterwards db1 would take them but app1 may not.
    const crossed = change(
      { app1: from("10.0.0.21", { direction: "out" }), db1: nothing },
      { app1: silent, db1: from("10.0.0.11") },
    );
    expect(told(transition(crossed))).toEqual(["contract out: app1", "contract in: db1"]);
    expect(checkPasses(crossed, transition(crossed))).toBeNull();
  });

  test("nothing for hosts that are gone, that are no longer managed, or that stay as they are", () => {
    expect(
      transition(change({ app1: from("10.0.0.1"), app2: nothing, db1: nothing }, { app2: null, db1: nothing })),
    ).toEqual([]);
  });

  test("a source's new name reaches the host, although the same passes", () => {
    const renamed = modelWith([ruleFor("b:0", ["10.0.0.1/32"])]);
    const passes = transition(change({ app1: from("10.0.0.1") }, { app1: renamed }));
    expect(told(passes)).toEqual(["contract both: app1"]);
    expect(passes[0]?.targets.get("app1")).toBe(renamed);
  });
});

describe("passes that are wrong are described", () => {
  const one = (host: string, model: FirewallModel): FirewallPass => ({
    phase: "contract",
    direction: "in",
    targets: new Map([[host, model]]),
  });
  const stays = change(
    { app1: from("10.0.0.1") },
    { app1: modelWith([...from("10.0.0.1").rules, ruleFor("b:0", "anyone")]) },
  );

  test("a flow that would be cut", () => {
    expect(checkPasses(stays, [one("app1", nothing)])).toBe(
      "app1 would not let lb1 in at tcp 80, although that is allowed before and afterwards (pass 1, contract)",
    );
  });

  test("one that would be opened", () => {
    const open = modelWith([...from("10.0.0.1").rules, ruleFor("x:0", ["10.0.0.21/32"], { match: match("tcp", 22) })]);
    expect(checkPasses(stays, [one("app1", open)])).toBe(
      "app1 would let db1 in at tcp 22, which is allowed neither before nor afterwards (pass 1, contract)",
    );
  });

  test("two ends that would meet", () => {
    const crossed = change(
      { app1: from("10.0.0.21", { direction: "out" }), db1: nothing },
      { app1: silent, db1: from("10.0.0.11") },
    );
    expect(checkPasses(crossed, [one("db1", from("10.0.0.11")), one("app1", silent)])).toBe(
      "db1 would let app1 in at tcp 80 and app1 let it out, which is allowed neither before nor afterwards (pass 1, contract)",
    );
  });

  test("an end that is not what was wanted", () => {
    expect(checkPasses(stays, [])).toBe("app1 would not end with what is wanted of it");
  });
});
