import type { Failure } from "../model/errors.ts";
import type { RunEvent } from "../model/event.ts";
import type { Plan } from "../model/plan.ts";
import { moveEndingLines } from "./move-text.ts";
import { backLine, planLines } from "./plan-text.ts";
import { countsLine, endingLines, failureLines, printable, span } from "./words.ts";

/** Takes a run's events as they happen. */
export interface Reporter {
  (event: RunEvent): void;
}

/** Where a reporter prints; `paint` colours or leaves alone. */
export interface Printer {
  readonly line: (text: string) => void;
  readonly paint: (style: "red" | "green" | "yellow" | "bold" | "dim", text: string) => string;
  readonly verbose: boolean;
}

interface FailedStep {
  readonly where: string;
  readonly says: string;
  readonly failure: Failure;
}

type Paint = Printer["paint"];

/** Plain progress: one line per finished step, each prefixed with its host; failures again in full at the end, the count last. */
export function textReporter({ line, paint, verbose }: Printer): Reporter {
  const failures: FailedStep[] = [];
  let plan: Story["plan"] = { app: null };
  return (event) => {
    if (event.kind === "run-started") plan = event.plan;
    if (event.kind === "step-failed")
      failures.push({ where: whereOf(event), says: event.says, failure: event.failure });
    if (event.kind === "step-started" && !verbose) return;
    const ended = event.kind === "run-ended" ? failures.splice(0) : [];
    for (const text of linesOf(event, { failures: ended, plan }, paint)) line(text);
  };
}

/** What a run's end is told with, besides the event. */
interface Story {
  readonly failures: readonly FailedStep[];
  readonly plan: Pick<Plan, "app" | "firewall" | "move">;
}

function linesOf(event: RunEvent, story: Story, paint: Paint): readonly string[] {
  switch (event.kind) {
    case "run-started":
      return [
        ...(event.back ? [backLine(event.plan)] : planLines(event.plan)),
        paint("dim", `rollout ${event.rollout}`),
      ];
    case "run-ended":
      return endLines(event, story, paint);
    case "lane-ended":
      return prefixed(event.lane, [paint(event.result === "updated" ? "green" : "yellow", event.result)], paint);
    case "note":
      return prefixed(whereOf(event), [printable(event.text)], paint);
    case "warning":
      return prefixed(
        whereOf(event),
        failureLines(event.failure).map((text) => paint("yellow", text)),
        paint,
      );
    case "step-started":
    case "step-done":
    case "step-failed":
      return prefixed(whereOf(event), [stepLine(event, paint)], paint);
  }
}

function stepLine(event: Extract<RunEvent, { readonly says: string }>, paint: Paint): string {
  const says = printable(event.says);
  switch (event.kind) {
    case "step-started":
      return paint("dim", `… ${says}`);
    case "step-done":
      return `${says}${event.note === "" ? "" : `: ${printable(event.note)}`} ${paint("dim", span(event.ms))}`;
    case "step-failed":
      return paint("red", `${says}: failed after ${span(event.ms)}: ${printable(event.failure.message)}`);
  }
}

function endLines(
  event: Extract<RunEvent, { readonly kind: "run-ended" }>,
  { failures, plan }: Story,
  paint: Paint,
): readonly string[] {
  const told = failures.flatMap(({ where, says, failure }) => [
    paint("red", `${where}: ${printable(says)}`),
    ...failureLines(failure).map((text) => `  ${text}`),
  ]);
  const ending = plan.move === undefined ? endingLines(plan, event.ending) : moveEndingLines(plan.move, event.ending);
  return [...told, ...ending, countsLine(event.counts)];
}

function whereOf(event: { readonly lane?: string | null; readonly host: string | null }): string {
  return event.lane ?? event.host ?? "drover";
}

function prefixed(where: string, lines: readonly string[], paint: Paint): readonly string[] {
  return lines.map((text) => `${paint("bold", where.padEnd(6))} | ${text}`);
}
