import type { DnsFinding, DnsVerification } from "../plan/verify/dns-findings.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { printable, several } from "./words.ts";

/** As `lb verify`: 1 where something stayed unknown, 2 where only differences were found; notes are none. */
export function dnsVerificationCode({ findings }: DnsVerification): number {
  if (findings.some(({ kind }) => kind === "unknown")) return EXIT_CODE.failed;
  return findings.some(({ kind }) => kind === "difference") ? EXIT_CODE.differences : EXIT_CODE.done;
}

/** A line for each finding, and one that counts. */
export function dnsVerificationLines({ zone, checks, servers, findings }: DnsVerification): readonly string[] {
  const count = (kind: DnsFinding["kind"]): number => findings.filter((each) => each.kind === kind).length;
  const [differences, unknown, notes] = [count("difference"), count("unknown"), count("note")];
  const on = `${zone}: ${several(checks, "check")} on ${several(servers, "server")}`;
  const found = [
    several(differences, "difference"),
    ...(unknown === 0 ? [] : [`${String(unknown)} unknown`]),
    ...(notes === 0 ? [] : [several(notes, "note")]),
  ];
  const isFine = differences + unknown === 0;
  const head = isFine ? `verified${notes === 0 ? "" : `, ${several(notes, "note")}`}` : found.join(", ");
  return [...findings.map(findingLine), printable(`${head}: ${on}`)];
}

function findingLine({ code, kind, subject, message, hint }: DnsFinding): string {
  const next = hint === "" ? "" : ` → ${printable(hint)}`;
  const note = kind === "note" ? "note: " : "";
  return `${note}${printable(subject)}: ${printable(message)} [${code}]${next}`;
}
