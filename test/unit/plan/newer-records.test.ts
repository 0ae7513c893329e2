import { expect, test } from "vitest";
import { rolloutStartCommand } from "../../../src/commands/rollout-start.ts";
import { drainCommand } from "../../../src/commands/drain.ts";
import type { Context } from "../../../src/commands/context.ts";
import { apply, FakeWorld, NS1, Process, ZONE } from "../../support/fake-world.ts";

/** A published fleet, and then records that were written under a later epoch than its state host has given out. */
async function overtaken(): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", "minHealthyTime: 8s, healthyDeadline: 30s, drainTimeout: 5s");
  world.publish();
  expect(await world.run(apply)).toBe(0);
  const texts = ["heritage=drover", "owner=test", "rev=9", "epoch=99", "run=test/r", "set=_shop._tcp"];
  const name = `_drover._shop._tcp.${ZONE}`;
  world.dns.take(ZONE, name);
  world.dns.put(ZONE, { name, ttl: 10, type: "TXT", texts });
  return world;
}

const commands: Readonly<Record<string, (context: Context) => Promise<number>>> = {
  apply,
  "rollout start": (context) => rolloutStartCommand(context, "shop", { release: "2.0", allowEmpty: false }),
  drain: (context) => drainCommand(context, "app1", { reason: "a test", allowEmpty: false }),
};

test.for(Object.keys(commands))("%s is refused before anything is changed, with the way out", async (name) => {
  const world = await overtaken();
  const before = world.told(NS1);
  const process = new Process();
  const command = commands[name] ?? apply;
  expect(await world.run(command, process)).toBe(1);
  const said = process.lines.join("\n");
  expect(said).toContain(`the zone ${ZONE} has seen epoch 99`);
  expect(said).toContain("echo 99 > /var/lib/drover/state/epoch");
  expect(said).toContain("nothing was changed");
  expect(world.told(NS1)).toEqual(before);
});
