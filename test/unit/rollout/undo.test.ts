import { expect, test } from "vitest";
import { applyFirewall } from "../../../src/firewall/steps.ts";
import { failure } from "../../../src/model/errors.ts";
import { PROLOGUE, place } from "../../../src/plan/place.ts";
import { INITIAL, reduce } from "../../../src/rollout/state.ts";
import type { RolloutState } from "../../../src/rollout/state.ts";
import { undoProgress } from "../../../src/rollout/undo.ts";

const firewall = (host: string): ReturnType<typeof applyFirewall> =>
  applyFirewall("expand", {
    host,
    generation: 2,
    model: { rules: [], egress: false, log: true },
    texts: { sets: "", v4: "", v6: "" },
    cuts: [],
    confirm: 5000,
    previous: 1,
  });

test("a firewall that cannot be put back keeps no other one open", () => {
  const stages = place(PROLOGUE, [[firewall("app1")], [firewall("app2"), firewall("app3")]]);
  const lost = failure("host-lost", "it is gone");
  const ended = (state: RolloutState, step: string, isLost: boolean): RolloutState => {
    const begun = reduce(state, { kind: "started", step });
    return reduce(begun, isLost ? { kind: "failed", step, failure: lost } : { kind: "succeeded", step });
  };
  const order: string[] = [];
  let state = stages.flat().reduce((before, { id, host }) => ended(before, id, host === "app3"), INITIAL);
  let progress = undoProgress(stages, state);
  while (progress.kind === "run") {
    for (const { id, host } of progress.steps) {
      order.push(host ?? "");
      state = ended(state, id, host === "app3");
    }
    progress = undoProgress(stages, state);
  }
  expect(order).toEqual(["app2", "app3", "app1"]);
  expect(progress).toMatchObject({ kind: "stuck", unreachable: true });
});
