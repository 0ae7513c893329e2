import { COMMON } from "./common.ts";

/**
 * Arguments: app, address, port, kind (http, tcp, process), path, then in milliseconds interval, timeout,
 * minHealthyTime, healthyDeadline, and successThreshold. One perl process looks until there is a verdict:
 *
 *     verdict healthy|crashed|unhealthy
 *     elapsed MS · first MS · probes N · resets N · last WHAT THE LAST PROBE SAW
 *     journal LINE …            unless healthy
 *
 * Until the first pass it looks often, so that an app that starts fast is not waited for; after it at the interval.
 * The clock of minHealthyTime begins with a pass and starts over with a failed probe. The clock is the kernel's tick
 * count (times(2)): monotonic, 10 ms, and perl-base has nothing finer.
 */
export const PROBE: string = String.raw`${COMMON}
shift
said=$(perl -e '
use strict; use warnings; use POSIX (); use Fcntl;
use Socket qw(:addrinfo SOCK_STREAM SOL_SOCKET SO_ERROR); use Errno qw(EINPROGRESS EAGAIN EINTR);
my ($unit, $address, $port, $kind, $path, $interval, $timeout, $min, $deadline, $threshold) = @ARGV;
$SIG{PIPE} = "IGNORE"; $| = 1;
my $hz = POSIX::sysconf(POSIX::_SC_CLK_TCK());
sub now { return (POSIX::times())[0] * 1000 / $hz }
sub nap { my ($ms) = @_; select(undef, undef, undef, $ms / 1000) if $ms > 0 }
my $start = now();

sub look {
  open(my $p, "-|", "systemctl", "show", "-p", "ActiveState,SubState,MainPID,NRestarts,ExecMainStatus,ExecMainCode,Result", "--", $unit) or return {};
  my %v = map { chomp; /^(\w+)=(.*)$/ ? ($1, $2) : () } <$p>; close $p; return \%v;
}
sub born {
  my ($pid) = @_; open(my $f, "<", "/proc/$pid/stat") or return ""; my $l = <$f>; return "" if !defined $l;
  $l =~ s/^.*\) //s; my @w = split / /, $l; return $w[0] eq "Z" ? "" : $w[19];
}
sub ready {
  my ($s, $write, $until) = @_; my $left = ($until - now()) / 1000; return 0 if $left <= 0;
  my $v = ""; vec($v, fileno($s), 1) = 1; my ($r, $w) = $write ? (undef, $v) : ($v, undef);
  my $n = select($r, $w, undef, $left); return $n > 0 || ($n < 0 && $! == EINTR);
}
my $where = $address =~ /:/ ? "[$address]:$port" : "$address:$port";
sub dial {
  my ($until) = @_;
  my ($err, $ai) = getaddrinfo($address, $port, { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });
  return (undef, "$where is not an address") if $err || !$ai;
  socket(my $s, $ai->{family}, SOCK_STREAM, 0) or return (undef, "socket: $!");
  fcntl($s, F_SETFL, fcntl($s, F_GETFL, 0) | O_NONBLOCK);
  if (!connect($s, $ai->{addr})) {
    return (undef, "connect to $where: $!") if $! != EINPROGRESS;
    return (undef, "connect to $where: no answer in time") if !ready($s, 1, $until);
    if (my $e = unpack("i", getsockopt($s, SOL_SOCKET, SO_ERROR))) { $! = $e; return (undef, "connect to $where: $!") }
  }
  return ($s, "");
}
sub http {
  my ($until) = @_; my ($s, $why) = dial($until); return (0, $why) if !$s;
  my $ask = "GET $path HTTP/1.1\r\nHost: $where\r\nUser-Agent: drover\r\nAccept: */*\r\nConnection: close\r\n\r\n"; my $got = "";
  while ($ask ne "") {
    my $n = syswrite($s, $ask); if (defined $n) { substr($ask, 0, $n) = ""; next }
    return (0, "GET $path: $!") if $! != EAGAIN && $! != EINTR;
    return (0, "GET $path: no answer in time") if !ready($s, 1, $until);
  }
  while (length $got < 4096) {
    my $n = sysread($s, $got, 4096, length $got);
    if (defined $n) { last if $n == 0; last if $got =~ /\r?\n\r?\n.*\n/s; next }
    return (0, "GET $path: $!") if $! != EAGAIN && $! != EINTR;
    # The status is all that counts; a body that is slow to come is only evidence.
    last if $got =~ /^HTTP\/1\.\d [23]\d\d/ && $got =~ /\r?\n\r?\n/;
    last if !ready($s, 0, $until);
  }
  return (0, $got eq "" ? "GET $path: no answer" : "GET $path: not HTTP") if $got !~ /^(HTTP\/1\.\d (\d\d\d)[^\r\n]*)/;
  my ($line, $status) = ($1, $2); my ($body) = $got =~ /\r?\n\r?\n([^\r\n]{1,200})/;
  return ($status >= 200 && $status < 400, "GET $path: $line" . (defined $body ? ": $body" : ""));
}
sub probe {
  my ($until) = @_;
  return http($until) if $kind eq "http";
  if ($kind eq "tcp") { my ($s, $why) = dial($until); return $s ? (1, "connect to $where: accepted") : (0, $why) }
  my $v = look(); return ($v->{ActiveState} eq "active" && $v->{SubState} eq "running", "the unit is $v->{ActiveState} ($v->{SubState})");
}

my ($first, $gap, $passes, $probes, $resets, $last, $pid, $birth, $restarts) = (undef, 50, 0, 0, 0, "no probe yet", 0, "", 0);
sub verdict {
  my ($v) = @_; my $took = now() - $start; $last =~ s/[^\x20-\x7e\x80-\xff]/?/g;
  printf "verdict %s\nelapsed %d\nfirst %s\nprobes %d\nresets %d\nlast %s\n", $v, $took, defined $first ? int($first - $start) : "-", $probes, $resets, $last;
  exit 0;
}
sub gone {
  my ($v) = @_; my $s = $v->{ActiveState} || "unknown";
  return "" if $s eq "active" && $v->{MainPID} == $pid && $v->{NRestarts} == $restarts;
  return "the main process ended (status $v->{ExecMainStatus}, restarts $v->{NRestarts}); the unit is $s ($v->{SubState})";
}
while (1) {
  my $v = look();
  if (($v->{ActiveState} || "") eq "active" && ($v->{MainPID} || 0) > 0) { ($pid, $restarts) = ($v->{MainPID}, $v->{NRestarts}); $birth = born($pid); last if $birth ne "" }
  my $s = $v->{ActiveState} || "unknown";
  if ($s ne "activating" || ($v->{SubState} || "") eq "auto-restart" || now() - $start >= $deadline) { $last = "the unit is $s (" . ($v->{SubState} || "") . "), status " . ($v->{ExecMainStatus} || 0); verdict("crashed") }
  nap(50);
}
while (1) {
  if (born($pid) ne $birth) { $last = gone(look()) || "the main process changed"; verdict("crashed") }
  my $end = $start + $deadline; my $until = now() + $timeout; $until = $end if $until > $end;
  # A probe that has no time left would only hide what the one before it saw.
  verdict("unhealthy") if $probes && $end - now() < 50;
  my ($ok, $why) = probe($until); $probes++; $last = $why; my $at = now();
  if ($ok) { $passes++; $first = $at if !defined $first } else { $resets++ if $passes; ($passes, $first) = (0, undef) }
  if ($ok && $passes >= $threshold && $at - $first >= $min) {
    my $bad = gone(look()); if ($bad ne "") { $last = $bad; verdict("crashed") }
    verdict("healthy");
  }
  verdict("unhealthy") if $at >= $end;
  my $wait = $interval;
  if (!$ok) { $wait = $gap < $interval ? $gap : $interval; $gap *= 1.2 }
  else { $gap = 50; my $left = $first + $min - $at; $wait = $left if $passes + 1 >= $threshold && $left > 0 && $left < $wait }
  $wait = $end - $at if $at + $wait > $end;
  # Never asleep while the process is already gone: look in between.
  while ($wait > 0) { my $n = $wait > 200 ? 200 : $wait; nap($n < 10 ? 10 : $n); $wait -= $n; last if born($pid) ne $birth }
}
' "$unit" "$@") || exit 70
printf '%s\n' "$said"
case $said in
"verdict healthy"*) ;;
*) evidence | sed 's/^/journal /' ;;
esac
exit 0
`;
