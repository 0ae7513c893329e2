import type { Failure } from "../model/errors.ts";
import type { Counts, Ending } from "../model/event.ts";
import type { Plan } from "../model/plan.ts";
import { planSubject } from "../plan/subject.ts";

/** Milliseconds for people: `340 ms`, `2.4 s`, `3 m 05 s`. */
export function span(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  // Below what would be rounded up to 60.0.
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${String(Math.floor(seconds / 60))} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** `3 hosts`, `1 host`. */
export function several(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Text that came from a host or a file, safe for a terminal: control characters become visible escapes. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what must not reach a terminal
  return text.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** An error in full: sentence, evidence, hint. */
export function failureLines(failure: Failure): readonly string[] {
  const detail = failure.detail.map((line) => `    ${printable(line)}`);
  const hint = failure.hint === "" ? [] : [`  hint: ${printable(failure.hint)}`];
  return [`${printable(failure.message)} [${failure.code}]`, ...detail, ...hint];
}

/** The last line of every run. */
export function countsLine(counts: Counts): string {
  return [
    `${String(counts.updated)} updated`,
    `${String(counts.unchanged)} unchanged`,
    `${String(counts.failed)} failed`,
    `${String(counts.unreachable)} unreachable`,
    `${String(counts.notReached)} not reached`,
  ].join(", ");
}

/** How it ended, in one sentence, and what to type next. */
export function endingLines(plan: Pick<Plan, "app" | "firewall" | "dns">, ending: Ending): readonly string[] {
  const name = planSubject(plan);
  switch (ending.kind) {
    case "done":
      return [];
    case "failed":
      return [`${name}: failed; nothing that serves was touched`, ...failureLines(ending.failure)];
    case "reverted":
      return [`${name}: everything was put back, the rollout is closed`];
    case "open":
      return leftOpen(plan, "stopped", ending.stranded);
    case "interrupted":
      return ending.open
        ? leftOpen(plan, "interrupted", ending.stranded)
        : [`${name}: interrupted; everything is as it was, no rollout is open`];
  }
}

/** What was left, and the command that goes on from there: what is about no app is simply applied again. */
function leftOpen(
  plan: Pick<Plan, "app" | "firewall" | "dns">,
  how: string,
  stranded: readonly string[],
): readonly string[] {
  const { app } = plan;
  if (app === null)
    return [`${planSubject(plan)}: ${how} half way`, "  next: drover apply   (brings them to the files)"];
  const drained = stranded.length === 0 ? "" : `; still drained: ${stranded.join(", ")}`;
  return [
    `${app}: ${how}, the rollout is left open${drained}`,
    `  next: drover rollout abort ${app}   (puts everything back)`,
  ];
}
