/**
 * Asks apps through a balancer, from the balancer itself. Argument: its address. Stdin: `app scheme port host path` by tabs, a
 * line each. Prints `app`, who answered and what, by tabs. An answer is HAProxy's own where it says what HAProxy or drover's
 * template says when nobody is there; whatever else an app answers is its own business. TLS takes openssl, where it is
 * installed; perl-base has none. Stands inside single quotes of sh, so it contains none.
 */
export const PERL_TRY: string = String.raw`
  use strict; use warnings; use Socket qw(:DEFAULT getaddrinfo IPPROTO_TCP); use IO::Handle;
  my ($address) = @ARGV;
  my $has_openssl = -x "/usr/bin/openssl";
  sub request {
    my ($host, $path) = @_;
    return "GET $path HTTP/1.1\r\nHost: $host\r\nUser-Agent: drover\r\nConnection: close\r\n\r\n";
  }
  sub plain {
    my ($port, $host, $path) = @_;
    my ($error, $found) = getaddrinfo($address, $port, { socktype => SOCK_STREAM, protocol => IPPROTO_TCP });
    die "$error\n" if $error;
    socket(my $socket, $found->{family}, SOCK_STREAM, IPPROTO_TCP) or die "$!\n";
    connect($socket, $found->{addr}) or die "$!\n";
    $socket->autoflush(1);
    print {$socket} request($host, $path);
    return first_of($socket);
  }
  sub secure {
    my ($port, $host, $path) = @_;
    my $at = $address =~ /:/ ? "[$address]:$port" : "$address:$port";
    my @command = ("openssl", "s_client", "-quiet", "-verify_quiet", "-connect", $at, "-servername", $host);
    pipe(my $theirs, my $ours) or die "$!\n";
    my $pid = open(my $out, "-|") // die "$!\n";
    if (!$pid) {
      open(STDIN, "<&", $theirs); open(STDERR, ">", "/dev/null"); close($ours);
      exec @command; exit 127;
    }
    close($theirs); $ours->autoflush(1);
    print {$ours} request($host, $path);
    my $answer = eval { first_of($out) };
    my $why = $@;
    kill "TERM", $pid; close($ours); close($out);
    die $why if !defined $answer;
    return $answer;
  }
  # Who answers is seen in the first bytes: a long answer is not waited for.
  sub first_of {
    my ($handle) = @_; my $text = "";
    while (length $text < 2048) {
      my $count = sysread($handle, $text, 2048, length $text); defined $count or die "$!\n"; last if !$count;
    }
    length $text or die "no answer\n";
    return $text;
  }
  local $SIG{PIPE} = "IGNORE";
  while (my $line = <STDIN>) {
    chomp $line; my ($app, $scheme, $port, $host, $path) = split /\t/, $line;
    if ($scheme eq "https" && !$has_openssl) { print "$app\tuntried\topenssl is not installed\n"; next }
    my $answer = eval {
      local $SIG{ALRM} = sub { die "no answer within 3 s\n" }; alarm 3;
      $scheme eq "https" ? secure($port, $host, $path) : plain($port, $host, $path);
    };
    my $why = $@; alarm 0;
    if (!defined $answer) { $why =~ s/[^ -~]//g; print "$app\tnobody\t$why\n"; next }
    my ($status) = $answer =~ /^HTTP\/[0-9.]+ (\d{3})/;
    my $by_haproxy = $answer =~ /No server is available to handle this request|^no such route$/m;
    printf "%s\t%s\t%s\n", $app, defined $status && !$by_haproxy ? "app" : "haproxy", $status // "no HTTP";
  }
`;
