// DNS in step with rollouts and drains, as a user who resolves and connects sees it.
import { expect } from "vitest";
import type { RunEvent } from "../../../../src/model/event.ts";
import { folder, hostsOn, TTL } from "../dns/bench.ts";
import { expectNeverWrong, resolving } from "../dns/user.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { appHosts, expectDrover, expectNothingDrained, releasesRunning, runEvents } from "../shop.ts";
import { following } from "../dns/running.ts";

/** The release that is not running, of two that work. */
export async function otherRelease(lab: Lab): Promise<string> {
  const [running] = await releasesRunning(lab);
  return running === "1.5.0" ? "1.5.1" : "1.5.0";
}

async function rollOut(lab: Lab, ...more: readonly string[]): Promise<readonly RunEvent[]> {
  const release = await otherRelease(lab);
  const start = ["rollout", "start", "shop", "--release", release, "--output", "json", ...more];
  return runEvents(await expectDrover(lab, 0, ...start));
}

/** 2: through rollouts and drains a user who resolves and connects notices nothing. */
export async function throughChanges(
  lab: Lab,
  { rollouts, drains }: { readonly rollouts: number; readonly drains: number },
): Promise<readonly RunEvent[]> {
  const { result, seen } = await resolving(lab, async () => {
    const events: RunEvent[] = [];
    /* oxlint-disable no-await-in-loop -- one after the other */
    for (let round = 0; round < rollouts; round += 1) events.push(...(await rollOut(lab)));
    for (let round = 0; round < drains; round += 1) {
      const host = appHosts[round % appHosts.length] ?? "app1";
      events.push(...runEvents(await expectDrover(lab, 0, "drain", host, "-m", "new disk", "--output", "json")));
      expect(await hostsOn(lab, "dns2")).not.toContain(host);
      events.push(...runEvents(await expectDrover(lab, 0, "undrain", host, "--output", "json")));
    }
    /* oxlint-enable no-await-in-loop */
    return events;
  });
  const withdrawals = rollouts * appHosts.length + drains;
  const figures = expectNeverWrong(seen, result, { least: 2, withdrawals });
  await expectNothingDrained(lab);
  for (const server of ["dns1", "dns2"] as const) expect(await hostsOn(lab, server)).toEqual(appHosts);
  console.log(`2 ${String(rollouts)} rollouts, ${String(drains)} drains: ${figures}`);
  return result;
}

/** How long each host was being changed, in ms. */
function hostTimes(events: readonly RunEvent[]): readonly number[] {
  return appHosts.map((host) => {
    const began = events.find((event) => event.kind === "step-started" && event.lane === host)?.at ?? NaN;
    const ended = events.find((event) => event.kind === "lane-ended" && event.lane === host)?.at ?? NaN;
    return ended - began;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/**
 * 6: what a host takes longer with DNS than without, in ms, by the median; the limit is one TTL and a second. `first`: a
 * rollout with DNS that has been done already.
 */
export async function timeAdded(lab: Lab, rounds: number, first: readonly RunEvent[] | null = null): Promise<number> {
  const without = await folder(lab, "without-dns", { dns: "" });
  const plain: number[] = [];
  const published: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- in turn, so that both meet the same machine
    plain.push(...hostTimes(await rollOut(lab, "-C", without)));
    // oxlint-disable-next-line no-await-in-loop -- in turn
    published.push(...hostTimes((round === 0 ? first : null) ?? (await rollOut(lab))));
  }
  const added = median(published) - median(plain);
  const figures = `${String(median(plain))} ms a host without DNS, ${String(median(published))} ms with it`;
  console.log(`6 ${figures}: ${String(added)} ms more, of at most ${String(TTL * 1000 + 1000)} ms`);
  return added;
}

/** 8: the secondary gets no transfers for a while: nothing is drained before it says what the primary says. */
export async function secondaryCutOff(lab: Lab): Promise<void> {
  await lab.partition("dns2", "dns1");
  const run = following(lab, ["rollout", "start", "shop", "--release", await otherRelease(lab)]);
  let waited = 0;
  try {
    await run.says("… withdraw shop on app1");
    await until("the primary has it", async () => !(await hostsOn(lab, "dns1")).includes("app1"));
    const began = Date.now();
    // Longer than any notification takes.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(await hostsOn(lab, "dns2")).toEqual(appHosts);
    expect(run.printed()).not.toContain("wait until nobody remembers");
    expect(run.printed()).not.toContain("drain shop/app1");
    waited = Date.now() - began;
  } finally {
    await lab.heal();
  }
  expect(await run.ended, run.printed()).toBe(0);
  console.log(`8 a secondary without transfers was waited for, ${String(waited)} ms and until it had them: then on`);
}

/** 8: the secondary gets no transfers at all: the rollout stops within a bounded time, names it and its serial, and all is as before. */
export async function secondaryLost(lab: Lab): Promise<void> {
  await lab.partition("dns2", "dns1");
  const began = Date.now();
  let output = "";
  try {
    output = await expectDrover(lab, 3, "rollout", "start", "shop", "--release", await otherRelease(lab));
  } finally {
    await lab.heal();
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  expect(output).toMatch(/dns2 still says something else than dns1: it has serial \d+ of .*, dns1 \d+ \[dns-lag\]/);
  expect(output).not.toContain("drain shop/app1");
  expect(seconds).toBeLessThan(120);
  await expectDrover(lab, 6, "rollout", "abort", "shop");
  for (const server of ["dns1", "dns2"] as const) {
    await until(`${server} names all`, async () => (await hostsOn(lab, server)).length === appHosts.length, 60_000);
  }
  await expectNothingDrained(lab);
  console.log(
    `8 a secondary that gets nothing: the rollout stopped after ${String(seconds)} s, naming it and its serial`,
  );
}
