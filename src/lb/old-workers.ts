import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import { fromHex } from "../model/hex.ts";
import { parseSess } from "./parse.ts";
import { PERL_ASK } from "./script.ts";

/** What a worker from before a reload still carries. */
export interface Carried {
  /** Requests under way, and connections that may still bring one. */
  readonly requests: number;
  /** Upgraded connections: they end when client or server ends them, or at `hardStopAfter`. */
  readonly tunnels: number;
}

// The master hands a line that begins with `@!PID` to that process, also to one that is on its way out
// (management.txt §9.4). A worker that ends in between answers nothing, and is left out.
const TEXT = `
perl -e '
${PERL_ASK}
  my $proc = ask("master", "show proc"); my $old = 0;
  for my $line (split /\\n/, defined $proc ? $proc : "") {
    $old = $1 eq "old workers" if $line =~ /^# *(.*?) *$/;
    my ($pid) = $line =~ /^(\\d+)\\s+worker/ or next;
    my $sessions = $old ? ask("master", "\\@!$pid show sess") : undef;
    print "$pid ", unpack("H*", $sessions), "\\n" if defined $sessions;
  }
  print "end\\n";
'
`;

function parse(stdout: string): ReadonlyMap<number, Carried> {
  const lines = stdout.trimEnd().split("\n");
  if (lines.at(-1) !== "end")
    throw new DroverError(failure("unknown-state", "the old workers' fact came back cut off"));
  return new Map(
    lines.slice(0, -1).map((line): [number, Carried] => {
      const [pid, hex = ""] = line.split(" ");
      const streams = parseSess(fromHex(hex));
      const tunnels = streams.filter(({ tunnel }) => tunnel).length;
      return [Number(pid), { requests: streams.length - tunnels, tunnels }];
    }),
  );
}

/** By process id: what workers from before a reload still carry. Those that do not tell are missing. */
export const oldWorkersFact: Fact<ReadonlyMap<number, Carried>> = { name: "lb.workers", text: TEXT, parse };
