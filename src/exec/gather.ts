import type { Fact, Observation } from "../model/fact.ts";
import { DroverError } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Limits, Transport } from "../model/ports.ts";
import { observeCommand, parseSections } from "../plan/observe.ts";

/** Asks one host for its facts, in one exec. A host that does not answer is a silent one, never an empty one. */
export async function gather(
  host: string,
  facts: readonly Fact<unknown>[],
  transport: Transport,
  limits: Limits,
): Promise<Observation> {
  const command = observeCommand(facts);
  const result = await transport.exec(host, { command, warrant: null, frames: [] }, limits);
  if (result.kind === "failed") return { kind: "silent", failure: result.failure };
  if (result.code !== 0) {
    const why = failure("command-failed", `${host} could not tell its facts (exit code ${String(result.code)})`, "", [
      result.stderr.trim(),
    ]);
    return { kind: "silent", failure: why };
  }
  try {
    return { kind: "answered", sections: parseSections(result.stdout) };
  } catch (error) {
    if (error instanceof DroverError) return { kind: "silent", failure: error.failure };
    throw error;
  }
}
