import { describe, expect, test } from "vitest";
import type { EndVerdict } from "../../../src/model/firewall.ts";
import type { ExplainedFlow, ExplainedRule, Explanation } from "../../../src/report/firewall-explain.ts";
import { explanationLines } from "../../../src/report/firewall-explain.ts";

const ROUTE: EndVerdict<ExplainedRule> = {
  kind: "allowed",
  rules: [{ source: "app/shop/talksTo:0", place: "apps/shop.yaml:9:10" }],
};

function flow(source: string, destination: string, ingress: EndVerdict<ExplainedRule> = ROUTE): ExplainedFlow {
  const loopback = source === destination;
  const allowed = loopback || ingress.kind !== "refused";
  return { source, destination, port: "tcp/9000", allowed, loopback, egress: { kind: "open" }, ingress };
}

function lines(flows: readonly ExplainedFlow[], over: Partial<Explanation> = {}): readonly string[] {
  const allowed = flows.every((one) => one.allowed);
  const question = { source: "shop", destination: "orders", port: "orders" };
  return explanationLines({ ...question, managed: true, allowed, flows, nameless: [], apart: [], ...over });
}

describe("firewall explain", () => {
  test("names the rule at each end, and where it is written", () => {
    expect(lines([flow("app1", "db1")])).toEqual([
      "allowed: shop → orders at orders",
      "",
      "allowed: app1 → db1 at tcp/9000",
      "  out of app1: open, no policy isolates what goes out",
      "  into db1: let through by app/shop/talksTo:0 at apps/shop.yaml:9:10",
    ]);
  });

  test("puts together what is decided alike, and a host's way to itself apart", () => {
    const hosts = ["app1", "app2", "app3"];
    const flows = hosts.flatMap((source) => hosts.map((destination) => flow(source, destination)));
    expect(lines(flows)).toEqual([
      "allowed: shop → orders at orders: 9 of 9 ways",
      "",
      "allowed: app1, app2, app3 → app1, app2, app3 at tcp/9000, but for a host to itself",
      "  out of each of them: open, no policy isolates what goes out",
      "  into each of them: let through by app/shop/talksTo:0 at apps/shop.yaml:9:10",
      "",
      "allowed: app1, app2, app3 → itself at tcp/9000",
      "  within a host nothing is refused, nor between its apps",
    ]);
  });

  test("says what is denied first, and at which end", () => {
    const closed: ExplainedFlow = { ...flow("app1", "db2"), allowed: false, egress: { kind: "refused" } };
    const refused = flow("app2", "db1", { kind: "refused" });
    expect(lines([flow("app1", "db1"), closed, refused]).slice(0, 9)).toEqual([
      "partly allowed: shop → orders at orders: 1 of 3 ways",
      "",
      "denied: app1 → db2 at tcp/9000",
      "  out of app1: REFUSED, what goes out is isolated and no rule lets it out",
      "  into db2: let through by app/shop/talksTo:0 at apps/shop.yaml:9:10",
      "",
      "denied: app2 → db1 at tcp/9000",
      "  out of app2: open, no policy isolates what goes out",
      "  into db1: REFUSED, no rule lets it in",
    ]);
  });

  test("never claims a way that was not asked for", () => {
    const flows = [flow("app1", "db1"), flow("app2", "db2")];
    expect(
      lines(flows)
        .filter((line) => line.includes("→"))
        .slice(1),
    ).toEqual(["allowed: app1 → db1 at tcp/9000", "allowed: app2 → db2 at tcp/9000"]);
  });

  test("has no say about an end that is no host", () => {
    const flows = [{ ...flow("8.8.8.8", "db1"), egress: { kind: "foreign" } as const }];
    expect(lines(flows)[3]).toBe("  out of 8.8.8.8: no host of the inventory; drover has no say there");
  });

  test("denies a name that stands for no port there, and whoever has no address in common", () => {
    expect(lines([], { nameless: ["db1", "db2"] })).toEqual([
      "denied: shop → orders at orders",
      "",
      "nothing on db1, db2 is called orders: the name opens nothing",
    ]);
    expect(lines([], { apart: ["app1 → db1"] }).at(-1)).toBe("no common address family: app1 → db1");
  });

  test("allows everything where firewalls are not managed", () => {
    expect(lines([flow("app1", "db1")], { managed: false })).toEqual([
      "allowed: shop → orders at orders: drover.yaml has no firewall: block, drover manages no firewalls here",
    ]);
  });

  test("lets no control character reach the terminal", () => {
    const evil = "\u001b]0;owned\u0007\n";
    const rule = { source: evil, place: evil };
    const ingress: EndVerdict<ExplainedRule> = { kind: "allowed", rules: [rule] };
    const all = lines([{ ...flow(evil, "db1", ingress), port: evil }], { port: evil, nameless: [evil], apart: [evil] });
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(all.filter((line) => /[\u0000-\u001f]/.test(line))).toEqual([]);
  });
});
