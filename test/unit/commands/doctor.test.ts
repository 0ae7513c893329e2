import { describe, expect, test } from "vitest";
import { doctorCommand } from "../../../src/commands/doctor.ts";
import { failure } from "../../../src/model/errors.ts";
import { MANIFEST } from "../../../src/named/paths.ts";
import type { Diagnosis } from "../../../src/plan/verify/doctor.ts";
import { removeHaproxy } from "../../fake/haproxy.ts";
import { removeKeepalived } from "../../fake/keepalived.ts";
import { fakeBind, printNamedFact } from "../../fake/named.ts";
import { FakeWorld, NS1, NS2, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

/** Exit code, and whatever is not all right. */
async function found(world: FakeWorld): Promise<readonly [number | null, ...string[]]> {
  const { code, text } = await say(world, doctorCommand, { output: "json" });
  const { checks } = JSON.parse(text) as { readonly checks: readonly Diagnosis[] };
  const odd = checks.filter(({ kind }) => kind !== "ok");
  return [code, ...odd.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`)];
}

/** The fleet's own server, as the inventory has it. */
const OWN = { name: "dns1", address: "10.0.0.16", port: 53 };

/** From now on dns1 is to answer for the zone, and the balancers are to hold a VIP. */
function managed(world: FakeWorld): void {
  const drover = world.files.texts.get("drover.yaml") ?? "";
  const edge = drover.replace('hosts: "role=lb"', 'hosts: "role=lb", vip: 10.0.0.10/24, virtualRouterId: 51');
  world.files.texts.set("drover.yaml", `${edge}dns: {servers: "role=dns", zone: ${ZONE}}\n`);
}

/** From now on what a host prints for one of its facts is changed on its way. */
function tell(world: FakeWorld, host: string, fact: string, change: (text: string) => string): void {
  const answer = world.fleet.interpreters.get("observe");
  world.fleet.interpreters.set("observe", async (asked) => {
    const told = (await answer?.(asked)) ?? { stdout: "" };
    if (asked.host.name !== host) return told;
    const line = new RegExp(`^${fact} 0 (.*)$`, "m");
    const encoded = (text: string): string =>
      Buffer.from(change(Buffer.from(text, "base64").toString())).toString("base64");
    return { ...told, stdout: (told.stdout ?? "").replace(line, (_, text: string) => `${fact} 0 ${encoded(text)}`) };
  });
}

describe("doctor", () => {
  test("says of everything that it is all right, and leaves the zone as it was", async () => {
    const world = await published();
    const before = [world.dns.records(ZONE), world.dns.serial(ZONE)];
    const { code, text } = await say(world, doctorCommand);
    expect(code).toBe(0);
    expect(text.split("\n")).toEqual([
      "ok  files              the files of test are valid: 6 hosts, 1 app",
      ...["lb1", "lb2", "app1", "app2", "app3", "dns1"].map(
        (host) => `ok  ${host.padEnd(17)}  answers, and sudo works`,
      ),
      "ok  dns1               holds the fleet's state, epoch 1; nobody holds the lease",
      expect.stringMatching(`ok  10.0.0.53          answers over TCP and speaks for ${ZONE}, serial \\d+`),
      expect.stringMatching(`ok  10.0.0.54          answers over TCP and speaks for ${ZONE}, serial \\d+`),
      "ok  10.0.0.53          takes updates with the zone's key; its clock is right",
      `ok  ${ZONE}  that a name is not there is remembered for 5 s at most`,
      `ok  ${ZONE}  the largest record set has 3 of 100 records`,
      "nothing wrong: 13 checks",
    ]);
    expect([world.dns.records(ZONE), world.dns.serial(ZONE)]).toEqual(before);
  });

  test("has nothing to say of DNS where no zone is written to", async () => {
    const { code, text } = await say(new FakeWorld("1.0", "serial: 1"), doctorCommand);
    expect([code, text.split("\n").at(-1)]).toEqual([0, "nothing wrong: 8 checks"]);
  });

  test("finds a host that is away, and one whose clock is off", async () => {
    const world = await published();
    world.fleet.host("app2").way = { kind: "refused", failure: failure("host-timeout", "app2: no answer in 10 s") };
    tell(world, "lb1", "clock", () => `${String(Math.floor(world.clock.now() / 1000) - 60)}\n`);
    expect(await found(world)).toEqual([
      1,
      "wrong lb1: its clock is 60 s behind ours",
      "wrong app2: no answer in 10 s",
    ]);
  });

  test("finds a DNS server that is silent, and one that does not speak for the zone", async () => {
    const world = await published();
    world.dns.server(NS2).way = "refused";
    expect(await found(world)).toEqual([1, `wrong ${NS2.name}: refused the connection`]);
    world.dns.server(NS2).way = "open";
    world.dns.server(NS2).instead = "REFUSED";
    const [code, ...wrong] = await found(world);
    expect([code, wrong.length]).toEqual([1, 1]);
    expect(wrong[0]).toContain(`wrong ${NS2.name}: does not answer for the zone ${ZONE}`);
  });

  test("asks no silent primary for more", async () => {
    const world = await published();
    world.dns.server(NS1).way = "refused";
    expect(await found(world)).toEqual([1, `wrong ${NS1.name}: refused the connection`]);
  });

  test("tells a clock that is off before signatures fail, and when they do", async () => {
    const world = await published();
    world.dns.server(NS1).skew = 100;
    expect(await found(world)).toEqual([
      0,
      `note ${NS1.name}: its clock is 100 s ahead of ours; signatures are good for 300 s`,
    ]);
    world.dns.server(NS1).skew = -700;
    const [code, wrong] = await found(world);
    expect(code).toBe(1);
    expect(wrong).toContain("700 s");
  });

  test("finds a key that the server does not take, or that may not write", async () => {
    const world = await published();
    world.files.texts.set("dns.key", Buffer.alloc(32, 9).toString("base64"));
    const [code, wrong] = await found(world);
    expect([code, wrong]).toEqual([1, expect.stringContaining(`wrong ${NS1.name}: `) as string]);
    const denied = await published();
    denied.dns.addZone({
      zone: ZONE,
      primary: NS1,
      secondaries: [NS2],
      grants: denied.dns.keys(NS1).map((key) => ({ key, types: [] })),
    });
    expect((await found(denied))[1]).toBe(`wrong ${NS1.name}: the key may not write to the zone: REFUSED`);
  });

  test("finds that clients would remember for long that a name is not there", async () => {
    const world = await published();
    const [key] = world.dns.keys(NS1);
    if (key === undefined) throw new Error("the zone has a key");
    world.dns.addZone({
      zone: ZONE,
      primary: NS1,
      secondaries: [NS2],
      grants: [{ key, types: null }],
      negativeTtl: 60,
    });
    expect(await found(world)).toEqual([
      1,
      `wrong ${ZONE}: that a name is not there is remembered for 60 s: clients find a new app as late`,
    ]);
  });

  test("finds packages that a host's part in the fleet takes and that are not there", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    world.manage("{admin: [10.0.0.0/24]}");
    managed(world);
    removeHaproxy(world.fleet.host("lb1"));
    removeKeepalived(world.fleet.host("lb2"));
    tell(world, "app1", "firewall", (text) => `${text}missing ${Buffer.from("ipset iptables").toString("hex")}\n`);
    const { code, text } = await say(world, doctorCommand);
    expect(code).toBe(1);
    const lines = text.split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " "));
    for (const [line, hint] of [
      ["lb1 is a balancer and has no HAProxy", "on lb1: apt-get install haproxy"],
      ["lb2 is to hold a VIP and has no keepalived", "on lb2: apt-get install keepalived"],
      ["app1 lacks what its firewall takes: ipset, iptables", "on app1: apt-get install ipset iptables"],
      ["dns1 is to answer for the zone and has no BIND", "on dns1: apt-get install bind9"],
    ] as const) {
      expect(lines).toContain(`WRONG ${line}`);
      expect(lines[lines.indexOf(`WRONG ${line}`) + 1]).toBe(`hint: ${hint}`);
    }
    expect(lines.at(-1)).toBe("4 wrong, 1 note: 13 checks");
  });

  test("finds that BIND does not run where drover set it up, and says who starts it", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    managed(world);
    world.dns.addZone({ zone: ZONE, primary: OWN, secondaries: [], grants: [] });
    world.dns.server(OWN).way = "refused";
    const model = { zone: ZONE, role: "primary" };
    world.fleet.host("dns1").put(MANIFEST, Buffer.from(JSON.stringify({ model, sha256: "" })), "600", "root");
    const bind = fakeBind(world.fleet.host("dns1"));
    tell(world, "dns1", "named", () => printNamedFact(world.fleet.host("dns1")));
    bind.active = false;
    expect(await found(world)).toEqual([1, "wrong dns1: BIND is not running on dns1"]);
    bind.active = true;
    expect(await found(world)).toEqual([1, "wrong dns1: refused the connection"]);
  });
});
