import { reading } from "../model/command.ts";
import type { Command } from "../model/command.ts";
import { PERL_ASK } from "./script.ts";

/**
 * The program that carries HAProxy's root-only sockets: one channel per balancer and run. A request is
 * `SOCKET EPOCH`, a newline and one line for HAProxy, where SOCKET is `admin` or `master` and EPOCH is 0 for a line
 * that only reads. The answer is HAProxy's own, or `!drover ` and a reason. It connects anew for every line: HAProxy
 * hangs up after each, and what answers after a reload is then always the new worker.
 */
const PROGRAM = String.raw`
${PERL_ASK}
  $| = 1;
  $SIG{PIPE} = "IGNORE";
  binmode STDIN;
  binmode STDOUT;

  sub reply {
    my ($text) = @_;
    print length($text), "\n", $text or exit 0;
  }

  # The newer epoch that this host has seen, or 0.
  sub stale {
    my ($epoch) = @_;
    my $seen = 0;
    if (open(my $file, "<", "/var/lib/drover/epoch")) { $seen = $1 if (<$file> // "") =~ /^(\d+)/ }
    return $seen > $epoch ? $seen : 0;
  }

  sub answer_to {
    my ($request) = @_;
    my ($name, $epoch, $line) = $request =~ /^(admin|master) (\d{1,15})\n([^\n]+)$/
      or return "!drover malformed request";
    my $seen = $epoch > 0 ? stale($epoch) : 0;
    return "!drover stale: this host has seen epoch $seen, newer than $epoch" if $seen;
    return insist($name, $line) // "!drover the $name socket: " . ($@ =~ s/\n//r);
  }

  reply("relay");
  while (defined(my $size = <STDIN>)) {
    chomp $size;
    $size =~ /^\d{1,6}$/ or exit 1;
    my $request = "";
    while (length $request < $size) {
      read(STDIN, $request, $size - length $request, length $request) or exit 0;
    }
    reply(answer_to($request));
  }
`;

/** The relay's command; it reads its requests from stdin for as long as its channel lives. */
export const RELAY: Command = reading("lb.relay", `exec perl -e '${PROGRAM}'`);
