import { describe, expect, test } from "vitest";
import type { Action } from "../../../src/model/action.ts";
import type { ErrorCode } from "../../../src/model/errors.ts";
import { DroverError, failure } from "../../../src/model/errors.ts";
import type { Ask, Operation } from "../../../src/model/operation.ts";
import { done, failed, pause } from "../../../src/model/operation.ts";
import type { Plan, Step } from "../../../src/model/plan.ts";
import type { Lease, Transport } from "../../../src/model/ports.ts";
import { reading } from "../../../src/model/command.ts";
import type { ExecDeps, Untimed } from "../../../src/exec/deps.ts";
import type { JournalRecord } from "../../../src/exec/journal.ts";
import { Journal, readJournal } from "../../../src/exec/journal.ts";
import { Relays } from "../../../src/exec/relays.ts";
import type { PlanEnd } from "../../../src/exec/run-plan.ts";
import { runPlan } from "../../../src/exec/run-plan.ts";
import type { RolloutEvent } from "../../../src/rollout/state.ts";
import { INITIAL } from "../../../src/rollout/state.ts";
import { FakeDns } from "../../fake/dns.ts";
import { createFakeDnsClient } from "../../fake/dns-client.ts";
import { VirtualClock } from "../../support/clock.ts";
import { examplePlan, nameOf } from "../../support/plans.ts";

/** A world in which a run can be watched and disturbed; by default every step takes a second and succeeds. */
class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly drop: AbortController = new AbortController();
  readonly lost: AbortController = new AbortController();
  /** What happened, in order: journal records by kind and step, and steps by what they do. */
  readonly log: string[] = [];
  readonly lines: string[] = [];
  readonly events: Untimed[] = [];
  readonly listeners: ((event: RolloutEvent) => void)[] = [];
  readonly plan: Plan;
  forks = 10;
  /** How an action goes; null: the default. */
  script: (name: string) => Operation | null = () => null;
  /** Called with each append before it is written; may throw or disturb. */
  beforeAppend: (records: readonly JournalRecord[]) => void = () => {};
  /** Milliseconds until an append is on disk. */
  appendTime = 0;
  /** Called when an append is on disk. */
  afterAppend: () => void = () => {};
  ask: (batch: number) => Promise<boolean> = () => Promise.resolve(true);

  constructor(plan: Plan = examplePlan()) {
    this.plan = plan;
  }

  run(): Promise<PlanEnd> {
    const { clock, lost } = this;
    const lease: Lease = {
      epoch: 7,
      run: "run-1",
      fingerprintKey: "",
      lost: lost.signal,
      append: async (_rollout, lines) => {
        const records = lines.map((line): JournalRecord => JSON.parse(line));
        this.beforeAppend(records);
        if (lost.signal.aborted) throw new DroverError(failure("lease-lost", "the lease was lost"));
        await clock.sleep(this.appendTime, new AbortController().signal);
        this.lines.push(...lines);
        for (const record of records) {
          if (record.kind === "event" && "step" in record.event)
            this.log.push(`${record.event.kind} ${record.event.step}`);
        }
        this.afterAppend();
      },
      setOpen: () => Promise.resolve(),
      setDrain: () => Promise.resolve(),
      setLedger: () => Promise.resolve(),
      setServices: () => Promise.resolve(),
      release: () => Promise.resolve(),
    };
    const deps: ExecDeps = {
      transport: NOWHERE,
      files: NO_FILES,
      clock,
      dns: createFakeDnsClient(new FakeDns(clock), clock),
      dnsKey: null,
      warrant: { run: "run-1", epoch: 7 },
      operate: (action) => this.#operate(action),
      relay: reading("relay", ""),
      secrets: new Map(),
      edit: () => Promise.resolve(),
      emit: (event) => this.events.push(event),
      forks: this.forks,
    };
    const work = runPlan({
      plan: this.plan,
      state: INITIAL,
      journal: new Journal("r1", lease, clock),
      lease,
      relays: new Relays(NOWHERE, deps.relay),
      deps,
      steering: {
        subscribe: (listener) => this.listeners.push(listener),
        drop: this.drop.signal,
        ask: (batch) => this.ask(batch),
      },
    });
    return clock.drive(work);
  }

  tell(event: RolloutEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  *#operate(action: Action): Operation {
    const host = "host" in action ? action.host : null;
    const name = nameOf({ id: "", action, host });
    this.log.push(`act ${name}`);
    const scripted = this.script(name);
    if (scripted !== null) return yield* scripted;
    yield* pause(1000);
    return done();
  }
}

const NOWHERE: Transport = {
  exec: () => Promise.reject(new Error("these tests reach no host")),
  open: () => Promise.reject(new Error("these tests reach no host")),
  expect: () => undefined,
  execs: () => ({}),
  close: () => Promise.resolve(),
};

const unused = (): never => {
  throw new Error("these tests read no files");
};
const NO_FILES = {
  read: unused,
  list: unused,
  digest: unused,
  stream: unused,
  write: unused,
  run: unused,
  fetch: unused,
} satisfies ExecDeps["files"];

function* fails(code: ErrorCode): Operation {
  yield* pause(10);
  return failed(failure(code, "as the test wants it"));
}

function* hangs(): Operation {
  for (;;) yield* pause(1000);
}

function* calls(what: () => void, ms = 1000): Operation {
  what();
  yield* pause(ms);
  return done();
}

const one = (): Plan => examplePlan({ batches: [["app1"]] });

/** A plan of nothing but lanes, which begin with a pause far longer than its patience. */
function withPause(plan: Plan, ms: number): Plan {
  return {
    ...plan,
    budget: { ...plan.budget, progressDeadline: 5000 },
    prologue: [],
    batches: plan.batches.map((lanes) =>
      lanes.map((lane) => {
        const step: Step = {
          id: `${lane.host}/pause`,
          phase: "withdraw",
          kind: "wait",
          host: lane.host,
          says: "wait until nobody remembers",
          action: { kind: "pause", ms },
          deadline: ms + 10_000,
          undo: { kind: "none", reason: "it only waits" },
        };
        return { ...lane, stages: [[step], ...lane.stages] };
      }),
    ),
  };
}

describe("a run", () => {
  test("journals every intent before the act and every result after it", async () => {
    const stage = new Stage(one());
    const { end } = await stage.run();
    expect(end).toEqual({ kind: "done" });
    expect(stage.log).toEqual([
      "started _prologue/00.pause@app1",
      "act here pause",
      "succeeded _prologue/00.pause@app1",
      "started app1/00.app1.lb.drain@lb1",
      "act app1 drain",
      "succeeded app1/00.app1.lb.drain@lb1",
      "started app1/01.release.switch@app1",
      "act app1 switch",
      "succeeded app1/01.release.switch@app1",
      "started app1/02.app1.lb.ready@lb1",
      "act app1 ready",
      "succeeded app1/02.app1.lb.ready@lb1",
    ]);
  });

  test("leaves a journal that reads back as the state it ended with", async () => {
    const stage = new Stage(examplePlan({ batches: [["app1", "app2"], ["app3"]] }));
    stage.script = (name) => (name === "app2 switch" ? fails("unhealthy") : null);
    const { state } = await stage.run();
    const opened = { at: 0, run: "run-1", epoch: 7, kind: "opened", rollout: "r1", operator: "me", plan: stage.plan };
    const story = readJournal([JSON.stringify(opened), ...stage.lines]);
    expect(story.state).toEqual(state);
    expect(story.plan).toEqual(stage.plan);
  });

  test("tells the end of every instance once", async () => {
    const stage = new Stage(examplePlan({ budget: { onFailure: "rollback" } }));
    // The way back runs the same action, and does not fail.
    let failures = 1;
    stage.script = (name) => {
      if (name !== "app2 ready" || failures === 0) return null;
      failures -= 1;
      return fails("unhealthy");
    };
    await stage.run();
    const ends = stage.events.flatMap((event) =>
      event.kind === "lane-ended" ? [`${event.lane} ${event.result}`] : [],
    );
    expect(ends).toEqual(["app1 updated", "app2 reverted", "app1 reverted"]);
  });

  test("runs no more steps at once than it may", async () => {
    const stage = new Stage(examplePlan({ batches: [["app1", "app2", "app3", "app4"]] }));
    stage.forks = 2;
    const busy = { now: 0, most: 0 };
    stage.script = () =>
      (function* counted(): Operation {
        busy.now += 1;
        busy.most = Math.max(busy.most, busy.now);
        yield* pause(1000);
        busy.now -= 1;
        return done();
      })();
    await stage.run();
    expect(busy.most).toBe(2);
  });

  test("ends a step at its deadline, whatever it waits for", async () => {
    const stage = new Stage(one());
    stage.script = (name) => (name === "app1 drain" ? hangs() : null);
    const began = stage.clock.now();
    const { end } = await stage.run();
    const late = stage.events.find((event) => event.kind === "step-failed");
    expect(late).toMatchObject({ failure: { code: "command-timeout" }, ms: 10_000 });
    expect(stage.clock.now() - began).toBeLessThan(20_000);
    expect(end).toEqual({ kind: "open", unreachable: false, stranded: [] });
  });

  test("takes a mistake of ours for a failed step, with its stack", async () => {
    const stage = new Stage(one());
    stage.script = (name) =>
      name === "app1 switch"
        ? calls(() => {
            throw new TypeError("oops");
          })
        : null;
    const { end } = await stage.run();
    expect(end.kind).toBe("open");
    const bug = stage.events.find((event) => event.kind === "step-failed");
    expect(bug).toMatchObject({ failure: { code: "bug", detail: expect.arrayContaining(["TypeError: oops"]) } });
  });
});

describe("a run that is disturbed", () => {
  test("stops at the first Ctrl-C when the instance under way is done", async () => {
    const stage = new Stage();
    stage.script = (name) =>
      name === "app1 drain" ? calls(() => stage.tell({ kind: "turned", direction: "stop", why: "interrupted" })) : null;
    const { end } = await stage.run();
    expect(end).toEqual({ kind: "open", unreachable: false, stranded: [] });
    expect(stage.log.filter((line) => line.startsWith("act app"))).toEqual([
      "act app1 drain",
      "act app1 switch",
      "act app1 ready",
    ]);
  });

  test("drops everything at the second and names what it leaves out", async () => {
    const stage = new Stage();
    stage.script = (name) => (name === "app1 switch" ? calls(() => stage.drop.abort()) : null);
    const result = await stage.run();
    expect(result).toMatchObject({ dropped: true, end: { kind: "open", stranded: ["app1"] } });
    expect(stage.log.at(-1)).toBe("failed app1/01.release.switch@app1");
  });

  test("drops even when the lease is gone and nothing can be journaled", async () => {
    const stage = new Stage();
    stage.script = (name) =>
      name === "app1 switch"
        ? calls(() => {
            stage.lost.abort();
            stage.drop.abort();
          })
        : null;
    expect(await stage.run()).toMatchObject({ dropped: true });
  });

  test("takes the instance under way back when the lease is lost, and begins no other", async () => {
    const stage = new Stage();
    stage.script = (name) => (name === "app1 switch" ? calls(() => stage.lost.abort()) : null);
    const { end } = await stage.run();
    const acts = stage.log.filter((line) => line.startsWith("act app"));
    expect(acts).toEqual(["act app1 drain", "act app1 switch", "act app1 switch", "act app1 ready"]);
    expect(end).toMatchObject({ kind: "open", stranded: [] });
  });

  test("never goes forward once the lease is lost, however late the news arrives", async () => {
    const stage = new Stage(examplePlan({ batches: [["app1", "app2"]] }));
    stage.appendTime = 5;
    // The result of app2 arrives while that of app1 is being written, and its own append is the last that gets through.
    stage.script = (name) => (name === "app2 drain" ? calls(() => {}, 1001) : null);
    stage.afterAppend = () => {
      if (stage.log.at(-1) === "succeeded app2/00.app2.lb.drain@lb1") stage.lost.abort();
    };
    await stage.run();
    expect(stage.log.filter((line) => line.startsWith("act app")).toSorted()).toEqual([
      "act app1 drain",
      "act app1 ready",
      "act app2 drain",
      "act app2 ready",
    ]);
  });

  test("never carries out a step forward whose intent could not be journaled", async () => {
    const stage = new Stage(one());
    stage.beforeAppend = (records) => {
      const isSwitch = records.some((record) => JSON.stringify(record).includes("release.switch"));
      if (isSwitch) throw new DroverError(failure("disk-full", "no room for the journal"));
    };
    const { end } = await stage.run();
    expect(stage.log.filter((line) => line.startsWith("act app1"))).toEqual(["act app1 drain", "act app1 ready"]);
    expect(end).toMatchObject({ kind: "open", stranded: [] });
  });

  test("puts the instance under way back though nothing can be journaled any more", async () => {
    const stage = new Stage(one());
    stage.beforeAppend = () => {
      if (stage.log.includes("act app1 switch")) throw new DroverError(failure("disk-full", "no room for the journal"));
    };
    const { end } = await stage.run();
    expect(stage.log.filter((line) => line.startsWith("act app1"))).toEqual([
      "act app1 drain",
      "act app1 switch",
      "act app1 switch",
      "act app1 ready",
    ]);
    expect(end).toMatchObject({ kind: "open", stranded: [] });
    expect(stage.events.some((event) => event.kind === "warning")).toBe(true);
  });

  test("turns when nothing moves for progressDeadline", async () => {
    const plan = examplePlan({ batches: [["app1"]], budget: { progressDeadline: 5000 } });
    const stage = new Stage(plan);
    stage.script = (name) => (name === "app1 drain" ? hangs() : null);
    const { state } = await stage.run();
    expect(state.why).toContain("nothing moved for 5 s");
  });

  test("does not turn during a pause that the plan asks for, however long", async () => {
    const stage = new Stage(withPause(one(), 60_000));
    stage.script = (name) => (name === "here pause" ? calls(() => undefined, 60_000) : null);
    const { end, state } = await stage.run();
    expect(state.why).toBe("");
    expect(end).toEqual({ kind: "done" });
  });

  test("turns when nothing moves after such a pause either", async () => {
    const stage = new Stage(withPause(one(), 60_000));
    stage.script = (name) => {
      if (name === "here pause") return calls(() => undefined, 60_000);
      return name === "app1 drain" ? hangs() : null;
    };
    const began = stage.clock.now();
    const { state } = await stage.run();
    expect(state.why).toContain("nothing moved for 5 s");
    expect(stage.clock.now() - began).toBeLessThan(120_000);
  });
});

describe("the wait before a batch", () => {
  test("takes its time and is no lack of progress", async () => {
    const stage = new Stage(examplePlan({ budget: { batchWait: 3_600_000, progressDeadline: 60_000 } }));
    const began = stage.clock.now();
    expect((await stage.run()).end).toEqual({ kind: "done" });
    expect(stage.clock.now() - began).toBeGreaterThanOrEqual(7_200_000);
  });

  test("ends at once when somebody stops the run", async () => {
    const stage = new Stage(examplePlan({ budget: { batchWait: 3_600_000 } }));
    const stop = new AbortController();
    void stage.clock
      .sleep(60_000, stop.signal)
      .then(() => stage.tell({ kind: "turned", direction: "stop", why: "enough" }));
    const { end } = await stage.run();
    expect(end).toMatchObject({ kind: "open" });
    expect(stage.log).not.toContain("act app2 drain");
    expect(stage.clock.now()).toBeLessThan(1_000_000 + 120_000);
  });

  test("asks, and stops where the answer is no", async () => {
    const stage = new Stage(examplePlan({ budget: { batchWait: "ask" } }));
    const asked: number[] = [];
    stage.ask = (batch) => {
      asked.push(batch);
      return Promise.resolve(batch < 2);
    };
    const { end } = await stage.run();
    expect(asked).toEqual([1, 2]);
    expect(stage.log).toContain("act app2 ready");
    expect(stage.log).not.toContain("act app3 drain");
    expect(end).toMatchObject({ kind: "open" });
  });
});

test("an operation that is ended from outside gets to know", async () => {
  const stage = new Stage(one());
  let isOver = false;
  stage.script = (name) =>
    name === "app1 drain"
      ? (function* watched(): Operation {
          try {
            const ask: Ask = { kind: "sleep", ms: 1_000_000 };
            yield ask;
            return done();
          } finally {
            isOver = true;
          }
        })()
      : null;
  await stage.run();
  expect(isOver).toBe(true);
});
