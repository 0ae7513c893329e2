import { EXIT } from "../model/command.ts";
import { failure, type ErrorCode, type Failure } from "../model/errors.ts";
import type { Ran } from "../model/operation.ts";

/** Exit codes of the release scripts (scripts/common.ts), as sysexits(3) has them. */
const BAD_ARTIFACT = 65;

/** Lines for people: without control characters, which a journal or an app may hold, and without empty ones. */
export function evidence(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "?").trimEnd())
    .filter((line) => line !== "");
}

/** A number of bytes for people. */
export function bytes(count: number): string {
  const mib = count / (1024 * 1024);
  return mib >= 1 ? `${mib.toFixed(mib < 10 ? 1 : 0)} MiB` : `${Math.ceil(count / 1024)} KiB`;
}

function codeOf(ran: Ran): ErrorCode {
  if (ran.code === EXIT.diskFull || ran.stderr.includes("No space left on device")) return "disk-full";
  if (ran.code === EXIT.stale) return "stale-epoch";
  if (ran.code === BAD_ARTIFACT) return "artifact";
  return ran.code === EXIT.busy ? "command-failed" : "release";
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  "disk-full": "make room in /opt on the host, or keep fewer releases (rollout.keepReleases)",
  "stale-epoch": "another run has taken over this fleet; see who with `drover status`",
  artifact: "build the artifact again and check what is in it with `tar -tvf`",
};

/**
 * The failure a script that ended with a non-zero code stands for. Its first line on stderr says what is wrong, the
 * others are evidence. `doing`: what was being done, e.g. `stage shop 1.5.0-… on app1`.
 */
export function judge(doing: string, ran: Ran): Failure {
  const [first = `exit code ${ran.code}`, ...rest] = evidence(ran.stderr);
  const code = codeOf(ran);
  const readable = first.replaceAll(/(\d{4,}) bytes/g, (_, count: string) => bytes(Number(count)));
  const numbers = readable.replaceAll(
    /and (\d{4,}) are free/g,
    (_, count: string) => `and ${bytes(Number(count))} are free`,
  );
  return failure(code, `cannot ${doing}: ${numbers}`, HINTS[code] ?? "", rest);
}
