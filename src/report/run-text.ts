import type { Failure } from "../model/errors.ts";
import type { RunEvent } from "../model/event.ts";
import { countsLine, endingLines, failureLines, printable, span } from "./words.ts";
import { planLines } from "./plan-text.ts";

/** Takes a run's events and prints append-only lines, each prefixed with its host. */
export interface Reporter {
  (event: RunEvent): void;
}

/** Where a reporter prints; `paint` colours or leaves alone. */
export interface Printer {
  readonly line: (text: string) => void;
  readonly paint: (style: "red" | "green" | "yellow" | "bold" | "dim", text: string) => string;
  readonly verbose: boolean;
}

/** Plain progress: one line per finished step, failures repeated in full at the end, the count last. */
export function textReporter(printer: Printer): Reporter {
  const failures: { readonly host: string; readonly says: string; readonly failure: Failure }[] = [];
  const { line, paint } = printer;
  const prefixed = (event: { lane?: string | null; host?: string | null }, text: string): void => {
    line(`${paint("bold", (event.lane ?? event.host ?? "drover").padEnd(6))} | ${text}`);
  };
  return (event) => {
    switch (event.kind) {
      case "run-started":
        for (const text of planLines(event.plan)) line(text);
        line(paint("dim", `rollout ${event.rollout}`));
        return;
      case "note":
        prefixed(event, printable(event.text));
        return;
      case "warning":
        for (const text of failureLines(event.failure)) prefixed(event, paint("yellow", text));
        return;
      case "step-started":
        if (printer.verbose) prefixed(event, paint("dim", `… ${printable(event.says)}`));
        return;
      case "step-done":
        prefixed(
          event,
          `${printable(event.says)}${event.note === "" ? "" : `: ${printable(event.note)}`} ${paint("dim", span(event.ms))}`,
        );
        return;
      case "step-failed":
        prefixed(
          event,
          paint("red", `${printable(event.says)}: failed after ${span(event.ms)}: ${printable(event.failure.message)}`),
        );
        failures.push({ host: event.lane ?? event.host ?? "drover", says: event.says, failure: event.failure });
        return;
      case "lane-ended":
        prefixed(event, paint(event.result === "updated" ? "green" : "yellow", event.result));
        return;
      case "run-ended":
        for (const failed of failures.splice(0)) {
          line(paint("red", `${failed.host}: ${printable(failed.says)}`));
          for (const text of failureLines(failed.failure)) line(`  ${text}`);
        }
        for (const text of endingLines(event.app, event.ending)) line(text);
        line(countsLine(event.counts));
    }
  };
}
