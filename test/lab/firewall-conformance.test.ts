import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES } from "./support/conformance/cases/all.ts";
import { Net } from "./support/conformance/net.ts";
import { SEEDED_BUGS } from "./support/conformance/seeded-bugs.ts";
import { checkOnNet } from "./support/conformance/verdicts.ts";
import { labCommand } from "./support/lab.ts";

// Each host of a case is a network namespace with the rules that drover renders, loaded by Debian's own programs from
// the lab's base; each probe is a connection, a datagram or an echo request. Most of the time is waiting for what must
// not come, so two worlds are at work.
const WORLDS = 2;
const idle: Net[] = [];
const waiting: ((net: Net) => void)[] = [];
const worlds: Net[] = [];

beforeAll(async () => {
  const { code, stdout, stderr } = await labCommand("conformance", ["base"], { timeout: 170_000 });
  if (code !== 0) throw new Error(`lab/lab base: ${stderr}`);
  for (let count = 0; count < WORLDS; count += 1) worlds.push(await Net.make(stdout.trim()));
  idle.push(...worlds);
});

afterAll(() => {
  for (const world of worlds) world.end();
});

async function inAWorld<Value>(work: (net: Net) => Promise<Value>): Promise<Value> {
  const net = idle.pop() ?? (await new Promise<Net>((resolve) => waiting.push(resolve)));
  try {
    return await work(net);
  } finally {
    const next = waiting.shift();
    if (next === undefined) idle.push(net);
    else next(net);
  }
}

describe.concurrent("a model, explain and real packets agree", () => {
  it.for(CASES)("$title", async (each) => {
    expect(await inAWorld((net) => checkOnNet(net, each))).toEqual([]);
  });
});

// All the others are found on paper: test/unit/firewall/conformance.test.ts.
const ON_THE_WIRE = SEEDED_BUGS.filter(({ paper, ofChanges }) => !paper || ofChanges === true);

describe.concurrent("bugs that are put back in show in real packets", () => {
  it.for(ON_THE_WIRE)("$name", async ({ name, compiler, ofChanges }) => {
    for (const each of CASES.filter(({ changes = [] }) => ofChanges !== true || changes.length > 0)) {
      const wrong = await inAWorld((net) => checkOnNet(net, each, compiler).catch(told));
      if (wrong.some(isSeen)) return;
    }
    expect.fail(`no case shows it: ${name}`);
  });
});

/** A stream that cannot be opened is a finding as well. */
function told(error: unknown): readonly string[] {
  return [error instanceof Error ? `packets: ${error.message}` : String(error)];
}

/** Whether packets went another way than expected, and not only what `explain` says. */
function isSeen(line: string): boolean {
  const [, expected, packets] = /expected (\w+), .*packets (\w+)$/.exec(line) ?? [];
  return expected === undefined || expected !== packets;
}
