import type { Finding, Verification } from "../plan/verify/findings.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { printable, several } from "./words.ts";

/** What must be looked at first comes first: 1 where something stayed unknown, 2 where only differences were found. */
export function verificationCode({ findings }: Verification): number {
  if (findings.some(({ kind }) => kind === "unknown")) return EXIT_CODE.failed;
  return findings.length > 0 ? EXIT_CODE.differences : EXIT_CODE.done;
}

/** A line for each finding, and one that counts. */
export function verificationLines(verification: Verification): readonly string[] {
  const { checks, balancers, findings } = verification;
  const unknown = findings.filter(({ kind }) => kind === "unknown").length;
  const found = [
    several(findings.length - unknown, "difference"),
    ...(unknown === 0 ? [] : [`${String(unknown)} unknown`]),
  ];
  const on = `${several(checks, "check")} on ${several(balancers, "balancer")}`;
  return [...findings.map(findingLine), findings.length === 0 ? `verified: ${on}` : `${found.join(", ")}: ${on}`];
}

function findingLine({ code, set, balancer, message, hint }: Finding): string {
  const next = hint === "" ? "" : ` → ${printable(hint)}`;
  return `${balancer ?? set}: ${printable(message)} [${code}]${next}`;
}
