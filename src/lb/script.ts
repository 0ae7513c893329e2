import { ADMIN_SOCKET, MASTER_SOCKET } from "./paths.ts";

/**
 * Perl that the balancer's scripts share. A host has perl-base and nothing else to talk to a UNIX socket with. It
 * stands inside single quotes of sh, so it contains none.
 *
 *     ask(SOCKET, LINE)      one command; the answer, or undef when nobody answers within 5 s
 *     insist(SOCKET, LINE)   the same, tried again for 5 s: the sockets go away for a moment at a reload
 *
 * SOCKET is `admin` or `master`. The master's socket answers but does not hang up until we have (half) closed it. Any
 * answer has at least one byte: success is an empty line (management.txt §9.3), so no byte at all is no answer.
 */
export const PERL_ASK: string = String.raw`
  use strict;
  use warnings;
  use IO::Socket::UNIX;
  use Socket qw(SHUT_WR);
  my %socket = (admin => "${ADMIN_SOCKET}", master => "${MASTER_SOCKET}");

  sub ask {
    my ($name, $line) = @_;
    my $answer = eval {
      local $SIG{ALRM} = sub { die "timeout\n" };
      local $SIG{PIPE} = "IGNORE";
      alarm 5;
      my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $socket{$name}) or die "nobody listens\n";
      my ($out, $text) = ("$line\n", "");
      while (length $out) {
        my $n = syswrite($socket, $out) // die "$!\n";
        substr($out, 0, $n, "");
      }
      shutdown($socket, SHUT_WR);
      while (sysread($socket, $text, 65536, length $text) // die "$!\n") { }
      alarm 0;
      length $text or die "no answer\n";
      $text;
    };
    # Also where the timer did not strike. The reason stays in $@ for the caller.
    my $why = $@;
    alarm 0;
    $@ = $why;
    return $answer;
  }

  # Seconds, also parts of one.
  sub nap { select(undef, undef, undef, $_[0]) }

  sub insist {
    my ($name, $line) = @_;
    my $until = time + 5;
    while (1) {
      my $answer = ask($name, $line);
      return $answer if defined $answer;
      return undef if $@ eq "timeout\n" || time > $until;
      nap(0.05);
    }
  }
`;
