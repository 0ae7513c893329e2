import type { Command } from "../model/command.ts";
import { reading } from "../model/command.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Fact, FactSections, Observation } from "../model/fact.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";

/**
 * All facts of a host in one command. Each fact runs in a subshell of its own and comes back as one line,
 * `name exit-code base64`, so that nothing a host holds can pass for another fact.
 */
export function observeCommand(facts: readonly Fact<unknown>[]): Command {
  const functions = facts.map((fact) => `${functionName(fact)}() {\n${fact.text}\n}`);
  const calls = facts.map((fact) => `section ${fact.name} ${functionName(fact)}`);
  const section = [
    "section() {",
    '  out=$("$2" 2>/dev/null; code=$?; echo x; exit "$code"); code=$?',
    '  printf \'%s %s \' "$1" "$code"; printf \'%s\' "${out%x}" | base64 -w0; echo',
    "}",
  ];
  return reading("observe", [...functions, ...section, ...calls].join("\n"));
}

function functionName(fact: Fact<unknown>): string {
  return `fact_${fact.name.replaceAll(".", "_")}`;
}

/** Parses what {@link observeCommand} printed. Throws a DroverError when a line makes no sense. */
export function parseSections(stdout: string): FactSections {
  const sections: Record<string, { code: number; stdout: string }> = {};
  for (const line of stdout.split("\n").filter((text) => text !== "")) {
    const [name, code, data = ""] = line.split(" ");
    if (name === undefined || code === undefined || !/^\d+$/.test(code)) {
      throw new DroverError(failure("unknown-state", "a host's facts could not be read", "", [line.slice(0, 200)]));
    }
    sections[name] = { code: Number(code), stdout: fromBase64(data) };
  }
  return sections;
}

function fromBase64(data: string): string {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** One fact out of what a host answered; unknown when the host was silent, the fact failed, or made no sense. */
export function readFact<T>(fact: Fact<T>, host: string, observation: Observation | undefined): Known<T> {
  if (observation === undefined) return unknown(failure("unknown-state", `${host} was not asked`));
  if (observation.kind === "silent") return unknown(observation.failure);
  const section = observation.sections[fact.name];
  if (section === undefined) return unknown(failure("unknown-state", `${host} did not tell its ${fact.name}`));
  if (section.code !== 0) {
    return unknown(
      failure("unknown-state", `${host} could not tell its ${fact.name} (exit code ${String(section.code)})`),
    );
  }
  try {
    return known(fact.parse(section.stdout));
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    return unknown({ ...error.failure, message: `${host}: ${error.failure.message}` });
  }
}
