import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { firewallExplainCommand } from "../../../src/commands/firewall-explain.ts";
import { FakeWorld, Process } from "../../support/fake-world.ts";

const FIREWALL = `firewall:
  admin: [10.0.0.1]
  policies:
    state:
      hosts: "role=dns"
      ingress: [{from: [{app: shop}], ports: [873, udp/514]}]
    closed:
      hosts: "@host=app3"
      egress: [{to: [{cidr: 10.9.0.0/16}], ports: any}]
`;

interface Asked {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** Asks in a world where nobody may be connected to. */
async function ask(
  words: string,
  { output = "text", block = FIREWALL }: { output?: "text" | "json"; block?: string } = {},
): Promise<Asked> {
  const world = new FakeWorld("1.0", "serial: 1");
  world.files.texts.set("drover.yaml", `${world.files.texts.get("drover.yaml") ?? ""}${block}`);
  const shop = world.files.texts.get("apps/shop.yaml") ?? "";
  world.files.texts.set("apps/shop.yaml", `${shop}ports: {metrics: 9100, syslog: udp/5140}\n`);
  const process = new Process();
  const offline = (context: Context): Context => ({
    ...context,
    options: { ...context.options, output },
    connect: () => {
      throw new Error("explaining touches no host");
    },
  });
  const [source = "", destination = "", port = ""] = words.split(" ");
  const code = await world.run(
    (context) => firewallExplainCommand(offline(context), { source, destination, port }),
    process,
  );
  return { code, lines: process.lines };
}

describe("firewall explain", () => {
  test("names the rule and where it is written; the answer is no failure, whatever it is", async () => {
    expect(await ask("10.0.0.1 lb1 22")).toEqual({
      code: 0,
      lines: [
        "allowed: 10.0.0.1 → lb1 at 22",
        "",
        "allowed: 10.0.0.1 → lb1 at tcp/22",
        "  out of 10.0.0.1: no host of the inventory; drover has no say there",
        "  into lb1: let through by fleet/ssh:0 at drover.yaml:9:10",
      ],
    });
    const denied = await ask("10.0.0.2 lb1 22");
    expect([denied.code, denied.lines[0], denied.lines.at(-1)]).toEqual([
      0,
      "denied: 10.0.0.2 → lb1 at 22",
      "  into lb1: REFUSED, no rule lets it in",
    ]);
  });

  test("answers for every host of an app, those that are decided alike together", async () => {
    const { lines } = await ask("shop dns1 udp/514");
    expect(lines).toEqual([
      "partly allowed: shop → dns1 at udp/514: 2 of 3 ways",
      "",
      "denied: app3 → dns1 at udp/514",
      "  out of app3: REFUSED, what goes out is isolated and no rule lets it out",
      "  into dns1: let through by state:0 at drover.yaml:13:17",
      "",
      "allowed: app1, app2 → dns1 at udp/514",
      "  out of each of them: open, no policy isolates what goes out",
      "  into dns1: let through by state:0 at drover.yaml:13:17",
    ]);
  });

  test("resolves a name at the destination, and opens nothing where it stands for nothing", async () => {
    expect((await ask("lb1 app1 shop")).lines[0]).toBe("allowed: lb1 → app1 at shop");
    expect((await ask("lb1 app1 syslog")).lines[2]).toBe("denied: lb1 → app1 at udp/5140");
    expect((await ask("app1 lb1 shop")).lines).toEqual([
      "denied: app1 → lb1 at shop",
      "",
      "nothing on lb1 is called shop: the name opens nothing",
    ]);
  });

  test("is JSON for scripts", async () => {
    const { code, lines } = await ask("lb1 app1 shop", { output: "json" });
    expect([code, JSON.parse(lines[0] ?? "")]).toEqual([
      0,
      {
        source: "lb1",
        destination: "app1",
        port: "shop",
        managed: true,
        allowed: true,
        flows: [
          {
            source: "lb1",
            destination: "app1",
            port: "tcp/8080",
            allowed: true,
            loopback: false,
            egress: { kind: "open" },
            ingress: { kind: "allowed", rules: [{ source: "app/shop/routes:0", place: "apps/shop.yaml:8:10" }] },
          },
        ],
        nameless: [],
        apart: [],
      },
    ]);
  });

  test.for<readonly [string, string, string]>([
    ["lb9 app1 22", '"lb9" is no host, no app and no IP address [usage]', "did you mean lb1?"],
    ["lb1 nobody 22", '"nobody" is no host, no app and no IP address [usage]', "hosts and their apps: drover hosts"],
    ["lb1 app1 metrcs", 'no app calls a port "metrcs" [usage]', "did you mean metrics?"],
    [
      "lb1 app1 70000",
      '"70000" is no port [usage]',
      "a port is written 5432, tcp/5432, udp/53, or by the name that an app gives it",
    ],
    ["192.0.2.1 192.0.2.2 22", "neither end is a host of this fleet [usage]", "its hosts: drover hosts"],
    [
      "lb1 \u001b[31m 22",
      '"\\u001b[31m" is no host, no app and no IP address [usage]',
      "hosts and their apps: drover hosts",
    ],
  ])("%s: says what is not there, and what may be meant", async ([words, sentence, hint]) => {
    expect(await ask(words)).toEqual({ code: 64, lines: [sentence, `  hint: ${hint}`] });
  });

  test("says so where drover manages no firewalls", async () => {
    expect(await ask("lb1 app1 22", { block: "" })).toEqual({
      code: 0,
      lines: ["allowed: lb1 → app1 at 22: drover.yaml has no firewall: block, drover manages no firewalls here"],
    });
  });
});
