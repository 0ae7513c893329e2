import type { Reporter } from "./run-text.ts";

/** NDJSON: every event as one line of JSON, as it happens. */
export function jsonReporter(line: (text: string) => void): Reporter {
  return (event) => {
    line(JSON.stringify(event));
  };
}
