import { describe, expect, test } from "vitest";
import { operateFirewall } from "../../../src/firewall/operations.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import { failure } from "../../../src/model/errors.ts";
import type { Answer, Outcome } from "../../../src/model/operation.ts";
import { match, modelWith, ruleFor } from "../../support/firewall.ts";

const MODEL = modelWith([ruleFor("fleet/ssh:0", ["192.168.56.1/32"], { match: match("tcp", 22) })]);
const LOST = failure("host-timeout", "app1 did not answer");

function answer(stdout: string, over: Partial<Extract<Answer, { readonly kind: "exec" }>> = {}): Answer {
  return { kind: "exec", elapsed: 1, code: 0, stdout, stderr: "", ...over };
}

/** Feeds an application the answers of a host, and gives how it ended. */
function after(...answers: readonly Answer[]): Outcome {
  const operation = operateFirewall({
    kind: "firewall.apply",
    host: "app1",
    generation: 2,
    model: MODEL,
    texts: renderFirewall(MODEL, 2),
    confirm: 10_000,
    cuts: [],
  });
  operation.next();
  for (const each of answers) {
    const turn = operation.next(each);
    if (turn.done === true) return turn.value;
  }
  throw new Error("it did not end");
}

describe("a change whose new connection was lost", () => {
  const committed = answer("committed g2-1-1\n");
  const lost = answer("", { code: -1, lost: LOST });

  test("is done where the host says that it was confirmed", () => {
    expect(after(committed, lost, answer("confirmed already\n"))).toMatchObject({ kind: "done" });
  });

  test.for(["put back already; in force: generation 1\n", "not confirmed; in force again: generation 1\n"])(
    "has failed where the host says: %s",
    (said) => {
      const outcome = after(committed, lost, answer(said));
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "firewall-reverted" } });
      expect(JSON.stringify(outcome)).toContain("generation 1");
    },
  );
});
