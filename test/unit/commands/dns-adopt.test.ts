import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import { dnsAdoptCommand } from "../../../src/commands/dns-adopt.ts";
import type { DnsRecord } from "../../../src/model/dns.ts";
import { apply, FakeWorld, NS1, NS2, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

const SHOP = `_shop._tcp.${ZONE}`;
const STRANGER: DnsRecord = {
  name: SHOP,
  ttl: 30,
  type: "SRV",
  priority: 0,
  weight: 1,
  port: 8080,
  target: `app1.${ZONE}`,
};

const adopt =
  (name: string, from?: string) =>
  (context: Context): Promise<number> =>
    dnsAdoptCommand(context, name, { from });

function world(...records: readonly DnsRecord[]): FakeWorld {
  const made = new FakeWorld("1.0", "minHealthyTime: 1s, healthyDeadline: 30s, drainTimeout: 5s");
  made.publish();
  made.dns.put(ZONE, ...records);
  return made;
}

function owner(fleet: string, name = SHOP): DnsRecord {
  const texts = ["heritage=drover", `owner=${fleet}`, "rev=3", "epoch=99", "run=r", "set=_shop._tcp"];
  return { name: `_drover.${name}`, ttl: 30, type: "TXT", texts };
}

function records(of: FakeWorld, type: string): readonly DnsRecord[] {
  return of.dns.records(ZONE).filter((each) => each.type === type);
}

describe("dns adopt", () => {
  test("takes nobody's records over exactly as they are, remembers the name first, and says what apply will change", async () => {
    const here = await published();
    here.dns.take(ZONE, SHOP);
    here.dns.take(ZONE, `_drover.${SHOP}`);
    here.dns.put(ZONE, STRANGER);
    here.store.services = null;
    let remembered: unknown = null;
    here.dns.intercept = () => {
      remembered ??= here.store.services;
      return "pass";
    };
    const { code, text } = await say(here, adopt("shop"));
    expect(code).toBe(0);
    expect(text).toContain("shop: _shop._tcp (1)");
    expect(text).toContain("the next apply puts right: app2, app3 are not in DNS");
    expect(records(here, "SRV")).toEqual([STRANGER]);
    expect(records(here, "TXT").filter(({ name }) => name.endsWith(SHOP))).toEqual([
      expect.objectContaining({
        name: `_drover.${SHOP}`,
        texts: expect.arrayContaining(["owner=test", "rev=1"]) as string[],
      }),
    ]);
    expect(remembered).toEqual({ entries: [{ zone: ZONE, kind: "app", name: "shop" }] });
    expect(await say(here, adopt("shop"))).toMatchObject({
      code: 0,
      text: expect.stringContaining("already") as string,
    });
    expect((await say(here, apply)).code).toBe(0);
    expect(here.told()).toEqual(["app1", "app2", "app3"]);
  });

  test("takes another fleet's over only from the fleet that has it", async () => {
    const here = world(STRANGER, owner("old"));
    for (const from of [undefined, "other"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { code, text } = await say(here, adopt("shop", from));
      expect(code).toBe(1);
      expect(text).toContain("belongs to the fleet old");
      expect(text).toContain("nothing was changed");
    }
    expect((await say(here, adopt("shop", "old"))).code).toBe(0);
    expect(records(here, "SRV")).toEqual([STRANGER]);
  });

  test("does not touch an owner record that makes no sense, nor an alias", async () => {
    const odd: DnsRecord = { name: `_drover.${SHOP}`, ttl: 30, type: "TXT", texts: ["v=spf1"] };
    expect(await say(world(STRANGER, odd), adopt("shop", "old"))).toMatchObject({
      code: 1,
      text: expect.stringContaining("none that drover understands") as string,
    });
    const alias: DnsRecord = { name: SHOP, ttl: 30, type: "CNAME", target: "x.y" };
    expect(await say(world(alias), adopt("shop"))).toMatchObject({
      code: 1,
      text: expect.stringContaining("is a CNAME") as string,
    });
  });

  test("takes a host's addresses over, where the files publish the host", async () => {
    const address = (host: string): DnsRecord => ({ name: `${host}.${ZONE}`, ttl: 60, type: "A", address: "10.9.9.9" });
    const here = world(address("app1"), address("lb1"));
    const { code, text } = await say(here, adopt("app1"));
    expect(code).toBe(0);
    expect(text).toContain("the next apply puts right: app1: in DNS with 10.9.9.9, not 10.0.0.13");
    expect(here.store.services).toEqual({ entries: [{ zone: ZONE, kind: "host", name: "app1" }] });
    const refused = await say(here, adopt("lb1"));
    expect(refused.code).toBe(64);
    expect(refused.text).toContain("the next apply would take out what is taken over now");
  });

  test("says that there is nothing, or nobody called so", async () => {
    expect(await say(world(), adopt("shop"))).toMatchObject({
      code: 1,
      text: expect.stringContaining("there is nothing of shop in DNS to take over") as string,
    });
    expect(await say(world(), adopt("shpo"))).toMatchObject({
      code: 64,
      text: expect.stringContaining("did you mean shop?") as string,
    });
  });

  test("waits for a person's yes, and changes nothing without it", async () => {
    const here = world(STRANGER);
    expect(await say(here, adopt("shop"), { yes: false })).toMatchObject({
      code: 64,
      text: expect.stringContaining("drover dns adopt shop --yes") as string,
    });
    expect([records(here, "TXT"), here.store.services]).toEqual([[], null]);
  });

  test("changes nothing while a server of the zone is silent", async () => {
    for (const server of [NS1, NS2]) {
      const here = world(STRANGER);
      here.dns.server(server).way = "refused";
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { code, text } = await say(here, adopt("shop"));
      expect([code, records(here, "TXT")]).toEqual([4, []]);
      expect(text).toContain(server.name);
    }
  });
});
