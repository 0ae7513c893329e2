import { describe, expect, test } from "vitest";
import { cutsOf } from "../../../src/firewall/cuts.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const none = { released: [] };
const nobody = modelWith([]);

describe("what is cut", () => {
  test("only what a rule that says so let pass", () => {
    const severing = ruleFor("db:0", ["10.0.0.1/32"], { sever: true, match: match("tcp", 5432) });
    const lenient = ruleFor("db:1", ["10.0.0.2/32"], { match: match("tcp", 5432) });
    expect(cutsOf(modelWith([severing, lenient]), nobody, none)).toEqual([
      { direction: "in", peers: ["10.0.0.1/32"], match: match("tcp", 5432) },
    ]);
  });

  test("not what another rule still lets pass", () => {
    const before = modelWith([ruleFor("db:0", ["10.0.0.0/30"], { sever: true, match: match("tcp", 80, 81) })]);
    const after = modelWith([ruleFor("other:0", ["10.0.0.1/32"], { match: match("tcp", 80) })]);
    expect(cutsOf(before, after, none)).toEqual([
      { direction: "in", peers: ["10.0.0.0/32", "10.0.0.2/31"], match: match("tcp", 80) },
      { direction: "in", peers: ["10.0.0.0/30"], match: match("tcp", 81) },
    ]);
  });

  test("anyone but those who are still let in, never an empty list", () => {
    const before = modelWith([ruleFor("web:0", "anyone", { sever: true })]);
    expect(cutsOf(before, nobody, none)).toEqual([
      { direction: "in", peers: ["0.0.0.0/0", "::/0"], match: match("tcp", 80) },
    ]);
    const after = modelWith([ruleFor("web:0", ["0.0.0.0/1", "::/0"])]);
    expect(cutsOf(before, after, none)).toEqual([{ direction: "in", peers: ["128.0.0.0/1"], match: match("tcp", 80) }]);
    expect(cutsOf(before, before, none)).toEqual([]);
  });

  test("whatever passed from an address that has been released, whether its rule says so or not", () => {
    const before = modelWith([ruleFor("db:0", ["10.0.0.0/30"], { match: { protocol: "any" } })]);
    expect(cutsOf(before, nobody, { released: ["10.0.0.2", "10.9.9.9"] })).toEqual([
      { direction: "in", peers: ["10.0.0.2/32"], match: { protocol: "any" } },
    ]);
    const after = modelWith([ruleFor("db:0", ["10.0.0.2/32"], { match: match("tcp", 80) })]);
    const cuts = cutsOf(before, after, { released: ["10.0.0.2"] });
    expect(cuts.map((cut) => cut.match)).toEqual([
      {
        protocol: "tcp",
        ports: [
          { from: 0, to: 79 },
          { from: 81, to: 65_535 },
        ],
      },
      { protocol: "udp", ports: null },
    ]);
  });

  test("on a host that was not managed, only what released addresses had", () => {
    expect(cutsOf(null, nobody, none)).toEqual([]);
    expect(cutsOf(null, nobody, { released: ["10.0.0.2"] })).toEqual([
      { direction: "in", peers: ["10.0.0.2/32"], match: { protocol: "any" } },
    ]);
    expect(cutsOf(modelWith([]), null, { released: ["10.0.0.2"] })).toEqual([]);
  });

  test("what may not go out any more", () => {
    const way = ruleFor("app:0", ["10.0.0.1/32"], { direction: "out", sever: true });
    expect(cutsOf(modelWith([way]), modelWith([], { egress: true }), none)).toEqual([
      { direction: "out", peers: ["10.0.0.1/32"], match: match("tcp", 80) },
    ]);
    expect(cutsOf(modelWith([way]), nobody, none)).toEqual([]);
  });

  test("never VRRP, which has no connections", () => {
    const vrrp = ruleFor("fleet/vrrp/edge:0", ["10.0.0.1/32"], { match: { protocol: "vrrp" }, sever: true });
    expect(cutsOf(modelWith([vrrp]), nobody, { released: ["10.0.0.1"] })).toEqual([]);
  });
});
