import type { Ending } from "../model/event.ts";
import type { HostMove } from "../model/plan.ts";
import { failureLines } from "./words.ts";

/** How taking a host out, or letting it back in, ended, and what to type next. */
export function moveEndingLines(move: HostMove, ending: Ending): readonly string[] {
  return move.to === "out" ? drainEndingLines(move.host, ending) : undrainEndingLines(move.host, ending);
}

function drainEndingLines(host: string, ending: Ending): readonly string[] {
  const back = `  next: drover undrain ${host}   (lets it in again)`;
  switch (ending.kind) {
    case "done":
      return [`${host} is drained, and stays so until: drover undrain ${host}`];
    case "failed":
      return [`${host}: not drained; nothing was changed`, ...failureLines(ending.failure)];
    case "reverted":
      return [`${host}: not drained; everything was put back`];
    case "open":
      return [`${host}: stopped half way; it stays listed as drained`, againLine(host), back];
    case "interrupted":
      return ending.open
        ? [`${host}: interrupted half way; it stays listed as drained`, againLine(host), back]
        : [`${host}: interrupted; everything was put back`];
  }
}

function againLine(host: string): string {
  return `  next: drover drain ${host} -m REASON   (completes it)`;
}

function undrainEndingLines(host: string, ending: Ending): readonly string[] {
  const again = `  next: put right what is named above, then drover undrain ${host}`;
  switch (ending.kind) {
    case "done":
      return [`${host} is in service again`];
    case "failed":
      return [`${host} stays drained`, ...failureLines(ending.failure), again];
    case "reverted":
      return [`${host} stays drained; everything was put back`, again];
    case "open":
      return [`${host}: stopped half way; it stays listed as drained`, again];
    case "interrupted":
      return [`${host}: interrupted; it stays listed as drained`, `  next: drover undrain ${host}`];
  }
}
