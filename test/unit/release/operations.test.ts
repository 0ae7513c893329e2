import { describe, expect, test } from "vitest";
import type { Ask, Answer, Operation, Outcome } from "../../../src/model/operation.ts";
import { operateRelease } from "../../../src/release/operations.ts";
import {
  probeInstance,
  pruneReleases,
  removeInstance,
  stageRelease,
  startInstance,
  switchRelease,
} from "../../../src/release/steps.ts";
import { desiredOn, exampleApp, PROBE, undoOf } from "../../support/release.ts";

const desired = desiredOn("app1", "192.0.2.1", exampleApp({ secrets: { TOKEN: { kind: "file", path: "x" } } }));
const artifact = { path: "dist/shop.tar.gz", size: 5_000_000, sha256: "a".repeat(64) };
const where = { host: "app1", app: "shop", release: desired.release };
const { unit, dropIn, program, secrets } = desired;

type Reply = Partial<Omit<Extract<Answer, { kind: "exec" }>, "kind">>;

/** Answers an operation's execs in order; gives its outcome and what it asked for. */
function play(operation: Operation, replies: readonly Reply[]): { outcome: Outcome; asked: readonly Ask[] } {
  const asked: Ask[] = [];
  let next = operation.next();
  while (next.done !== true) {
    const reply = replies[asked.length];
    if (reply === undefined) throw new Error(`it asks more than expected: ${JSON.stringify(next.value)}`);
    asked.push(next.value);
    next = operation.next({ kind: "exec", elapsed: 0, code: 0, stdout: "", stderr: "", ...reply });
  }
  return { outcome: next.value, asked };
}

const names = (asked: readonly Ask[]): readonly string[] =>
  asked.map((ask) => (ask.kind === "exec" ? ask.command.name : ask.kind));

describe("staging", () => {
  const stage = () => operateRelease({ kind: "release.stage", ...where, artifact, unit, dropIn, program, secrets });

  test("sends nothing where the release already lies", () => {
    const { outcome, asked } = play(stage(), [{ stdout: "staged\n" }]);
    expect(outcome).toEqual({ kind: "done", note: "already there" });
    expect(names(asked)).toEqual(["release.staged"]);
  });

  test("sends unit, drop-in, secrets and artifact in this order, secrets by reference", () => {
    const { outcome, asked } = play(stage(), [{ stdout: "absent\n" }, {}]);
    expect(outcome).toEqual({ kind: "done", note: "4.8 MiB sent" });
    expect(asked[1]).toMatchObject({
      command: {
        mutates: true,
        frames: [
          { kind: "text", text: unit },
          { kind: "text", text: dropIn },
          { kind: "secret", ref: "shop/TOKEN" },
          { kind: "file", path: artifact.path, size: artifact.size },
        ],
      },
    });
  });

  test.for([
    ["dist/shop.tar.gz", "tar"],
    ["dist/shop.tgz", "tar"],
    ["dist/shop.tar", "tar"],
    ["dist/shop", "any"],
    ["/home/me/.cache/drover/artifacts/5891b5b5", "any"],
  ])("%s is to be %s", ([path = "", form]) => {
    const action = { kind: "release.stage", ...where, artifact: { ...artifact, path }, unit, dropIn, program } as const;
    const { asked } = play(operateRelease({ ...action, secrets: [] }), [{ stdout: "absent\n" }, {}]);
    expect(asked[1]).toMatchObject({ command: { args: expect.arrayContaining([program, form]) } });
  });

  test.for<[string, Reply, string, RegExp]>([
    [
      "a full disk",
      { code: 28, stderr: "the artifact takes 5000000 bytes, and 2097152 are free in /opt/drover\n" },
      "disk-full",
      /takes 4\.8 MiB, and 2\.0 MiB are free/,
    ],
    [
      "a full disk that a tool noticed",
      { code: 74, stderr: "mkdir: No space left on device\n" },
      "disk-full",
      /No space/,
    ],
    ["a bad artifact", { code: 65, stderr: "the artifact has a device: null\n" }, "artifact", /has a device/],
    ["an old epoch", { code: 76, stderr: "this host has seen epoch 3, newer than 2\n" }, "stale-epoch", /epoch 3/],
    ["anything else", { code: 74 }, "release", /exit code 74/],
  ])("%s has a code and a sentence of its own", ([, reply, code, message]) => {
    const { outcome } = play(stage(), [{ stdout: "absent\n" }, reply]);
    expect(outcome).toMatchObject({ kind: "failed", failure: { code, message: expect.stringMatching(message) } });
  });

  test("evidence comes without control characters", () => {
    const { outcome } = play(stage(), [{}, { code: 69, stderr: "it did not start\n\u001b[31mred\u0007\n" }]);
    expect(outcome).toMatchObject({ failure: { detail: ["?[31mred?"] } });
  });
});

describe("probing", () => {
  const probe = (over: object = {}) =>
    operateRelease({ kind: "release.probe", ...where, address: "192.0.2.1", port: 8080, ...PROBE, ...over });
  const healthy = "verdict healthy\nelapsed 2040\nfirst 40\nprobes 3\nresets 0\nlast GET /healthz: HTTP/1.1 200 OK\n";

  test("ends with the mark of a healthy release", () => {
    const { outcome, asked } = play(probe(), [{ stdout: healthy }, {}]);
    expect(outcome).toEqual({ kind: "done", note: "healthy after 2.0 s, first answer after 0.0 s" });
    expect(asked).toMatchObject([
      { command: { name: "release.probe", mutates: false } },
      { command: { name: "release.mark" } },
    ]);
  });

  test("says when a failed probe started the clock over", () => {
    const { outcome } = play(probe(), [{ stdout: healthy.replace("resets 0", "resets 2") }, {}]);
    expect(outcome).toMatchObject({ note: expect.stringContaining("started the clock over 2 times") });
  });

  test("watches the process where there is no port", () => {
    const { asked } = play(probe({ port: null }), [{ stdout: healthy }, {}]);
    expect(asked[0]).toMatchObject({ command: { args: expect.arrayContaining(["process"]) } });
  });

  test.for([
    ["crashed", /crashed 5\.1 s into/],
    ["unhealthy", /not healthy within 15\.0 s/],
  ] as const)("a %s app fails with the last answer and the journal", ([verdict, message]) => {
    const stdout = `verdict ${verdict}\nelapsed 5100\nfirst -\nprobes 5\nresets 0\nlast GET /healthz: HTTP/1.1 503\njournal one\njournal two\n`;
    const { outcome } = play(probe(), [{ stdout }]);
    expect(outcome).toMatchObject({
      failure: {
        code: "unhealthy",
        message: expect.stringMatching(message),
        detail: ["last probe of 5: GET /healthz: HTTP/1.1 503", "one", "two"],
      },
    });
  });

  test("no verdict is a failure, not a pass", () => {
    expect(play(probe(), [{ code: 70, stderr: "perl is broken\n" }]).outcome).toMatchObject({ kind: "failed" });
    expect(play(probe(), [{ stdout: "" }]).outcome).toMatchObject({ kind: "failed" });
  });
});

describe("the others", () => {
  test("a switch to what runs already says so", () => {
    const { outcome } = play(operateRelease({ kind: "release.switch", ...where, port: 8080 }), [{ stdout: "same\n" }]);
    expect(outcome).toEqual({ kind: "done", note: "already running" });
  });
  test("a switch that fails brings the journal", () => {
    const stderr = "1 did not start\nJob failed\nlast words\n";
    const { outcome } = play(operateRelease({ kind: "release.switch", ...where, port: null }), [{ code: 69, stderr }]);
    expect(outcome).toMatchObject({ failure: { code: "release", detail: ["Job failed", "last words"] } });
  });
  test("pruning names what it removed", () => {
    const action = { kind: "release.prune", host: "app1", app: "shop", keep: 2 } as const;
    expect(play(operateRelease(action), [{ stdout: "a\nb\n" }]).outcome).toEqual({
      kind: "done",
      note: "removed a, b",
    });
  });
  test("removing and unstaging report failures", () => {
    for (const action of [
      { kind: "release.remove", host: "app1", app: "shop" } as const,
      { kind: "release.unstage", ...where } as const,
    ])
      expect(play(operateRelease(action), [{ code: 70, stderr: "no\n" }]).outcome).toMatchObject({ kind: "failed" });
    expect(play(operateRelease({ kind: "release.unstage", ...where }), [{ stdout: "kept\n" }]).outcome).toMatchObject({
      note: "kept: it is in use, or has been healthy here",
    });
  });
});

describe("steps", () => {
  test("have finite deadlines, longer than what they wait for", () => {
    const probed = { ...desired };
    const drafts = [
      stageRelease(desired, artifact),
      startInstance(desired),
      switchRelease(desired, { release: "1-0123456789ab", port: 8080 }, PROBE),
      probeInstance(probed, PROBE),
      removeInstance(desired),
      pruneReleases(desired, 3),
    ];
    for (const draft of drafts.flatMap((each) => [each, ...undoOf(each)])) {
      expect(draft.deadline).toBeGreaterThan(10_000);
      expect(Number.isFinite(draft.deadline)).toBe(true);
    }
    expect(probeInstance(probed, PROBE).deadline).toBeGreaterThan(PROBE.healthyDeadline);
  });

  test("a switch is undone by switching back and proving what ran before, at the port it had", () => {
    const undo = undoOf(switchRelease(desired, { release: "1-0123456789ab", port: 81 }, PROBE));
    expect(undo.map(({ action }) => action)).toMatchObject([
      { kind: "release.switch", release: "1-0123456789ab", port: 81 },
      { kind: "release.probe", release: "1-0123456789ab", port: 81 },
    ]);
    expect(undo.every((each) => each.undo.kind === "none")).toBe(true);
  });

  test("a first start is undone by removing", () => {
    expect(undoOf(startInstance(desired)).map(({ action }) => action.kind)).toEqual(["release.remove"]);
  });
});
