import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { CONFIG } from "./paths.ts";

// keepalived starts without a check script that it does not trust, and says so in its log only; `keepalived -t` counts
// that as an error (exit code 5 or 6, measured on 2.2.7).
const TEXT = `
if [ -x /usr/sbin/keepalived ] && [ -f ${CONFIG} ]; then
  /usr/sbin/keepalived -t -f ${CONFIG} 2>&1 | grep -v '^$' | tail -n 5
  /usr/sbin/keepalived -t -f ${CONFIG} >/dev/null 2>&1; echo "end $?"
else echo 'end none'; fi
`;

/** What `keepalived -t` says of the file that lies there; null where there is nothing to test. */
export interface SelfTest {
  readonly passes: boolean;
  /** keepalived's own words, the last few. */
  readonly words: readonly string[];
}

function parse(stdout: string): SelfTest | null {
  const lines = stdout.trimEnd().split("\n");
  const end = /^end (\d+|none)$/.exec(lines.at(-1) ?? "")?.[1];
  if (end === undefined)
    throw new DroverError(failure("unknown-state", "keepalived's test of its file came back cut off"));
  return end === "none" ? null : { passes: end === "0", words: lines.slice(0, -1) };
}

/** Would keepalived take its file, check script included? It reads and starts nothing. */
export const selfTestFact: Fact<SelfTest | null> = { name: "vip.test", text: TEXT, parse };
