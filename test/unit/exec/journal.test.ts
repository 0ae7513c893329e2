import { describe, expect, test } from "vitest";
import type { Lease } from "../../../src/model/ports.ts";
import { failure } from "../../../src/model/errors.ts";
import { Journal, readJournal } from "../../../src/exec/journal.ts";
import type { RolloutEvent } from "../../../src/rollout/state.ts";
import { INITIAL, reduce } from "../../../src/rollout/state.ts";
import { VirtualClock } from "../../support/clock.ts";
import { examplePlan } from "../../support/plans.ts";

const plan = examplePlan();

function paper(): { readonly lines: string[]; readonly lost: AbortController; readonly journal: Journal } {
  const lines: string[] = [];
  const lost = new AbortController();
  const lease: Lease = {
    epoch: 3,
    run: "run-1",
    fingerprintKey: "",
    lost: lost.signal,
    append: (_rollout, more) => {
      lines.push(...more);
      return Promise.resolve();
    },
    setOpen: () => Promise.resolve(),
    setDrain: () => Promise.resolve(),
    setLedger: () => Promise.resolve(),
    setServices: () => Promise.resolve(),
    release: () => Promise.resolve(),
  };
  return { lines, lost, journal: new Journal("r1", lease, new VirtualClock(42)) };
}

const EVENTS: readonly RolloutEvent[] = [
  { kind: "started", step: "a" },
  { kind: "succeeded", step: "a" },
  { kind: "started", step: "b" },
  { kind: "failed", step: "b", failure: failure("unhealthy", "line\nbreaks and \u2028 in it", "hint", ["detail"]) },
  { kind: "batch-released", batch: 1 },
  { kind: "turned", direction: "stop", why: "interrupted" },
];

describe("a rollout's journal", () => {
  test("gives back what was written, one line per record", async () => {
    const { lines, journal } = paper();
    await journal.write([{ kind: "opened", rollout: "r1", operator: "me@here", plan }]);
    await journal.events(EVENTS);
    await journal.write([{ kind: "left", ending: { kind: "open", unreachable: false, stranded: ["app1"] } }]);
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
    expect(lines).toHaveLength(EVENTS.length + 2);
    expect(readJournal(lines)).toEqual({
      rollout: "r1",
      operator: "me@here",
      openedAt: 42,
      plan,
      state: EVENTS.reduce(reduce, INITIAL),
      closed: false,
      ending: { kind: "open", unreachable: false, stranded: ["app1"] },
    });
  });

  test("tells at every cut what was known then", async () => {
    const { lines, journal } = paper();
    await journal.write([{ kind: "opened", rollout: "r1", operator: "me", plan }]);
    await journal.events(EVENTS);
    for (const [index] of EVENTS.entries()) {
      const story = readJournal(lines.slice(0, index + 1));
      expect(story.state).toEqual(EVENTS.slice(0, index).reduce(reduce, INITIAL));
    }
  });

  test("has no ending while a later run is at it, and is closed only by `closed`", async () => {
    const { lines, journal } = paper();
    await journal.write([{ kind: "opened", rollout: "r1", operator: "me", plan }]);
    await journal.write([{ kind: "left", ending: { kind: "open", unreachable: false, stranded: [] } }]);
    await journal.events([{ kind: "taken-over", again: [] }]);
    expect(readJournal(lines)).toMatchObject({ ending: null, closed: false });
    await journal.write([{ kind: "closed", ending: { kind: "reverted" } }]);
    expect(readJournal(lines)).toMatchObject({ ending: { kind: "reverted" }, closed: true });
  });

  test("takes no more events once the lease is lost: somebody else writes there now", async () => {
    const { lines, lost, journal } = paper();
    lost.abort();
    await journal.events(EVENTS);
    expect(lines).toEqual([]);
  });

  test.for<{ readonly lines: readonly string[] }>([
    { lines: [] },
    { lines: ["not json"] },
    { lines: [JSON.stringify({ kind: "event", event: EVENTS[0] })] },
  ])("refuses $lines", ({ lines }) => {
    expect(() => readJournal(lines)).toThrow(/journal/);
  });
});
