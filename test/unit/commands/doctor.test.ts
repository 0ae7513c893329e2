import { describe, expect, test } from "vitest";
import { doctorCommand } from "../../../src/commands/doctor.ts";
import { failure } from "../../../src/model/errors.ts";
import type { Diagnosis } from "../../../src/plan/verify/doctor.ts";
import { FakeWorld, NS1, NS2, ZONE } from "../../support/fake-world.ts";
import { published, say } from "../../support/published.ts";

/** Exit code, and whatever is not all right. */
async function found(world: FakeWorld): Promise<readonly [number | null, ...string[]]> {
  const { code, text } = await say(world, doctorCommand, { output: "json" });
  const { checks } = JSON.parse(text) as { readonly checks: readonly Diagnosis[] };
  const odd = checks.filter(({ kind }) => kind !== "ok");
  return [code, ...odd.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`)];
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
    const answer = world.fleet.interpreters.get("observe");
    world.fleet.interpreters.set("observe", async (asked) => {
      const told = (await answer?.(asked)) ?? { stdout: "" };
      if (asked.host.name !== "lb1") return told;
      const late = Buffer.from(`${String(Math.floor(world.clock.now() / 1000) - 60)}\n`).toString("base64");
      return { ...told, stdout: (told.stdout ?? "").replace(/^clock .*$/m, `clock 0 ${late}`) };
    });
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
});
