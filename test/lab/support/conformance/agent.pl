# One per network namespace: listens, probes, and holds streams open, all at once, as it is told on stdin.
#
# A request is a line of words between tabs: VERB, ID, ARGUMENTS. Each is answered by a line ANSWER, ID, MORE, in the
# order in which the answers are known. Bytes are written in hex.
#
#   run     ID INPUT ARGV...           ran CODE OUTPUT
#   listen  ID PROTOCOL ADDRESS PORT   ok
#   probe   ID PROTOCOL FROM TO PORT MS   yes | no | refused (somebody said no who is not a firewall)
#   open    ID FROM TO PORT MS         yes | no; a stream that stays, called ID from then on
#   say     ID STREAM MS               yes (it was heard and answered within MS) | no
#   flow    ID STREAM MS               yes (something was pushed over it within MS) | no
#   push    ID STREAM                  ok; from now on the other end talks unasked, every 20 ms
#   seen    ID NONCE MS                yes | no: whether a datagram of that probe arrived here, or does within MS
#   reset   ID                         ok; every socket is closed, all that was seen is forgotten
use strict;
use warnings;
use Socket qw(:DEFAULT :addrinfo IPPROTO_TCP IPPROTO_IPV6 IPV6_V6ONLY);
use Fcntl;
use Errno qw(EINPROGRESS ECONNREFUSED);
use Time::HiRes qw(time);

$| = 1;
$SIG{PIPE} = 'IGNORE';
my %raw = (icmp => 1, icmp6 => 58, vrrp => 112, other => 253);
my (%servers, %peers, %probes, %streams, %waits, %seen);    # by fileno, but probes, streams and waits by id
my $input = '';
fcntl(STDIN, F_SETFL, O_NONBLOCK);

sub answer { print join("\t", @_), "\n" }

sub place {
  my ($address, $port, $type) = @_;
  my ($error, $info) = getaddrinfo($address, $port, { flags => AI_NUMERICHOST, socktype => $type || SOCK_STREAM });
  die "$address: $error\n" if $error;
  return ($info->{family}, $info->{addr});
}

sub make {
  my ($protocol, $address, $port) = @_;
  my $type = $protocol eq 'tcp' ? SOCK_STREAM : $protocol eq 'udp' ? SOCK_DGRAM : SOCK_RAW;
  my ($family, $where) = place($address, $type == SOCK_RAW ? 0 : $port, $type == SOCK_RAW ? 0 : $type);
  my $number = $protocol eq 'icmp' && $family == AF_INET6 ? 58 : $raw{$protocol} || 0;
  socket(my $socket, $family, $type, $number) or die "socket: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $family == AF_INET6;
  bind($socket, $where) or die "bind $address $port: $!\n";
  fcntl($socket, F_SETFL, O_NONBLOCK);
  return ($socket, $family, $type);
}

sub run {
  my ($id, $hex, @argv) = @_;
  pipe(my $in, my $feed) or die;
  pipe(my $out, my $back) or die;
  my $pid = fork();
  if (!$pid) {
    open(STDIN, '<&', $in);
    open(STDOUT, '>&', $back);
    open(STDERR, '>&', $back);
    close($_) for $in, $feed, $out, $back;
    exec(@argv) or exit(127);
  }
  close($in);
  close($back);
  # What is fed is larger than a pipe at times, and the programs read all of it before they write.
  syswrite($feed, pack('H*', $hex)) if length $hex;
  close($feed);
  local $/;
  my $text = <$out>;
  waitpid($pid, 0);
  answer('ran', $id, $? >> 8, unpack('H*', defined $text ? $text : ''));
}

sub echo_request {
  my ($family, $payload) = @_;
  my $packet = pack('CCnnna*', $family == AF_INET6 ? 128 : 8, 0, 0, int rand 65536, 1, $payload);
  return $packet if $family == AF_INET6;    # the kernel sums up ICMPv6 itself
  my $sum = 0;
  $sum += $_ for unpack('n*', length($packet) % 2 ? "$packet\0" : $packet);
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  substr($packet, 2, 2) = pack('n', ~$sum & 0xffff);
  return $packet;
}

sub start_probe {
  my ($id, $protocol, $from, $to, $port, $ms) = @_;
  my ($socket, $family, $type) = make($protocol, $from, 0);
  my (undef, $where) = place($to, $type == SOCK_RAW ? 0 : $port, $type == SOCK_RAW ? 0 : $type);
  $probes{$id} = { socket => $socket, protocol => $protocol, family => $family, until => time + $ms / 1000 };
  if ($type == SOCK_STREAM) {
    return if connect($socket, $where) || $! == EINPROGRESS;
    return finish($id, $! == ECONNREFUSED ? 'refused' : 'no');
  }
  # Connected, so that only an answer from where it was sent to counts.
  return finish($id, 'no') if $type == SOCK_DGRAM && !connect($socket, $where);
  my $payload = "<$id>";
  my $text = $protocol eq 'icmp' ? echo_request($family, $payload) : $payload;
  my $sent = $type == SOCK_DGRAM ? send($socket, $text, 0) : send($socket, $text, 0, $where);
  finish($id, 'no') unless defined $sent;
}

sub finish {
  my ($id, $answer) = @_;
  delete $probes{$id};
  answer($answer, $id);
}

# What came of a probe whose socket has something to say; nothing if it was not for us.
sub judge {
  my ($id) = @_;
  my $probe = $probes{$id};
  if ($probe->{protocol} eq 'tcp') {
    my $error = unpack('i', getsockopt($probe->{socket}, SOL_SOCKET, SO_ERROR));
    if ($probe->{stream} && !$error) {
      $streams{$id} = { socket => $probe->{socket}, text => '' };
    }
    return finish($id, $error == 0 ? 'yes' : $error == ECONNREFUSED ? 'refused' : 'no');
  }
  my $got = recv($probe->{socket}, my $text, 2048, 0);
  return finish($id, $! == ECONNREFUSED ? 'refused' : 'no') unless defined $got;
  return if index($text, "<$id>") < 0;
  if ($probe->{protocol} eq 'icmp') {
    my $type = ord(substr($text, $probe->{family} == AF_INET ? (ord($text) & 15) * 4 : 0, 1));
    return unless $type == 0 || $type == 129;
  }
  elsif ($probe->{protocol} ne 'udp') { return }    # its own packet, on a host that talks to itself
  finish($id, 'yes');
}

sub obey {
  my ($verb, $id, @words) = @_;
  if ($verb eq 'run') { run($id, @words) }
  elsif ($verb eq 'listen') {
    my ($socket, undef, $type) = make(@words);
    listen($socket, 64) if $type == SOCK_STREAM;
    $servers{ fileno $socket } = { socket => $socket, type => $type };
    answer('ok', $id);
  }
  elsif ($verb eq 'probe') { start_probe($id, @words) }
  elsif ($verb eq 'open') { start_probe($id, 'tcp', @words); $probes{$id}{stream} = 1 if $probes{$id} }
  elsif ($verb eq 'push' || $verb eq 'say' || $verb eq 'flow') {
    my $stream = $streams{ $words[0] } or return answer('no', $id);
    my $word = $verb eq 'push' ? 'push' : $id;
    if ($verb ne 'flow') { syswrite($stream->{socket}, "$word\n") }
    else { $stream->{text} = '' }
    return answer('ok', $id) if $verb eq 'push';
    $waits{$id} = { stream => $words[0], word => $verb eq 'say' ? "$id\n" : 'flow', until => time + $words[1] / 1000 };
  }
  elsif ($verb eq 'seen') {
    return answer('yes', $id) if $seen{ $words[0] };
    $waits{$id} = { nonce => $words[0], until => time + $words[1] / 1000 };
  }
  elsif ($verb eq 'reset') {
    (%servers, %peers, %probes, %streams, %waits, %seen) = ();
    answer('ok', $id);
  }
  else { die "what is $verb?\n" }
}

sub serve {
  my ($server) = @_;
  if ($server->{type} == SOCK_STREAM) {
    accept(my $peer, $server->{socket}) or return;
    fcntl($peer, F_SETFL, O_NONBLOCK);
    $peers{ fileno $peer } = { socket => $peer, text => '' };
    return;
  }
  my $from = recv($server->{socket}, my $text, 2048, 0);
  return unless defined $from;
  # A packet's header may hold any byte, also one that looks like the beginning of ours.
  if ($text =~ /<([0-9.]+)>/) {
    $seen{$1} = 1;
    for my $wait (grep { ($waits{$_}{nonce} // '') eq $1 } keys %waits) {
      delete $waits{$wait};
      answer('yes', $wait);
    }
  }
  send($server->{socket}, $text, 0, $from) if $server->{type} == SOCK_DGRAM;
}

sub hear {
  my ($number) = @_;
  my $peer = $peers{$number};
  my $got = sysread($peer->{socket}, my $text, 4096);
  return delete $peers{$number} unless $got;
  $peer->{text} .= $text;
  while ($peer->{text} =~ s/^([^\n]*)\n//) {
    if ($1 eq 'push') { $peer->{push} = 1 }
    else { syswrite($peer->{socket}, "$1\n") }
  }
}

sub hear_answer {
  my ($id) = @_;
  my $got = sysread($streams{$id}{socket}, my $text, 4096);
  return delete $streams{$id} unless $got;
  $streams{$id}{text} .= $text;
  for my $wait (grep { ($waits{$_}{stream} // '') eq $id } keys %waits) {
    next if index($streams{$id}{text}, $waits{$wait}{word}) < 0;
    delete $waits{$wait};
    answer('yes', $wait);
  }
}

while (1) {
  my ($read, $write) = ('', '');
  vec($read, fileno STDIN, 1) = 1;
  vec($read, $_, 1) = 1 for keys %servers, keys %peers;
  vec($read, fileno $_->{socket}, 1) = 1 for values %streams;
  for (values %probes) { vec($_->{protocol} eq 'tcp' ? $write : $read, fileno $_->{socket}, 1) = 1 }
  my $pushes = grep { $_->{push} } values %peers;
  my ($first) = sort { $a <=> $b } map { $_->{until} } values %probes, values %waits;
  my $rest = defined $first ? $first - time : 60;
  $rest = 0.02 if $pushes && $rest > 0.02;
  select($read, $write, undef, $rest < 0 ? 0 : $rest);
  my $now = time;    # taken after the sockets were asked: an answer that is there is never too late

  for my $id (keys %probes) {
    my $number = fileno $probes{$id}{socket};
    judge($id) if vec($read, $number, 1) || vec($write, $number, 1);
    finish($id, 'no') if $probes{$id} && $probes{$id}{until} < $now && $rest <= 0;
  }
  for my $id (keys %streams) {
    hear_answer($id) if vec($read, fileno $streams{$id}{socket}, 1);
  }
  for my $id (keys %waits) {
    next unless $waits{$id}{until} < $now && $rest <= 0;
    delete $waits{$id};
    answer('no', $id);
  }
  for my $number (keys %servers) { serve($servers{$number}) if vec($read, $number, 1) }
  for my $number (keys %peers) { hear($number) if vec($read, $number, 1) }
  for my $peer (values %peers) { syswrite($peer->{socket}, 'flow') if $peer->{push} }

  next unless vec($read, fileno STDIN, 1);
  my $got = sysread(STDIN, $input, 65536, length $input);
  exit 0 if defined $got && $got == 0;
  while ($input =~ s/^([^\n]*)\n//) {
    my ($verb, $id, @words) = split /\t/, $1, -1;
    eval { obey($verb, $id, @words); 1 } or do { (my $why = $@) =~ s/\s+/ /g; answer('error', $id, $why) };
  }
}
