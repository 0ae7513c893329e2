import type { Diagnosis } from "../plan/verify/doctor.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { table } from "./table.ts";
import { printable, several } from "./words.ts";

/** 1 where something is wrong; a note is nothing wrong. */
export function doctorCode(diagnoses: readonly Diagnosis[]): number {
  return diagnoses.some(({ kind }) => kind === "wrong") ? EXIT_CODE.failed : EXIT_CODE.done;
}

/** A line for each thing that was looked at, with what to do about it, and one that counts. */
export function doctorLines(diagnoses: readonly Diagnosis[]): readonly string[] {
  const rows = diagnoses.map(({ kind, subject, message }) => [kind === "wrong" ? "WRONG" : kind, subject, message]);
  // Without its heading, which would say nothing.
  const lines = table(["", "", ""], rows).slice(1);
  const wrong = diagnoses.filter(({ kind }) => kind === "wrong").length;
  const notes = diagnoses.filter(({ kind }) => kind === "note").length;
  const found = [
    ...(wrong === 0 ? ["nothing wrong"] : [`${String(wrong)} wrong`]),
    ...(notes === 0 ? [] : [several(notes, "note")]),
  ];
  return [
    ...diagnoses.flatMap(({ hint }, index) => [
      lines[index] ?? "",
      ...(hint === "" ? [] : [`       hint: ${printable(hint)}`]),
    ]),
    `${found.join(", ")}: ${several(diagnoses.length, "check")}`,
  ];
}
