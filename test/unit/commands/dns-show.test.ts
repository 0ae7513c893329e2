import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { dnsShowCommand } from "../../../src/commands/dns-show.ts";
import { drainCommand } from "../../../src/commands/drain.ts";
import { failure } from "../../../src/model/errors.ts";
import type { DnsShow } from "../../../src/report/dns-show.ts";
import { FakeWorld, NS1, NS2, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

const show =
  (app?: string) =>
  (context: Context): Promise<number> =>
    dnsShowCommand(context, app);

const SHOP = `_shop._tcp.${ZONE}`;

describe("dns show", () => {
  test("says what is wanted and what every server answers, asks the state host alone, and takes no lease", async () => {
    const world = await published();
    const epoch = world.store.epoch;
    const serial = String(world.dns.serial(ZONE));
    const { code, text, process } = await say(world, show());
    expect(text.split("\n")).toEqual([
      `zone ${ZONE} of the fleet test`,
      "",
      "server     role       address       serial  behind",
      `10.0.0.53  primary    10.0.0.53:53  ${serial.padEnd(6)}  -`,
      `10.0.0.54  secondary  10.0.0.54:53  ${serial.padEnd(6)}  no`,
      "",
      "shop: this fleet's, revision 1, by run test/run-1 of epoch 1",
      "",
      SHOP,
      "  instance  wanted  10.0.0.53  10.0.0.54",
      "  app1      in      same       same",
      "  app2      in      same       same",
      "  app3      in      same       same",
      "",
      "  host                    wanted     10.0.0.53  10.0.0.54",
      "  app1.svc.test.internal  10.0.0.13  same       same",
      "  app2.svc.test.internal  10.0.0.14  same       same",
      "  app3.svc.test.internal  10.0.0.15  same       same",
    ]);
    expect([code, process.transport?.execs(), world.store.epoch]).toEqual([0, { dns1: 1 }, epoch]);
  });

  test("says why somebody is out", async () => {
    const world = await published();
    await say(world, (context) => drainCommand(context, "app2", { reason: "new disk", allowEmpty: false }));
    const { code, text } = await say(world, show("shop"));
    expect(code).toBe(0);
    expect(text).toContain("  app2      out, drained  out        out");
    expect(text).toMatch(/app2 is drained: new disk \(test@here, since /);
  });

  test("marks what differs, and says how", async () => {
    const world = await published();
    world.dns.take(ZONE, SHOP, "SRV");
    const record = { name: SHOP, ttl: 20, type: "SRV", priority: 0, weight: 7, port: 8080 } as const;
    world.dns.put(ZONE, { ...record, target: `app1.${ZONE}` }, { ...record, target: "x.elsewhere" });
    const { code, text } = await say(world, show("shop"));
    const rows = text.split("\n").filter((line) => line.startsWith("!"));
    expect(code).toBe(0);
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 4))).toEqual([
      ["!", "app1", "in", "weight 7, not 1; TTL 20 s, not 10 s"],
      ["!", "app2", "in", "missing"],
      ["!", "app3", "in", "missing"],
      ["!", "x.elsewhere", "out", "in"],
    ]);
  });

  test("a server that lags is behind by so many changes, and tells otherwise", async () => {
    const world = await published();
    world.dns.server(NS2).lag = Infinity;
    world.dns.take(ZONE, SHOP, "SRV");
    const { code, text } = await say(world, show());
    expect(code).toBe(0);
    expect(text).toMatch(/10\.0\.0\.54 {2}secondary .* 1\n {2}10\.0\.0\.54: it tells something else of shop/);
    expect(text).toContain("! app1      in      missing    same".replace("! ", "!  "));
  });

  test("a server that is silent is unknown, by name, and ends with 1", async () => {
    const world = await published();
    world.dns.server(NS2).way = "refused";
    const { code, text } = await say(world, show());
    expect(code).toBe(1);
    expect(text).toContain(`${NS2.name} refused the connection [dns-unreachable]`);
    expect(text).toContain("  app1      in      same       unknown");
  });

  test("without the state host nobody knows who is drained; without the primary nobody knows whose it is", async () => {
    const world = await published();
    world.fleet.host("dns1").way = { kind: "refused", failure: failure("host-timeout", "dns1: no answer") };
    world.dns.server(NS1).way = "refused";
    const { code, text } = await say(world, show(), { output: "json" });
    const told = JSON.parse(text) as DnsShow;
    expect(code).toBe(1);
    expect(told.apps[0]?.owner).toEqual({ kind: "unknown" });
    expect(told.apps[0]?.sets[0]?.rows[0]?.place).toEqual({ kind: "unknown" });
    expect(told.unknown.map((each) => each.code)).toEqual(["host-timeout"]);
  });

  test("another fleet's records are told as such", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    world.publish();
    const texts = ["heritage=drover", "owner=other", "rev=3", "epoch=2", "run=r", "set=_shop._tcp"];
    world.dns.put(ZONE, { name: `_drover.${SHOP}`, ttl: 10, type: "TXT", texts });
    const { text } = await say(world, show());
    expect(text).toContain("shop: THE FLEET other'S");
  });

  test("an app that is not there is named with what may be meant; a fleet without a zone says so", async () => {
    expect(await say(await published(), show("shp"))).toMatchObject({
      code: 64,
      text: expect.stringContaining("did you mean shop?") as string,
    });
    expect(await say(new FakeWorld("1.0", "serial: 1"), show())).toMatchObject({
      code: 64,
      text: expect.stringContaining("names no dns.zone") as string,
    });
  });
});
