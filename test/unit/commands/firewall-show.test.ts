import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { firewallShowCommand } from "../../../src/commands/firewall-show.ts";
import { readFleet } from "../../../src/commands/fleet-files.ts";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { firewallHash, renderFirewall } from "../../../src/firewall/render.ts";
import { failure } from "../../../src/model/errors.ts";
import type { FirewallShow } from "../../../src/report/firewall-show.ts";
import { fakeFirewall } from "../../fake/firewall.ts";
import { FakeWorld, Process } from "../../support/fake-world.ts";

const BLOCK = "{admin: [10.0.0.1]}";

async function show(
  world: FakeWorld,
  host: string,
  output: "text" | "json" = "text",
): Promise<Process & { code: number | null }> {
  const process = new Process();
  const told = (context: Context): Context => ({ ...context, options: { ...context.options, output } });
  const code = await world.run((context) => firewallShowCommand(told(context), host), process);
  return Object.assign(process, { code });
}

/** Puts a host under the rules that the files give, as if they had been applied. */
async function confirm(world: FakeWorld, name: string): Promise<void> {
  await world.run(async (context) => {
    const files = await readFleet(context, null);
    const model = files === null ? undefined : desiredFirewall(files.topology).get(name);
    if (model === undefined) throw new Error(`${name} is to have a firewall`);
    const firewall = fakeFirewall(world.fleet, world.fleet.host(name));
    const manifest = JSON.stringify({ generation: 3, model, hash: firewallHash(model) });
    firewall.generations.set(3, { ...renderFirewall(model, 3), manifest, model });
    firewall.current = 3;
    firewall.newest = 3;
    firewall.put(3);
    return 0;
  });
}

describe("firewall show", () => {
  test("asks that one host, once, and takes no lease", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    world.manage(BLOCK);
    const { code, lines, transport } = await show(world, "app1");
    expect([code, ...lines]).toEqual([
      2,
      "app1: no firewall of drover's",
      "",
      "pending: the files want a firewall here, and there is none yet → drover apply",
    ]);
    expect(transport?.execs()).toEqual({ app1: 1 });
  });

  test("compares what was confirmed with the files", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    world.manage(BLOCK);
    await confirm(world, "app1");
    const same = await show(world, "app1");
    expect([same.code, ...same.lines]).toEqual([
      0,
      "app1: generation 3 in force, IPv4 and IPv6, confirmed, loaded at boot",
      "everything else that comes in is dropped, but for answers and pings; what goes out is open",
      "",
      "    peer      ports     because of         written at",
      "in  lb1, lb2  tcp/8080  app/shop/routes:0  apps/shop.yaml:8:10",
      "in  10.0.0.1  tcp/22    fleet/ssh:0        drover.yaml:8:19",
    ]);
    world.manage("{admin: [10.0.0.1, 10.9.0.0/16]}");
    const { code, lines } = await show(world, "app1");
    expect([code, lines.at(-1)]).toEqual([
      2,
      "pending: app1 lets 10.9.0.0/16 in at tcp 22 (fleet/ssh:0) → drover apply",
    ]);
  });

  test("is content with a host without rules where firewalls are not managed", async () => {
    const { code, lines } = await show(new FakeWorld("1.0", "serial: 1"), "app1");
    expect([code, ...lines]).toEqual([
      0,
      "app1: no firewall of drover's",
      "drover.yaml has no firewall: block, so drover does not manage firewalls here",
    ]);
  });

  test("of a host that is away is unknown, not empty", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    world.manage(BLOCK);
    const gone = failure("host-timeout", "no answer within 10 s");
    world.fleet.host("app1").way = { kind: "refused", failure: gone };
    const { code, lines } = await show(world, "app1", "json");
    const told = JSON.parse(lines[0] ?? "") as FirewallShow;
    expect([code, told.told, told.why?.code]).toEqual([1, null, "host-timeout"]);
  });

  test("of a host that is not there says which may be meant", async () => {
    const { code, lines } = await show(new FakeWorld("1.0", "serial: 1"), "ap1");
    expect([code, ...lines]).toEqual([64, 'there is no host "ap1" [usage]', "  hint: did you mean app1?"]);
  });
});
