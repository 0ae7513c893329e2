/**
 * Perl that several of the balancer's scripts share. A host has perl-base and nothing else to talk to a UNIX socket
 * with. It stands inside single quotes of sh, so it contains none.
 *
 *     ask(PATH, LINE)   one command on one of HAProxy's sockets; the answer, or undef when nobody answers in 5 s
 */
export const PERL_ASK: string = String.raw`
  use strict; use warnings; use IO::Socket::UNIX;
  sub ask {
    my ($path, $line) = @_;
    my $answer = eval {
      local $SIG{ALRM} = sub { die "timeout\n" }; local $SIG{PIPE} = "IGNORE"; alarm 5;
      my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "no socket\n";
      my ($out, $text) = ("$line\n", "");
      while (length $out) { my $n = syswrite($socket, $out); defined $n or die "write\n"; substr($out, 0, $n, "") }
      while (1) { my $n = sysread($socket, $text, 65536, length $text); defined $n or die "read\n"; last unless $n }
      alarm 0; $text;
    };
    alarm 0; return $answer;
  }
`;
