import { CONFIG, MANIFEST } from "./paths.ts";
import { PERL_CONFIG } from "./perl-config.ts";
import { PERL_ASK } from "./script.ts";

/** Exit codes of the moving script beyond those that every script has. */
export const MOVE_EXIT = {
  /** haproxy.cfg has no such server. */
  missing: 3,
  /** It is at neither address, or takes traffic. */
  refused: 65,
  /** The file has the new address, HAProxy would not take it. */
  notTaken: 66,
} as const;

/**
 * Gives one server another address: in haproxy.cfg, in the manifest and in the running process, in this order, so that a
 * second run ends what a first one began. Arguments BACKEND SERVER FROM-ADDRESS FROM-PORT TO-ADDRESS TO-PORT. Other servers'
 * marks and moves wait for the host's lock. No single quotes.
 */
export const PERL_MOVE: string = String.raw`
${PERL_ASK}
${PERL_CONFIG}
  my ($backend, $server, $from, $from_port, $to, $to_port) = @ARGV;
  sub quit { my ($code, $said) = @_; print STDERR "$said\n"; exit $code }
  sub row { my ($said) = grep { my @c = split / /; @c > 18 && $c[1] eq $backend && $c[3] eq $server } split /\n/, ask("admin", "show servers state") // ""; return defined $said ? split(/ /, $said) : () }
  sub sum_of { my ($text) = @_; mkdir "/run/drover", 0755; my $at = "/run/drover/sum.$$"; write_atomic($at, 0600, $text); my ($sum) = qx(sha256sum < $at) =~ /^([0-9a-f]{64})/; unlink $at; return $sum // quit(74, "sha256sum failed") }
  sub plain { my @lines = split /\n/, $_[0], -1; each_server(\@lines, sub { $lines[$_[0]] =~ s/[ \t]+disabled[ \t]*\z// }); return join "\n", @lines }
  my $text = slurp("${CONFIG}") // quit(${MOVE_EXIT.missing}, "${CONFIG} is missing"); my @lines = split /\n/, $text, -1; my ($at, $marked);
  each_server(\@lines, sub { ($at, $marked) = ($_[0], scalar $lines[$_[0]] =~ /[ \t]disabled[ \t]*\z/) if $_[1] eq $backend && $_[2] eq $server });
  defined $at or quit(${MOVE_EXIT.missing}, "${CONFIG} has no server $backend/$server");
  my $has = join " ", address_of($lines[$at]); $has eq "$from $from_port" || $has eq "$to $to_port" or quit(${MOVE_EXIT.refused}, "$backend/$server is at $has, not at $from $from_port");
  my @row = row(); my $moved = @row && $row[4] eq $to && $row[18] eq $to_port;
  quit(${MOVE_EXIT.refused}, "$backend/$server takes traffic; it can only be moved while it is drained") if @row && !$moved && !($row[6] & 0x3b);
  (my $shown = $to) =~ s/^(.*:.*)\z/[$1]/; $lines[$at] =~ s/^([ \t]+server[ \t]+\S+[ \t]+)\S+/$1$shown:$to_port/; my $new = join "\n", @lines;
  my $manifest = slurp("${MANIFEST}");
  if (defined $manifest && $manifest =~ /"sha256":"([0-9a-f]{64})"\}\s*\z/) {
    my $sum = $1; my $plain = sum_of(plain($text)); my $will = sum_of(plain($new));
    my ($head, $list, $tail) = $manifest =~ /\A(.*?"\Q$backend\E":\{"app":"\Q$backend\E",.*?"servers":\[)([^\]]*)(\].*)\z/s or quit(${MOVE_EXIT.refused}, "the manifest knows no app $backend");
    my $count = $list =~ s/\{"address":"(?:\Q$from\E|\Q$to\E)","name":"\Q$server\E","port":(?:$from_port|$to_port)\}/{"address":"$to","name":"$server","port":$to_port}/g;
    $count == 1 or quit(${MOVE_EXIT.refused}, "the manifest does not hold $backend/$server once");
    # A file that somebody edited keeps differing from the manifest.
    $sum = $will if $sum eq $plain; $tail =~ s/"sha256":"[0-9a-f]{64}"\}\s*\z/"sha256":"$sum"}\n/;
    if ("$head$list$tail" ne $manifest) { write_atomic("${MANIFEST}.drover-new", 0600, "$head$list$tail"); write_atomic("${CONFIG}", 0644, $new) if $new ne $text; rename("${MANIFEST}.drover-new", "${MANIFEST}") or quit(74, "cannot rename: $!") }
  }
  write_atomic("${CONFIG}", 0644, $new) if (slurp("${CONFIG}") // "") ne $new;
  write_state(state_rows($new)); @row or do { print "HAProxy does not run it\n"; exit 0 }; $moved and do { print "unchanged\n"; exit 0 };
  my $said = ask("admin", "set server $backend/$server addr $to port $to_port") // "no answer"; @row = row();
  @row && $row[4] eq $to && $row[18] eq $to_port or quit(${MOVE_EXIT.notTaken}, "HAProxy would not move $backend/$server: " . ($said =~ s/\s+/ /gr)); print "moved\n";
`;
